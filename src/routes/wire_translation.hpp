// Requests of other wires that are served as the chats that they stand for.
#pragma once

#include "api/reply_translator.hpp"
#include "api/request_shape.hpp"
#include "base/error.hpp"
#include "http/auth.hpp"
#include "routes/response_services.hpp"
#include "routes/response_writer.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace meta_model::routes {

struct translated_request {
    std::string body{};                       // of the chat
    std::unique_ptr<response_writer> kept{};  // null: nothing is kept of it. Outlives `replies`
    std::unique_ptr<api::reply_translator> replies{};
    bool is_background = false;
};

// Who asks, for what one wire keeps between its requests.
struct wire_client {
    const response_services& responses;
    http::credential_id who;
    std::string_view request_id;  // ours, for what errors show of it
};

// How much deeper than the request that became it a chat has some members.
constexpr int depth_of_translation = 2;

bool is_translated(api::request_kind kind);

// The kind of what such a request becomes: a chat, or a question about the tokens of one.
api::request_kind served_kind(api::request_kind kind);

// `kind` is translated. The errors are those of the kind's own wire module.
base::result<translated_request> chat_of(
    api::request_kind kind, std::string_view body, int max_depth, const wire_client& client
);

}  // namespace meta_model::routes
