// Chat requests as clients send them: a conversation of prose or source code, properly escaped.
#pragma once

#include <string>
#include <string_view>

namespace meta_model::bench {

enum class conversation_text {
    mixed,  // prose with quotes, line breaks and UTF-8; every third turn is code
    code,   // source code only: about one escape in 15 bytes, the worst case for a JSON check
};

struct chat_request_options {
    std::string model{};
    std::string path = "/v1/chat/completions";
    std::string token{};         // Authorization: Bearer
    std::string header_lines{};  // more of them, each with CRLF
    std::size_t body_bytes = 1024;
    conversation_text text = conversation_text::mixed;
    bool stream = false;
};

// The JSON body, exactly `body_bytes` long (or as short as a body with one message can be).
std::string chat_body(const chat_request_options& options);

// Head and body.
std::string chat_request(const chat_request_options& options);

}  // namespace meta_model::bench
