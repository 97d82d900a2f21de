// A strict pull reader of JSON text (RFC 8259): it validates every byte it passes, builds nothing, and hands out the
// source text of what it read, so that a request can be edited and forwarded as the client's own bytes.
//
// Why not a library here: on Debian 12, simdjson's DOM refuses valid documents (1e400, lone surrogates) and gives no
// offsets, its on-demand reader accepts invalid ones; both were tried (docs/architecture.md). UTF-8 is checked
// separately (base::is_valid_utf8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace meta_model::api {

enum class json_type : std::uint8_t { null, boolean, number, string, array, object, invalid };

class json_cursor {
public:
    static constexpr int depth_limit = 1024;

    // `text` must outlive the cursor. Deeper nesting than `max_depth` (at most depth_limit) is a failure.
    explicit json_cursor(std::string_view text, int max_depth = 128);

    // The type of the next value by its first byte; `invalid` at the end or at a byte that starts no value.
    json_type peek();

    // Reads the next value, whatever it is, and gives its source text. False: not valid JSON.
    bool skip(std::string_view& raw);

    // Reads the next value, which must be a string, and gives the text between its quotes, still escaped.
    bool string(std::string_view& raw);

    // Goes on behind the next `bytes` bytes: one whole valid value that the caller read by other means.
    void pass(std::size_t bytes) {
        p_ += bytes;
        is_first_ = false;
    }

    // Enter an object or array, then call next_member / next_element until they return false; each true must be
    // followed by reading exactly one value. A false means the end of the container, or failed().
    bool enter_object();
    bool next_member(std::string_view& raw_key);
    bool enter_array();
    bool next_element();

    // True when nothing but white space is left.
    bool at_end();

    bool failed() const { return failed_; }
    bool too_deep() const { return too_deep_; }

    // Offset of the next unread byte.
    std::size_t offset() const { return static_cast<std::size_t>(p_ - begin_); }

private:
    void skip_space();
    bool fail();
    bool enter(char open);
    bool scan_string();  // p_ behind the opening quote -> behind the closing one
    bool scan_number();
    bool scan_literal(std::string_view word);
    bool scan_container();

    const char* begin_;
    const char* p_;
    const char* end_;
    int depth_ = 0;
    int max_depth_;
    bool is_first_ = false;  // no comma is due before the next member or element
    bool failed_ = false;
    bool too_deep_ = false;
};

// The text of a top-level member of the object `text`, or empty when there is none or the text is not an object.
// For small documents; keys are compared unescaped and the last of duplicate members wins.
std::string_view find_member(std::string_view text, std::string_view key);

// Whether the raw JSON value is a string that stands for `text`.
bool is_string(std::string_view value, std::string_view text);

// Numbers. False when `raw` is no integer (fraction, exponent) or does not fit.
bool to_int64(std::string_view raw, std::int64_t& out);
// False when `raw` is no finite double.
bool to_double(std::string_view raw, double& out);

}  // namespace meta_model::api
