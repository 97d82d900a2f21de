// What a request to /v1/responses goes on from, taken from the store.
#pragma once

#include "api/responses_request.hpp"
#include "base/error.hpp"
#include "store/response_chain.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace meta_model::routes {

// The id of a response that is not there, in OpenAI's words. `has_evicted`: some gave way to others.
base::error response_not_found(std::string_view id, bool has_evicted);

class stored_history final : public api::response_history {
public:
    // `store` outlives it. `max_bytes`: of what is gone on from and referred to, together.
    stored_history(store::response_store& store, std::uint64_t owner, std::size_t max_bytes)
        : store_(store), owner_(owner), bytes_left_(max_bytes) {}

    // The chain that ends with `previous_id`; empty: there is none. The errors name previous_response_id.
    base::result<void> load(std::string_view previous_id);

    std::span<const std::string_view> earlier_items() const override { return items_; }
    // Of the chain, or of any response of the same client.
    std::string_view find_item(std::string_view id) const override;
    std::size_t max_referred_bytes() const override { return bytes_left_; }

private:
    void index(const std::vector<std::string_view>& items) const;

    store::response_store& store_;
    std::uint64_t owner_;
    std::size_t bytes_left_;
    std::vector<store::stored_response> links_;  // keep the texts of items_
    std::vector<std::string_view> items_;
    // Each response is looked into once, however many of its items are referred to.
    mutable std::unordered_map<std::string, std::string_view> by_id_;
    mutable std::vector<store::shared_text> found_;  // keep the texts of what was found elsewhere
    mutable bool is_indexed_ = false;
};

}  // namespace meta_model::routes
