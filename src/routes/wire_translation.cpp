#include "routes/wire_translation.hpp"

#include "api/completions_wire.hpp"
#include "api/messages_request.hpp"
#include "api/messages_stream.hpp"
#include "api/responses_request.hpp"
#include "api/responses_stream.hpp"

namespace meta_model::routes {

using api::request_kind;

bool is_translated(request_kind kind) {
    return kind == request_kind::completions || kind == request_kind::responses
           || kind == request_kind::messages;
}

namespace {

// What needs a store of responses.
base::result<void> judge_stateful(const api::responses_request& request) {
    for (const auto* name : {"previous_response_id", "background", "conversation"}) {
        const auto value = request.member(name);
        if (!value.empty() && value != "false" && value != R"("")") {
            return base::make_error(
                base::error_code_id::unsupported_responses_param,
                "'" + std::string(name) + "' is not supported on /v1/responses.",
                name
            );
        }
    }
    return {};
}

base::result<translated_request> chat_of_response(std::string_view body, int max_depth) {
    api::responses_request request;
    if (auto parsed = request.parse(body, max_depth); !parsed) {
        return parsed.error();
    }
    if (auto judged = judge_stateful(request); !judged) {
        return judged.error();
    }
    auto chat = request.chat(api::response_history{});
    if (!chat) {
        return chat.error();
    }
    translated_request translated;
    translated.body = std::move(*chat);
    translated.replies = std::make_unique<api::response_translator>(request.facts());
    return translated;
}

}  // namespace

base::result<translated_request> chat_of(
    request_kind kind, std::string_view body, int max_depth, std::string_view request_id
) {
    if (kind == request_kind::responses) {
        return chat_of_response(body, max_depth);
    }
    const bool is_messages = kind == request_kind::messages;
    auto chat = is_messages ? api::chat_of_messages(body, max_depth)
                            : api::chat_of_completion(body, max_depth);
    if (!chat) {
        return chat.error();
    }
    translated_request translated;
    translated.body = std::move(*chat);
    if (is_messages) {
        translated.replies = std::make_unique<api::messages_translator>(request_id);
    } else {
        translated.replies = std::make_unique<api::completion_translator>();
    }
    return translated;
}

}  // namespace meta_model::routes
