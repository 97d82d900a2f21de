#include "upstream/balance.hpp"

#include <algorithm>
#include <cmath>

namespace meta_model::upstream {

namespace {

// The finaliser of SplitMix64: every bit of the input reaches every bit of the result.
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// The candidates that may be chosen, in file order.
struct field_of_choice {
    std::span<const candidate> all;
    bool wants_healthy;

    bool holds(std::size_t i) const {
        return !all[i].is_excluded && (all[i].is_healthy || !wants_healthy);
    }
};

std::size_t count(const field_of_choice& f) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < f.all.size(); ++i) {
        n += f.holds(i) ? 1 : 0;
    }
    return n;
}

std::size_t nth(const field_of_choice& f, std::size_t n) {
    std::size_t i = 0;
    while (!f.holds(i) || n-- > 0) {
        ++i;
    }
    return i;
}

// Equal ones take turns.
std::size_t least_loaded(const field_of_choice& f, std::size_t size, std::uint64_t turn) {
    auto best = nth(f, turn % size);
    for (std::size_t i = 0; i < f.all.size(); ++i) {
        if (f.holds(i) && f.all[i].in_flight < f.all[best].in_flight) {
            best = i;
        }
    }
    return best;
}

// Rendezvous hashing: each affinity has its own order of the endpoints, and one that goes or comes moves no other's.
std::size_t by_affinity(const field_of_choice& f, std::size_t size, std::uint64_t affinity) {
    std::int64_t total = 1;  // with this call
    for (std::size_t i = 0; i < f.all.size(); ++i) {
        total += f.holds(i) ? f.all[i].in_flight : 0;
    }
    const auto most =
        std::ceil(load_bound * static_cast<double>(total) / static_cast<double>(size));
    std::optional<std::size_t> best;
    std::uint64_t best_score = 0;
    for (std::size_t i = 0; i < f.all.size(); ++i) {
        const auto score = mix(affinity ^ mix(f.all[i].identity));
        const bool has_room = static_cast<double>(f.all[i].in_flight + 1) <= most;
        if (f.holds(i) && has_room && (!best || score > best_score)) {
            best = i;
            best_score = score;
        }
    }
    return *best;  // not all can be above the mean
}

}  // namespace

std::optional<std::size_t> choose(
    config::balance_rule rule,
    std::span<const candidate> all,
    std::uint64_t turn,
    std::uint64_t affinity
) {
    field_of_choice f{.all = all, .wants_healthy = true};
    auto size = count(f);
    if (size == 0) {
        f.wants_healthy = false;
        size = count(f);
    }
    if (size == 0) {
        return std::nullopt;
    }
    switch (rule) {
        case config::balance_rule::round_robin: return nth(f, turn % size);
        case config::balance_rule::prefix_affinity:
            if (affinity != 0) {
                return by_affinity(f, size, affinity);
            }
            break;
        case config::balance_rule::least_in_flight: break;
    }
    return least_loaded(f, size, turn);
}

}  // namespace meta_model::upstream
