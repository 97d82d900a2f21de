#include "dispatch/text_cut.hpp"

#include "api/json_cursor.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

namespace meta_model::dispatch {

namespace {

constexpr std::size_t least_cut_string = 128;  // shorter strings inside JSON stay whole

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::uint32_t code_unit(std::string_view raw, std::size_t at) {
    std::uint32_t unit = 0;
    std::from_chars(raw.data() + at + 2, raw.data() + at + 6, unit, 16);
    return unit;
}

struct escape_size {
    std::size_t raw;
    std::size_t decoded;
};

// Of the escape at `at`; both halves of a pair of surrogates are one.
escape_size escape_at(std::string_view raw, std::size_t at) {
    if (raw[at + 1] != 'u') {
        return {2, 1};
    }
    const auto unit = code_unit(raw, at);
    if (unit >= 0xd800 && unit < 0xdc00 && raw.size() >= at + 12 && raw[at + 6] == '\\'
        && raw[at + 7] == 'u') {
        const auto low = code_unit(raw, at + 6);
        if (low >= 0xdc00 && low < 0xe000) {
            return {12, 4};
        }
    }
    return {6, unit < 0x80 ? 1u : unit < 0x800 ? 2u : 3u};
}

constexpr std::size_t lanes = 16;
constexpr std::size_t most_rounds = 255;        // what a lane can count
constexpr std::size_t least_block = 4 * lanes;  // less is not worth it

// The number of backslashes in so many rounds of lanes, which one more byte follows; empty when one of them escapes another or stands before a `u`.
// Escaped source code has an escape every dozen bytes: looked for one by one they cost more than all the rest.
std::optional<std::size_t> count_simple_escapes(const char* text, std::size_t rounds) {
    using bytes [[gnu::vector_size(lanes)]] = unsigned char;
    const auto load = [](const char* from) {
        bytes out;
        std::memcpy(&out, from, lanes);
        return out;
    };
    bytes counts{};
    bytes special{};
    for (const char* p = text; p < text + rounds * lanes; p += lanes) {
        const auto here = reinterpret_cast<bytes>(load(p) == '\\');
        const auto next = load(p + 1);
        counts -= here;
        special |= here & reinterpret_cast<bytes>((next == '\\') | (next == 'u'));
    }
    std::size_t sum = 0;
    for (std::size_t i = 0; i < lanes; ++i) {
        if (special[i] != 0) {
            return std::nullopt;
        }
        sum += counts[i];
    }
    return sum;
}

// From `at` until `end` or just behind it; adds the decoded size and gives the raw one.
std::size_t walk_escapes(std::string_view raw, std::size_t at, std::size_t end, std::size_t& size) {
    const auto begin = at;
    while (at < end) {
        const auto escape = std::min(raw.find('\\', at), end);
        size += escape - at;
        at = escape;
        if (at < end) {
            const auto found = escape_at(raw, at);
            size += found.decoded;
            at += found.raw;
        }
    }
    return at - begin;
}

// A place between two characters of a raw string that only moves forward.
class text_place {
public:
    text_place(std::string_view raw, text_measure measure) : raw_(raw), measure_(measure) {}

    std::size_t at() const { return at_; }
    std::size_t size() const { return size_; }

    // To the last place with at most `goal` bytes in front of it.
    void move_to(std::size_t goal) {
        while (at_ < raw_.size()) {
            const auto escape = std::min(raw_.find('\\', at_), raw_.size());
            const auto run = escape - at_;
            if (size_ + run >= goal) {
                const auto start = at_;
                at_ += goal - size_;
                size_ = goal;
                while (at_ > start && at_ < raw_.size() && continues_character(raw_[at_])) {
                    --at_;
                    --size_;
                }
                return;
            }
            at_ = escape;
            size_ += run;
            if (at_ < raw_.size() && !step(goal)) {
                return;
            }
        }
    }

    // To the first place with at least `goal` bytes in front of it.
    void move_past(std::size_t goal) {
        move_to(goal);
        if (size_ >= goal || at_ >= raw_.size()) {
            return;
        }
        if (raw_[at_] == '\\') {
            step(std::size_t(-1));
            return;
        }
        do {
            ++at_;
            ++size_;
        } while (at_ < raw_.size() && continues_character(raw_[at_]));
    }

private:
    // Over the escape here, unless it goes beyond `goal`.
    bool step(std::size_t goal) {
        const auto escape = escape_at(raw_, at_);
        const auto n = measure_ == text_measure::raw ? escape.raw : escape.decoded;
        if (n > goal - size_) {
            return false;
        }
        at_ += escape.raw;
        size_ += n;
        return true;
    }

    std::string_view raw_;
    text_measure measure_;
    std::size_t at_ = 0;
    std::size_t size_ = 0;
};

// The insides of the strings that are values, not keys, in the order in which they stand.
void collect_strings(api::json_cursor& in, std::vector<std::string_view>& out) {
    std::string_view raw;
    switch (in.peek()) {
        case api::json_type::object:
            in.enter_object();
            while (in.next_member(raw)) {
                collect_strings(in, out);
            }
            break;
        case api::json_type::array:
            in.enter_array();
            while (in.next_element()) {
                collect_strings(in, out);
            }
            break;
        case api::json_type::string:
            if (in.string(raw) && raw.size() > least_cut_string) {
                out.push_back(raw);
            }
            break;
        default: in.skip(raw);
    }
}

std::string left_out_object(std::size_t bytes) {
    return R"({"left_out":")" + std::to_string(bytes) + R"( bytes that did not fit"})";
}

}  // namespace

std::size_t decoded_bytes(std::string_view raw) {
    auto at = std::min(raw.find('\\'), raw.size());
    auto size = at;
    while (raw.size() > at + least_block) {
        const auto rounds = std::min((raw.size() - at - 1) / lanes, most_rounds);
        const auto block = rounds * lanes;
        if (const auto escapes = count_simple_escapes(raw.data() + at, rounds)) {
            size += block - *escapes;
            at += block;
        } else {
            at += walk_escapes(raw, at, at + block, size);
        }
    }
    walk_escapes(raw, at, raw.size(), size);
    return size;
}

text_gap find_gap(std::string_view raw, std::size_t size, std::size_t keep, text_measure measure) {
    if (keep >= size) {
        return {};
    }
    text_place place(raw, measure);
    place.move_to((keep + 1) / 2);
    text_gap gap;
    gap.begin = place.at();
    const auto head = place.size();
    place.move_past(size - (keep - std::min(keep, head)));
    gap.end = place.at();
    gap.lost = place.size() - head;
    return gap;
}

std::string gap_mark(std::size_t lost) {
    return "\\n[… " + std::to_string(lost) + " bytes left out …]\\n";
}

std::string shorten_json(std::string_view json, std::size_t max_bytes) {
    if (json.size() <= max_bytes) {
        return std::string(json);
    }
    std::vector<std::string_view> strings;
    api::json_cursor in(json, api::json_cursor::depth_limit);
    collect_strings(in, strings);
    std::size_t fixed = json.size();
    std::size_t longest = 0;
    for (const auto s : strings) {
        fixed -= s.size();
        longest = std::max(longest, s.size());
    }
    const auto size_at = [&](std::size_t level) {
        auto size = fixed;
        for (const auto s : strings) {
            size += std::min(s.size(), level);
        }
        return size;
    };
    if (strings.empty() || size_at(least_cut_string) > max_bytes) {
        return left_out_object(json.size());
    }
    auto level = least_cut_string;
    for (auto beyond = longest; beyond - level > 1;) {
        const auto middle = level + (beyond - level) / 2;
        (size_at(middle) <= max_bytes ? level : beyond) = middle;
    }
    std::string out;
    out.reserve(max_bytes);
    std::size_t done = 0;
    for (const auto s : strings) {
        if (s.size() <= level) {
            continue;
        }
        const auto at = static_cast<std::size_t>(s.data() - json.data());
        const auto gap = find_gap(s, s.size(), level - max_mark_bytes, text_measure::raw);
        out.append(json, done, at + gap.begin - done);
        out += gap_mark(gap.lost);
        done = at + gap.end;
    }
    out.append(json, done);
    return out;
}

}  // namespace meta_model::dispatch
