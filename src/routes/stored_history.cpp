#include "routes/stored_history.hpp"

#include "base/text.hpp"
#include "routes/response_json.hpp"

#include <utility>

namespace meta_model::routes {

namespace {

using base::error_code_id;

std::string quoted(std::string_view id) {
    return "'" + (base::is_valid_utf8(id) ? base::clip(id, 128) : "?") + "'";
}

constexpr std::string_view evicted_words =
    " It may have been evicted: the gateway keeps a limited number of responses.";

base::error error_of(const store::response_chain& chain, bool has_evicted) {
    constexpr auto param = "previous_response_id";
    switch (chain.fault) {
        case store::chain_fault::unfinished:
            return base::make_error(
                error_code_id::shape,
                "The response with id " + quoted(chain.at)
                    + " is not completed and cannot be continued.",
                param
            );
        case store::chain_fault::too_long:
            return base::make_error(
                error_code_id::shape,
                "The conversation that ends with the previous response is too long.",
                param
            );
        default: break;
    }
    auto e = base::make_error(
        error_code_id::previous_response_not_found,
        "Previous response with id " + quoted(chain.at) + " not found.",
        param
    );
    if (has_evicted) {
        e.message += evicted_words;
    }
    return e;
}

}  // namespace

base::error response_not_found(std::string_view id, bool has_evicted) {
    auto e = base::make_error(
        error_code_id::response_not_found, "No response found with id " + quoted(id) + '.'
    );
    if (has_evicted) {
        e.message += evicted_words;
    }
    return e;
}

base::result<void> stored_history::load(std::string_view previous_id) {
    if (previous_id.empty()) {
        return {};
    }
    const store::chain_limits limits{.max_bytes = bytes_left_};
    auto chain = store::resolve_chain(store_, {.owner = owner_, .id = previous_id}, limits);
    if (chain.fault != store::chain_fault::none) {
        return error_of(chain, store_.stats().evicted > 0);
    }
    links_ = std::move(chain.links);
    bytes_left_ -= chain.bytes;
    for (const auto& link : links_) {
        for (const auto item : list_items(*link.input_items)) {
            items_.push_back(item);
        }
        for (const auto item : output_items(*link.response)) {
            items_.push_back(item);
        }
    }
    return {};
}

void stored_history::index(const std::vector<std::string_view>& items) const {
    for (const auto item : items) {
        if (auto id = item_id(item); !id.empty()) {
            by_id_.insert_or_assign(std::move(id), item);
        }
    }
}

std::string_view stored_history::find_item(std::string_view id) const {
    if (!is_indexed_) {
        is_indexed_ = true;
        index(items_);
    }
    const std::string wanted(id);
    if (const auto it = by_id_.find(wanted); it != by_id_.end()) {
        return it->second;
    }
    const auto response = store_.response_of_item(owner_, id);
    const auto found =
        response.empty() ? std::nullopt : store_.find({.owner = owner_, .id = response});
    if (!found) {
        return {};
    }
    found_.push_back(found->response);
    index(output_items(*found_.back()));
    const auto it = by_id_.find(wanted);
    return it == by_id_.end() ? std::string_view{} : it->second;
}

}  // namespace meta_model::routes
