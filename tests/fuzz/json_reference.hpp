// nlohmann/json as the second opinion on JSON texts, with the places where it differs from RFC 8259 told apart.
#pragma once

#include "base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace meta_model::fuzz {

using nlohmann::json;

enum class opinion {
    valid,
    invalid,
    unsure,  // valid JSON that the library cannot represent (1e400, half a surrogate pair), or text it is lax about
};

// Finds out why the library refuses a text, and what its document would hide.
class json_judge final : public json::json_sax_t {
public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t value) override { return note_zero(value == 0); }
    bool number_unsigned(number_unsigned_t value) override { return note_zero(value == 0); }
    bool number_float(number_float_t value, const string_t& text) override {
        const bool is_whole = text.find_first_of(".eE") == std::string::npos;
        is_rounded = is_rounded || is_whole;  // an integer that no integer type holds
        return note_zero(value == 0);
    }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return open(); }
    bool key(string_t&) override { return true; }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t, const std::string&, const json::exception& e) override {
        constexpr int number_overflow = 406;
        const std::string_view what = e.what();
        const bool is_limit =
            e.id == number_overflow || what.find("surrogate") != std::string_view::npos;
        refusal = is_limit ? opinion::unsure : opinion::invalid;
        return false;
    }

    opinion refusal = opinion::invalid;
    bool is_rounded = false;
    bool has_zero = false;  // of which there are many spellings: 0, -0, 0.0, 1e-400
    int depth = 0;          // of the deepest container

private:
    bool open() {
        depth = std::max(depth, ++open_);
        return true;
    }
    bool close() {
        --open_;
        return true;
    }
    bool note_zero(bool is_zero) {
        has_zero = has_zero || is_zero;
        return true;
    }

    int open_ = 0;
};

inline opinion judge_json(std::string_view text, json_judge& judge) {
    const bool is_lax = text.find('\0') != std::string_view::npos || text.starts_with("\xef");
    if (is_lax || !base::is_valid_utf8(text)) {
        return opinion::unsure;  // it takes NUL for the end and skips a byte order mark
    }
    return json::sax_parse(text, &judge) ? opinion::valid : judge.refusal;
}

inline opinion judge_json(std::string_view text) {
    json_judge judge;
    return judge_json(text, judge);
}

// The document of a text that is valid in its opinion; discarded otherwise.
inline json document_of(std::string_view text) {
    return json::parse(text, nullptr, false);
}

}  // namespace meta_model::fuzz
