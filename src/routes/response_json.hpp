// Looking into response objects and items as they are kept: JSON text that the gateway or a client wrote.
#pragma once

#include "api/responses_reply.hpp"
#include "store/response_store.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::routes {

store::response_status to_store(api::response_status status);

// The items of `output`, raw; they view `response`.
std::vector<std::string_view> output_items(std::string_view response);
// The elements of a list, raw; they view `list`.
std::vector<std::string_view> list_items(std::string_view list);

// The `id` of an item, unescaped; empty: it has none.
std::string item_id(std::string_view item);
std::vector<std::string> ids_of(const std::vector<std::string_view>& items);

// The response object with another `status`.
std::string with_status(std::string_view response, store::response_status status);

}  // namespace meta_model::routes
