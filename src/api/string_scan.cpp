#include "api/string_scan.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace meta_model::api {

namespace {

bool is_hex(char c) {
    return static_cast<unsigned char>(c - '0') < 10
           || static_cast<unsigned char>((c | 0x20) - 'a') < 6;
}

// `at`: the `u` of an escape.
bool has_four_digits(const char* at, const char* end) {
    return end - at >= 5 && is_hex(at[1]) && is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4]);
}

constexpr auto is_short_escape = [] {
    std::array<bool, 256> table{};
    for (const char c : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'}) {
        table[static_cast<unsigned char>(c)] = true;
    }
    return table;
}();

// How many bytes an escape takes, starting at its backslash; 0: not a legal escape.
std::size_t escape_length(const char* p, const char* end) {
    if (end - p < 2) {
        return 0;
    }
    if (is_short_escape[static_cast<unsigned char>(p[1])]) {
        return 2;
    }
    return p[1] == 'u' && has_four_digits(p + 1, end) ? 6 : 0;
}

// True for bytes that end or interrupt a run of plain string bytes.
bool is_special(char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

#ifdef __x86_64__

// A bit for each of the 16 bytes at `p` that is special.
unsigned special_mask(const char* p) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const auto backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const auto control =
        _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(0x1f)), _mm_set1_epi8(0x1f));
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control))
    );
}

// The bytes that the backslash before them escapes. A run of backslashes escapes every second byte of itself and, when
// its length is odd, the byte behind it; adding the run's start to the run carries out at its end, which tells the two
// cases apart without a loop (Langdale and Lemire, Parsing Gigabytes of JSON per Second, 2019, §3.1.1).
// `carry`: 1 when the first byte is escaped by the block before; set for the block behind.
std::uint64_t escaped_bytes(std::uint64_t backslash, std::uint64_t& carry) {
    constexpr std::uint64_t even = 0x5555555555555555;
    backslash &= ~carry;
    const auto follows = backslash << 1 | carry;
    const auto starts_on_odd = backslash & ~even & ~follows;
    unsigned long long run_ends = 0;
    carry = __builtin_uaddll_overflow(starts_on_odd, backslash, &run_ends) ? 1 : 0;
    return (even ^ (run_ends << 1)) & follows;
}

// 64 bytes in two registers; each function gives a bit per byte.
struct wide_block {
    __m256i low, high;

    [[gnu::target("avx2")]] explicit wide_block(const char* p)
        : low(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))),
          high(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))) {}

    [[gnu::target("avx2")]] static std::uint64_t bits(__m256i l, __m256i h) {
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(l))
               | static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(h)))
                     << 32;
    }

    [[gnu::target("avx2")]] std::uint64_t equal_to(char c) const {
        const auto all = _mm256_set1_epi8(c);
        return bits(_mm256_cmpeq_epi8(low, all), _mm256_cmpeq_epi8(high, all));
    }

    [[gnu::target("avx2")]] std::uint64_t controls() const {
        const auto last = _mm256_set1_epi8(0x1f);
        return bits(
            _mm256_cmpeq_epi8(_mm256_max_epu8(low, last), last),
            _mm256_cmpeq_epi8(_mm256_max_epu8(high, last), last)
        );
    }

    // Bytes that may stand behind a backslash: one table by the high half of a byte, one by the low half; a byte is
    // legal when they share a bit (1: 0x2_, 2: 0x5_, 4: 0x6_, 8: 0x7_).
    [[gnu::target("avx2")]] static __m256i illegal_escapes(__m256i bytes) {
        // clang-format off
        const auto by_high = _mm256_setr_epi8(
            0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0
        );
        // 2: " b r, 4: t, 5: u, 6: f, c: backslash, e: n, f: slash
        const auto by_low = _mm256_setr_epi8(
            0, 0, 13, 0, 8, 8, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1,
            0, 0, 13, 0, 8, 8, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1
        );
        // clang-format on
        const auto half = _mm256_set1_epi8(0x0f);
        const auto high =
            _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
        const auto low = _mm256_shuffle_epi8(by_low, _mm256_and_si256(bytes, half));
        return _mm256_cmpeq_epi8(_mm256_and_si256(high, low), _mm256_setzero_si256());
    }

    [[gnu::target("avx2")]] std::uint64_t illegal_escapes() const {
        return bits(illegal_escapes(low), illegal_escapes(high));
    }
};

[[gnu::target("avx2")]] const char* find_string_end_avx2(const char* p, const char* end) {
    std::uint64_t carry = 0;
    for (; end - p >= 64; p += 64) {
        const wide_block block(p);
        const auto backslash = block.equal_to('\\');
        auto stop = block.equal_to('"') | block.controls();
        if ((backslash | carry) != 0) {
            const auto escaped = escaped_bytes(backslash, carry);
            stop &= ~escaped;
            const auto before_stop = (stop & (~stop + 1)) - 1;  // all bits when there is no stop
            const auto judged = escaped & before_stop;
            if ((judged & block.illegal_escapes()) != 0) {
                return nullptr;
            }
            for (auto unicode = judged & block.equal_to('u'); unicode != 0;
                 unicode &= unicode - 1) {
                if (!has_four_digits(p + std::countr_zero(unicode), end)) {
                    return nullptr;
                }
            }
        }
        if (stop != 0) {
            const char* const at = p + std::countr_zero(stop);
            return *at == '"' ? at : nullptr;
        }
    }
    return find_string_end_portable(
        p - carry, end
    );  // from the backslash on when it stands before the rest
}

using scan_function = const char* (*)(const char*, const char*);
const scan_function find_long_end =
    __builtin_cpu_supports("avx2") ? &find_string_end_avx2 : &find_string_end_portable;

#endif

}  // namespace

// Sixteen bytes are looked at in one step, and all escapes within them are checked without loading again.
const char* find_string_end_portable(const char* p, const char* end) {
#ifdef __x86_64__
    while (end - p >= 16) {
        auto mask = special_mask(p);
        std::size_t used = 16;
        while (mask != 0) {
            const auto i = static_cast<std::size_t>(std::countr_zero(mask));
            const char* const at = p + i;
            if (*at == '"') {
                return at;
            }
            const auto length = *at == '\\' ? escape_length(at, end) : 0;
            if (length == 0) {
                return nullptr;
            }
            const auto next = i + length;
            if (next >= 16) {
                used = next;
                break;
            }
            mask &= ~0u << next;
        }
        p += used;
    }
#endif
    while (p != end) {
        if (!is_special(*p)) {
            ++p;
            continue;
        }
        if (*p == '"') {
            return p;
        }
        const auto length = *p == '\\' ? escape_length(p, end) : 0;
        if (length == 0) {
            return nullptr;
        }
        p += length;
    }
    return nullptr;
}

const char* find_string_end(const char* p, const char* end) {
#ifdef __x86_64__
    // Keys and short values end here.
    if (end - p >= 16) {
        const auto mask = special_mask(p);
        if (mask == 0) {
            return find_long_end(p + 16, end);
        }
        const char* const at = p + std::countr_zero(mask);
        return *at == '"' ? at : find_long_end(p, end);
    }
#endif
    return find_string_end_portable(p, end);
}

}  // namespace meta_model::api
