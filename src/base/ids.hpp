// Random identifiers for requests, completions and fences. Not for keys: a guess must only be unlikely.
#pragma once

#include <cstdint>
#include <string>

namespace meta_model::base {

// A generator per thread, seeded from the operating system. Thread-confined.
std::uint64_t random_u64();

// `n` lowercase hexadecimal digits.
std::string random_hex(std::size_t n);

// Appends `n` lowercase hexadecimal digits to `out`.
void append_random_hex(std::string& out, std::size_t n);

}  // namespace meta_model::base
