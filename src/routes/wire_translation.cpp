#include "routes/wire_translation.hpp"

#include "api/completions_wire.hpp"

namespace meta_model::routes {

bool is_translated(api::request_kind kind) {
    return kind == api::request_kind::completions || kind == api::request_kind::responses;
}

base::result<translated_request> chat_of(
    api::request_kind kind, std::string_view body, int max_depth
) {
    if (kind == api::request_kind::responses) {
        return base::make_error(
            base::error_code_id::not_implemented, "/v1/responses is not served yet."
        );
    }
    auto chat = api::chat_of_completion(body, max_depth);
    if (!chat) {
        return chat.error();
    }
    translated_request translated;
    translated.body = std::move(*chat);
    translated.replies = std::make_unique<api::completion_translator>();
    return translated;
}

}  // namespace meta_model::routes
