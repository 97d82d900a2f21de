// The one line that a relayed call has in the books of a request that asks for them (`x_meta_model.trace`).
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/registry.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

class relay_account {
public:
    // `context` outlives it. `sent_tokens`: estimate of the body. `most_output`: tokens that the answer can have at most;
    // 0: unknown.
    relay_account(
        request_context& context,
        const upstream::upstream_state& upstream,
        std::int64_t sent_tokens,
        std::int64_t most_output
    );

    // The answer is complete. Before the reply's headers or its `x_meta_model` are made.
    // `state`: of the call, as the books name it.
    void close(
        const std::optional<api::token_usage>& usage,
        std::size_t content_bytes,
        std::string_view state = "done"
    );
    // `usage`: raw JSON; empty: none.
    void close(std::string_view usage, std::size_t content_bytes);

    // The last event of a stream that is relayed as it is, with the books in the words of its wire.
    std::string with_books(std::string_view last_event) const;

private:
    request_context& context_;
    const upstream::upstream_state& upstream_;
    ledger_line& line_;
    const std::int64_t sent_tokens_;
    const std::int64_t most_output_;
};

}  // namespace meta_model::dispatch
