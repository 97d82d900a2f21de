// GET /v1/responses/{id}/input_items: what a response was made from, in pages.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::routes {

struct items_query {
    std::size_t limit = 20;
    bool is_ascending = false;
    std::string after{};  // id of an item; empty: from the beginning
};

// The error names the parameter.
base::result<items_query> parse_items_query(std::string_view query);

// The list object. `items`: raw, the oldest first. Items that came without an id get one that stays the same for
// `response_id`; messages in short forms are written out. The error: there is no item `after`.
base::result<std::string> items_page(
    const std::vector<std::string_view>& items,
    std::string_view response_id,
    const items_query& query
);

}  // namespace meta_model::routes
