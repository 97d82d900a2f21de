// Replies to /v1/responses: chat completions and chat streams as response objects and their events (spec §7.2.4).
#pragma once

#include "api/reply_translator.hpp"
#include "api/responses_reply.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace meta_model::api {

// Of one request. Errors of a stream that has begun become `response.failed`; those before are left as they are.
class response_translator final : public reply_translator {
public:
    // `listener` may be null; else it outlives the translator.
    explicit response_translator(response_facts facts, response_listener* listener = nullptr);
    ~response_translator() override;

    std::string whole(std::string_view chat_completion) override;
    void take_event(std::string_view event, std::string& out) override;

    const response_facts& facts() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace meta_model::api
