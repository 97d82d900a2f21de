// Requests of other wires that are served as the chats that they stand for.
#pragma once

#include "api/reply_translator.hpp"
#include "api/request_shape.hpp"
#include "base/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace meta_model::routes {

struct translated_request {
    std::string body{};  // of the chat
    std::unique_ptr<api::reply_translator> replies{};
};

bool is_translated(api::request_kind kind);

// `kind` is translated. The errors are those of the kind's own wire module. `request_id`: ours, for what errors show of it.
base::result<translated_request> chat_of(
    api::request_kind kind, std::string_view body, int max_depth, std::string_view request_id
);

}  // namespace meta_model::routes
