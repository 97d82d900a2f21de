#include "base/ids.hpp"

#include <random>

namespace meta_model::base {

namespace {

// SplitMix64 (Steele, Lea, Flood 2014): one addition and two multiplications per value.
struct generator {
    std::uint64_t state;

    generator() {
        std::random_device device;
        state = (std::uint64_t{device()} << 32) ^ device();
    }

    std::uint64_t next() {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
};

}  // namespace

std::uint64_t random_u64() {
    static thread_local generator g;
    return g.next();
}

void append_random_hex(std::string& out, std::size_t n) {
    static constexpr char digits[] = "0123456789abcdef";
    const auto at = out.size();
    out.resize(at + n);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < n; ++i, bits >>= 4) {
        if (i % 16 == 0) {
            bits = random_u64();
        }
        out[at + i] = digits[bits & 15];
    }
}

std::string random_hex(std::size_t n) {
    std::string out;
    out.reserve(n);
    append_random_hex(out, n);
    return out;
}

}  // namespace meta_model::base
