#include "dispatch/purse.hpp"

#include <algorithm>

namespace meta_model::dispatch {

base::money purse::left() const {
    const auto own = base::minus(base::minus(limit_, spent_), held_);
    return part_of_ ? std::min(own, part_of_->left()) : own;
}

bool purse::take(base::money ceiling) {
    if (ceiling > left()) {
        return false;
    }
    if (part_of_) {
        part_of_->take(ceiling);
    }
    held_ += ceiling;
    return true;
}

void purse::settle(base::money ceiling, base::money cost) {
    held_ = base::minus(held_, ceiling);
    spent_ += cost;
    if (part_of_) {
        part_of_->settle(ceiling, cost);
    }
}

}  // namespace meta_model::dispatch
