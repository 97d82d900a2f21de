// The tokens that the calls of a request reported, for a reply that is to tell all of them (`[server] usage`).
#pragma once

#include "api/usage_json.hpp"
#include "config/config.hpp"

#include <optional>

namespace meta_model::dispatch {

class usage_sum {
public:
    explicit usage_sum(config::usage_scope scope) : scope_(scope) {}

    void add(const std::optional<api::token_usage>& usage) {
        if (usage) {
            api::add_usage(sum_, *usage);
            ++count_;
        }
    }

    // The sum is what is to be told, and another one than the answer's own.
    bool is_told() const { return scope_ == config::usage_scope::total && count_ > 1; }
    const api::token_usage& sum() const { return sum_; }

    std::optional<api::token_usage> shown(const std::optional<api::token_usage>& own) const {
        return is_told() ? sum_ : own;
    }

private:
    const config::usage_scope scope_;
    api::token_usage sum_{};
    int count_ = 0;
};

}  // namespace meta_model::dispatch
