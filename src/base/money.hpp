// Amounts of money as whole numbers, so that sums over a million calls do not drift.
#pragma once

#include <cstdint>
#include <string>

namespace meta_model::base {

// 10^-12 US dollars. The sum of 9 million dollars fits; what would be more is that.
struct money {
    std::int64_t pico_usd = 0;

    money& operator+=(money more);
    friend auto operator<=>(const money&, const money&) = default;
};

// Of one token, from the price of a million; rounded to the nearest unit. `usd` >= 0.
money per_token(double usd_per_million);

// `usd` >= 0, rounded to the nearest unit; what is too large becomes the largest amount.
money from_usd(double usd);

// tokens × price, both >= 0.
money times(money price, std::int64_t tokens);

// What is left of `amount`; nothing when `less` is more. Both >= 0.
money minus(money amount, money less);

// US dollars with nine decimals, rounded up in the last: a cost is never told smaller than it is.
std::string to_usd(money amount);

}  // namespace meta_model::base
