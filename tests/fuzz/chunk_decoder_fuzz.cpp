// Chunks are decoded to the same body however they arrive, exactly as a plain reading of RFC 9112 §7.1 says.
#include "fuzz/property.hpp"
#include "net/chunk_decoder.hpp"

#include <cstdio>
#include <optional>
#include <string>

namespace meta_model::net {
namespace {

using fuzz::expect;
using state = chunk_decoder::state;

struct result {
    chunk_decoder::state state{};
    std::string payload{};
    std::size_t consumed = 0;

    bool operator==(const result&) const = default;
};

// Feeds pieces the way a connection does: each is decoded where the body so far ends.
class feeder {
public:
    void feed(std::string_view piece) {
        if (out_.state != state::more) {
            return;
        }
        std::string bytes(piece);
        const auto got = decoder_.decode(bytes.data(), bytes.size());
        expect(
            got.payload <= got.consumed && got.consumed <= bytes.size(), "the counts fit the data"
        );
        expect(
            bytes.substr(got.consumed) == piece.substr(got.consumed), "surplus bytes are left alone"
        );
        out_.state = got.state;
        out_.payload.append(bytes, 0, got.payload);
        out_.consumed += got.consumed;
    }

    const struct result& result() const { return out_; }

private:
    chunk_decoder decoder_;
    struct result out_;
};

bool is_line_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return c == '\t' || static_cast<unsigned char>(c) >= 0x20;
    });
}

// The next line without its CRLF, taken off `text`.
std::optional<std::string_view> take_line(std::string_view& text) {
    const auto end = text.find("\r\n");
    const auto line = text.substr(0, end);
    if (end == std::string_view::npos || !is_line_text(line)) {
        return std::nullopt;
    }
    text.remove_prefix(end + 2);
    return line;
}

std::optional<std::uint64_t> size_in(std::string_view line) {
    const auto digits = line.substr(0, line.find(';'));
    const auto significant = digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
    const bool is_hex =
        digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (digits.empty() || !is_hex || significant.size() > 15
        || line.size() > chunk_decoder::max_line_bytes) {
        return std::nullopt;
    }
    return std::stoull("0" + std::string(significant), nullptr, 16);
}

// A complete body at the start of `text`, read line by line; nothing when there is none.
std::optional<result> plain_reading(std::string_view text) {
    const auto all = text.size();
    result out{.state = state::done};
    for (;;) {
        const auto line = take_line(text);
        const auto size = line ? size_in(*line) : std::nullopt;
        if (!size) {
            return std::nullopt;
        }
        if (*size == 0) {
            break;
        }
        if (text.size() < *size + 2 || text.substr(*size, 2) != "\r\n") {
            return std::nullopt;
        }
        out.payload += text.substr(0, *size);
        text.remove_prefix(*size + 2);
    }
    std::size_t trailers = 0;
    for (;;) {
        const auto line = take_line(text);
        if (!line || (!line->empty() && (line->front() == ' ' || line->front() == '\t'))) {
            return std::nullopt;
        }
        if (line->empty()) {
            break;
        }
        trailers += line->size();
        if (trailers > chunk_decoder::max_trailer_bytes) {
            return std::nullopt;
        }
    }
    out.consumed = all - text.size();
    return out;
}

// `body` in chunks of varying size, with what the coding allows around them.
std::string encoded(std::string_view body) {
    std::string out;
    fuzz::for_each_piece(body, 40, [&](std::string_view piece) {
        char line[32];
        std::snprintf(
            line, sizeof line, piece.size() % 2 == 0 ? "%zx" : "0%zX;a=\"b\"", piece.size()
        );
        out.append(line).append("\r\n").append(piece).append("\r\n");
    });
    return out + (body.size() % 2 == 0 ? "0\r\n\r\n" : "00;x\r\nDigest: a=b\r\n\r\n");
}

void run(std::string_view text) {
    feeder whole;
    fuzz::read_in_any_pieces(text, 3, whole);

    const auto plain = plain_reading(text);
    expect(
        plain.has_value() == (whole.result().state == state::done),
        "a body is complete when a plain reading says so"
    );
    expect(!plain || *plain == whole.result(), "the body is what a plain reading gives");

    const auto chunks = encoded(text);
    feeder decoder;
    fuzz::for_each_piece(chunks + "next", 50, [&](std::string_view piece) { decoder.feed(piece); });
    expect(decoder.result().state == state::done, "what was encoded is complete");
    expect(decoder.result().payload == text, "what was encoded comes back");
    expect(decoder.result().consumed == chunks.size(), "nothing behind the body is taken");
}

}  // namespace
}  // namespace meta_model::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::net::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
