#include "dispatch/shown_order.hpp"

#include <cstdint>
#include <numeric>
#include <utility>

namespace meta_model::dispatch {

namespace {

// FNV-1a, 64 bits.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    return hash;
}

// SplitMix64 (Steele, Lea, Flood 2014). The standard library's distributions differ between libraries.
std::uint64_t next_random(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15u;
    auto z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

}  // namespace

std::vector<std::size_t> shown_order(std::string_view seed, std::size_t count) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    auto state = hash_of(seed);
    for (std::size_t left = count; left > 1; --left) {
        // The remainder prefers small values by less than 2^-58: drafts are few.
        const auto chosen = static_cast<std::size_t>(next_random(state) % left);
        std::swap(order[left - 1], order[chosen]);
    }
    return order;
}

}  // namespace meta_model::dispatch
