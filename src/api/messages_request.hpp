// A request of Anthropic's Messages API as a chat completion request. The client's text is walked and the new body written
// beside it: strings are carried over as they are escaped, and nothing is built in between.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// The chat request that `body` stands for. The errors: invalid_json, 400s with `param` in the wire's own spelling
// ("messages.0.content.1.text"), unsupported_content_part for blocks, tools and sources that no chat has a like of.
base::result<std::string> chat_of_messages(std::string_view body, int max_depth);

// Whether tokens of `body` can be counted: the same without `max_tokens`.
base::result<void> judge_count_tokens(std::string_view body, int max_depth);

}  // namespace meta_model::api
