#include "base/money.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

namespace meta_model::base {

namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max();

}  // namespace

money& money::operator+=(money more) {
    if (__builtin_add_overflow(pico_usd, more.pico_usd, &pico_usd)) {
        pico_usd = most;
    }
    return *this;
}

money per_token(double usd_per_million) {
    constexpr double units = 1e12 / 1e6;
    return {std::llround(usd_per_million * units)};
}

money from_usd(double usd) {
    constexpr double units = 1e12;
    const auto amount = usd * units;
    return {amount < static_cast<double>(most) ? std::llround(amount) : most};
}

money times(money price, std::int64_t tokens) {
    money out;
    if (__builtin_mul_overflow(price.pico_usd, tokens, &out.pico_usd)) {
        out.pico_usd = most;
    }
    return out;
}

money minus(money amount, money less) {
    return {amount > less ? amount.pico_usd - less.pico_usd : 0};
}

std::string to_usd(money amount) {
    constexpr std::int64_t pico_per_nano = 1000;
    constexpr std::int64_t nano_per_usd = 1'000'000'000;
    const auto nano =
        amount.pico_usd / pico_per_nano + (amount.pico_usd % pico_per_nano > 0 ? 1 : 0);
    char text[48];
    std::snprintf(
        text,
        sizeof text,
        "%lld.%09lld",
        static_cast<long long>(nano / nano_per_usd),
        static_cast<long long>(nano % nano_per_usd)
    );
    return text;
}

}  // namespace meta_model::base
