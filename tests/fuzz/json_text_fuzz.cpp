// What is written as a JSON string reads back, by us and by others; what others escape, we understand.
#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "api/string_scan.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

namespace meta_model::api {
namespace {

using fuzz::expect;

std::string read_back(std::string_view json_string) {
    json_cursor in(json_string);
    std::string_view raw;
    expect(in.string(raw) && in.at_end(), "what is written is one JSON string");
    std::string out;
    expect(append_unescaped(out, raw), "what is written is Unicode text");
    return out;
}

// Any text, taken for what a JSON string stands for.
void check_writing(std::string_view text) {
    std::string written;
    append_json_string(written, text);
    expect(read_back(written) == text, "a string that was written reads back");
    expect(written.find("\u2028") == std::string::npos, "no line separator stays");
    expect(written.find("\u2029") == std::string::npos, "no paragraph separator stays");
    expect(written.find_first_of("\r\n") == std::string::npos, "a string is one line");
    if (base::is_valid_utf8(text)) {
        expect(fuzz::document_of(written) == fuzz::json(text), "others read the same");
        expect(
            read_back(fuzz::json(text).dump(-1, ' ', true)) == text, "escapes of others read back"
        );
    }
    fuzz::for_each_cut(text, [&](std::size_t cut) {
        // A separator that is cut in two is not recognised, and then not escaped; all else is written byte by byte.
        std::string parts = "\"";
        append_json_escaped(parts, text.substr(0, cut));
        append_json_escaped(parts, text.substr(cut));
        expect(read_back(parts + '"') == text, "a string that was written in parts reads back");
    });
}

// Any text, taken for the inside of a JSON string.
void check_reading(std::string_view raw) {
    const auto quoted = '"' + std::string(raw) + '"';
    if (find_string_end(quoted.data() + 1, quoted.data() + quoted.size())
        != quoted.data() + quoted.size() - 1) {
        return;
    }
    std::string out = "before";
    const bool is_text = append_unescaped(out, raw);
    expect(out.starts_with("before"), "what was there stays");
    expect(is_text || out == "before", "nothing is added by a failure");
    const auto verdict = fuzz::judge_json(quoted);
    if (verdict == fuzz::opinion::valid) {
        expect(
            is_text && fuzz::document_of(quoted) == fuzz::json(out.substr(6)),
            "others read the same"
        );
    } else if (base::is_valid_utf8(raw)) {
        expect(!is_text, "half a surrogate pair is no text");
    }
}

void run(std::string_view text) {
    check_writing(text);
    check_reading(text);
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
