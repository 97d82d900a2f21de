// What upstreams with protocol = "test" answer to requests that are no chats: embeddings of the words in a text,
// documents in the order of the words they share with a query, and moderations that flag nothing.
#pragma once

#include "upstream/test_replies.hpp"

namespace meta_model::upstream {

// `path`: behind the base URL, e.g. "/embeddings". 404 for any other, 400 when the body is none of its kind.
test_reply make_test_data_reply(std::string_view path, const test_request& request);

}  // namespace meta_model::upstream
