// The cursor accepts exactly what RFC 8259 calls JSON, in one step or value by value, and gives the source text.
#include "api/json_cursor.hpp"
#include "api/string_scan.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

namespace meta_model::api {
namespace {

using fuzz::expect;
using fuzz::opinion;

constexpr int max_depth = 64;

// Reads the next value by entering every container; false when that fails.
bool visit(json_cursor& in) {
    std::string_view raw;
    switch (in.peek()) {
        case json_type::object:
            if (!in.enter_object()) {
                return false;
            }
            while (in.next_member(raw)) {
                if (!visit(in)) {
                    return false;
                }
            }
            return !in.failed();
        case json_type::array:
            if (!in.enter_array()) {
                return false;
            }
            while (in.next_element()) {
                if (!visit(in)) {
                    return false;
                }
            }
            return !in.failed();
        case json_type::string: return in.string(raw);
        default: return in.skip(raw);
    }
}

// The closing quote of a string, found one character at a time.
const char* plain_string_end(const char* p, const char* end) {
    while (p != end && *p != '"') {
        if (static_cast<unsigned char>(*p) < 0x20) {
            return nullptr;
        }
        if (*p++ != '\\') {
            continue;
        }
        if (p == end || std::string_view("\"\\/bfnrtu").find(*p) == std::string_view::npos) {
            return nullptr;
        }
        const bool is_unicode = *p++ == 'u';
        for (int i = 0; is_unicode && i < 4; ++i, ++p) {
            if (p == end || std::isxdigit(static_cast<unsigned char>(*p)) == 0) {
                return nullptr;
            }
        }
    }
    return p == end ? nullptr : p;
}

void check_string_end(std::string_view text) {
    for (std::size_t from = 0; from < std::min<std::size_t>(text.size(), 20); ++from) {
        const char* const end = text.data() + text.size();
        const char* const p = text.data() + from;
        expect(
            find_string_end(p, end) == plain_string_end(p, end),
            "a string ends at its first free quote"
        );
    }
}

void check_numbers(std::string_view raw) {
    double real = 0;
    std::int64_t whole = 0;
    const auto value = fuzz::document_of(raw);
    if (to_int64(raw, whole)) {
        expect(
            !value.is_number_integer() || value.get<std::int64_t>() == whole,
            "an integer is read as it is written"
        );
        expect(value.is_number_integer(), "an integer has no fraction");
    }
    if (to_double(raw, real) && value.is_number()) {
        expect(value.get<double>() == real, "a number is the nearest double");
    }
}

void run(std::string_view text) {
    check_string_end(text);
    json_cursor skipping(text, max_depth);
    std::string_view raw;
    const bool is_skipped = skipping.skip(raw) && skipping.at_end();
    json_cursor entering(text, max_depth);
    const bool is_visited = visit(entering) && entering.at_end();
    expect(is_skipped == is_visited, "skipping a value and entering it come to the same verdict");
    expect(skipping.failed() || is_skipped || !skipping.at_end(), "a text is refused for a reason");
    expect(
        !is_skipped || !(skipping.too_deep() || entering.too_deep()),
        "what is too deep is not accepted"
    );

    if (!skipping.too_deep()) {
        const auto verdict = fuzz::judge_json(text);
        expect(
            verdict == opinion::unsure || (verdict == opinion::valid) == is_skipped,
            "JSON is what others call JSON"
        );
    }
    if (is_skipped) {
        expect(
            raw.data() >= text.data() && raw.size() <= text.size(),
            "a value's text is part of the source"
        );
        json_cursor again(raw, max_depth);
        std::string_view same;
        expect(again.skip(same) && same == raw && again.at_end(), "a value's text is a value");
        if (const auto value = fuzz::document_of(text); value.is_object()) {
            for (const auto& [key, member] : value.items()) {
                const auto found = fuzz::document_of(find_member(text, key));
                expect(
                    found.is_discarded() || found == member,
                    "a member that is found is the last of its name"
                );
            }
        }
        if (raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9')) {
            check_numbers(raw);
        }
    }
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
