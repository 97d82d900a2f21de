// A whole answer as the JSON body of /v1/chat/completions (spec §2.5).
#pragma once

#include "api/message.hpp"

#include <cstdint>
#include <string>

namespace meta_model::api {

enum class reply_usage {
    of_draft,  // the answer's own; left out when unknown
    of_total,  // `total` below; left out when unknown
    none,
};

struct chat_reply_options {
    std::string id{};          // empty: one is made
    std::int64_t created = 0;  // Unix time
    std::string model{};       // as the client is to see it
    bool expose_reasoning = false;
    reply_usage usage = reply_usage::of_draft;
    std::string extension{};             // JSON text of `x_meta_model`; empty: none
    const token_usage* total = nullptr;  // the sum over the legs; must outlive the call
};

// One choice. What the draft does not have stays out of the body; `content` and `finish_reason` are there always and
// null when the draft has none. Upstream JSON (`usage`, `logprobs`, `annotations`) is carried as it was written.
std::string encode_chat_completion(const draft& answer, const chat_reply_options& options);

}  // namespace meta_model::api
