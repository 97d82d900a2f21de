// Errors in the words of Anthropic's Messages API (https://docs.anthropic.com/en/api/errors).
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// The error type that stands for an HTTP status of 400 and above. Of static storage.
std::string_view messages_error_type(int status);

// {"type":"error","error":{"type","message"},"request_id"}. A message that does not name the field at fault is told behind
// its name.
std::string messages_error_body(const base::error& e, std::string_view request_id);

// The same for an error body of the chat wire, an upstream's own included. `status`: HTTP; 0 where the body has to say it,
// as in an event of a stream. What is no error object is told by its status alone.
std::string messages_error_of_chat(int status, std::string_view body, std::string_view request_id);

}  // namespace meta_model::api
