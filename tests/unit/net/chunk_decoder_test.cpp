#include "net/chunk_decoder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace meta_model::net {
namespace {

using state = chunk_decoder::state;

struct decoded {
    chunk_decoder::state state{};
    std::string body;
    std::size_t consumed = 0;
};

// Feeds `text` in pieces of `step` bytes after a first one of `first`.
decoded decode(std::string_view text, std::size_t first, std::size_t step) {
    chunk_decoder decoder;
    decoded out;
    while (out.state == state::more && out.consumed < text.size()) {
        std::string piece(text.substr(out.consumed, out.consumed == 0 && first > 0 ? first : step));
        const auto result = decoder.decode(piece.data(), piece.size());
        out.state = result.state;
        out.body += piece.substr(0, result.payload);
        out.consumed += result.consumed;
        if (result.state == state::more) {
            EXPECT_EQ(result.consumed, piece.size());
        }
    }
    return out;
}

decoded decode(std::string_view text) {
    return decode(text, 0, text.size());
}

TEST(chunk_decoder, every_split_gives_the_same_body) {
    const std::string_view text =
        "5\r\nhello\r\n1;name=\"v\"\r\n,\r\n00B\r\n 0\r\n\r\nworld\r\n0\r\nTrailer: x\r\nOther: "
        "y\r\n\r\nGET /";
    for (std::size_t first = 0; first <= text.size(); ++first) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, text.size()}) {
            const auto result = decode(text, first, step);
            ASSERT_EQ(result.state, state::done) << first;
            EXPECT_EQ(result.body, "hello, 0\r\n\r\nworld");
            EXPECT_EQ(result.consumed, text.size() - 5);
        }
    }
}

TEST(chunk_decoder, a_chunk_longer_than_it_says_is_malformed) {
    EXPECT_EQ(decode("4\r\nhello\r\n0\r\n\r\n").state, state::malformed);
}

TEST(chunk_decoder, what_follows_the_body_is_not_touched) {
    std::string text = "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    chunk_decoder decoder;
    const auto result = decoder.decode(text.data(), text.size());
    EXPECT_EQ(result.state, state::done);
    EXPECT_EQ(result.payload, 1u);
    EXPECT_EQ(text.substr(result.consumed), "GET / HTTP/1.1\r\n");
}

TEST(chunk_decoder, an_empty_body_is_a_body) {
    EXPECT_EQ(decode("0\r\n\r\n").state, state::done);
    EXPECT_EQ(decode("000;x\r\n\r\n").state, state::done);
    EXPECT_EQ(decode("0\r\n\r").state, state::more);
    EXPECT_EQ(decode("").state, state::more);
}

TEST(chunk_decoder, malformed_framing_is_refused_in_every_split) {
    for (const std::string_view text :
         {"\r\n",
          " 1\r\na\r\n",
          "1 \r\na\r\n",
          "+1\r\na",
          "-1\r\na",
          "0x1\r\na",
          "g\r\n",
          ";x\r\n",
          "1\na",
          "1\r\r\n",
          "1\r\nab\r\n",
          "1\r\na\n",
          "1\r\na\r\r",
          "1;a\nb\r\n",
          "1;\x01\r\na",
          "0\r\n\n",
          "0\r\n X: folded\r\n\r\n",
          "0\r\nX: a\n\r\n",
          "0\r\nX: a\r\rb",
          "0\r\n\r\r",
          "ffffffffffffffff\r\n",
          "fffffffffffffffff\r\n",
          "10000000000000000\r\n"}) {
        EXPECT_EQ(decode(text).state, state::malformed) << text;
        EXPECT_EQ(decode(text, 0, 1).state, state::malformed) << text;
    }
}

TEST(chunk_decoder, a_very_large_size_is_no_reason_to_wait) {
    EXPECT_EQ(decode("fffffffffffffff\r\nabc").body, "abc");
}

TEST(chunk_decoder, size_lines_and_trailers_are_bounded) {
    EXPECT_EQ(decode("0;" + std::string(200, 'x') + "\r\n\r\n").state, state::done);
    EXPECT_EQ(
        decode("0;" + std::string(chunk_decoder::max_line_bytes, 'x') + "\r\n").state,
        state::malformed
    );
    EXPECT_EQ(decode(std::string(chunk_decoder::max_line_bytes + 1, '0')).state, state::malformed);
    std::string trailers = "0\r\n";
    while (trailers.size() < chunk_decoder::max_trailer_bytes / 2) {
        trailers += "Name: value\r\n";
    }
    EXPECT_EQ(decode(trailers + "\r\n").state, state::done);
    std::string short_trailers = "0\r\n";
    for (std::size_t i = 0; i <= chunk_decoder::max_trailer_bytes; ++i) {
        short_trailers += "X\r\n";
    }
    EXPECT_EQ(decode(short_trailers + "\r\n").state, state::malformed);
    EXPECT_EQ(
        decode("0\r\nX: " + std::string(chunk_decoder::max_trailer_bytes, 'x') + "\r\n").state,
        state::malformed
    );
}

}  // namespace
}  // namespace meta_model::net
