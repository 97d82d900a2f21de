#include "dispatch/purse.hpp"

namespace meta_model::dispatch {

base::money purse::left() const {
    return base::minus(base::minus(limit_, spent_), held_);
}

bool purse::take(base::money ceiling) {
    if (ceiling > left()) {
        return false;
    }
    held_ += ceiling;
    return true;
}

void purse::settle(base::money ceiling, base::money cost) {
    held_ = base::minus(held_, ceiling);
    spent_ += cost;
}

}  // namespace meta_model::dispatch
