// What a request may still spend (design §4.7). A call that begins sets aside the most that it can cost; when it is over,
// what it did cost takes that place. Pure; confined to the request's thread.
#pragma once

#include "base/money.hpp"

#include <memory>
#include <utility>

namespace meta_model::dispatch {

class purse {
public:
    // What it spends, the purse that it is a `part_of` spends as well.
    explicit purse(base::money limit, std::shared_ptr<purse> part_of = nullptr)
        : limit_(limit), part_of_(std::move(part_of)) {}

    base::money limit() const { return limit_; }
    base::money spent() const { return spent_; }
    // Neither spent nor set aside, here and in the one that it is a part of.
    base::money left() const;

    // Sets `ceiling` aside. False: there is not as much left, and nothing was.
    bool take(base::money ceiling);

    // The call is over, or is not made after all.
    void settle(base::money ceiling, base::money cost = {});

private:
    base::money limit_;
    base::money spent_{};
    base::money held_{};
    std::shared_ptr<purse> part_of_;
};

}  // namespace meta_model::dispatch
