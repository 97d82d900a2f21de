// What a request may still spend (design §4.7). A call that begins sets aside the most that it can cost; when it is over,
// what it did cost takes that place. Pure; confined to the request's thread.
#pragma once

#include "base/money.hpp"

namespace meta_model::dispatch {

class purse {
public:
    explicit purse(base::money limit) : limit_(limit) {}

    base::money limit() const { return limit_; }
    base::money spent() const { return spent_; }
    // Neither spent nor set aside.
    base::money left() const;

    // Sets `ceiling` aside. False: there is not as much left, and nothing was.
    bool take(base::money ceiling);

    // The call is over, or is not made after all.
    void settle(base::money ceiling, base::money cost = {});

private:
    base::money limit_;
    base::money spent_{};
    base::money held_{};
};

}  // namespace meta_model::dispatch
