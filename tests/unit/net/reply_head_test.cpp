#include "net/reply_head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::net {
namespace {

std::string reply_with(std::string_view fields, std::string_view status = "200 OK") {
    return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) + "\r\n";
}

bool is_accepted(std::string_view head) {
    reply_head out;
    return parse_reply_head(head, out);
}

TEST(reply_head, a_usual_head_is_read) {
    const auto text =
        reply_with("Content-Type: application/json\r\nContent-Length: 2\r\n", "429 Too Many");
    reply_head head;
    ASSERT_TRUE(parse_reply_head(text, head));
    EXPECT_EQ(head.status, 429);
    EXPECT_EQ(head.framing, body_framing::sized);
    EXPECT_EQ(head.content_length, 2u);
    EXPECT_EQ(head.find("content-type"), "application/json");
    EXPECT_TRUE(head.keep_alive);
}

TEST(reply_head, the_framing_follows_from_the_fields) {
    const auto framing_of = [](const std::string& text) {
        reply_head head;
        EXPECT_TRUE(parse_reply_head(text, head)) << text;
        return head.framing;
    };
    EXPECT_EQ(framing_of(reply_with("Transfer-Encoding: Chunked\r\n")), body_framing::chunked);
    EXPECT_EQ(
        framing_of(reply_with("Content-Length: 5\r\nContent-Length: 5\r\n")), body_framing::sized
    );
    EXPECT_EQ(framing_of(reply_with("")), body_framing::until_close);
    EXPECT_EQ(
        framing_of(reply_with("Content-Length: 5\r\n", "204 No Content")), body_framing::none
    );
    EXPECT_EQ(
        framing_of(reply_with("Content-Length: 5\r\n", "304 Not Modified")), body_framing::none
    );
    EXPECT_EQ(framing_of(reply_with("", "100 Continue")), body_framing::none);
}

TEST(reply_head, ambiguous_framing_is_refused) {
    for (const std::string_view fields :
         {"Content-Length: 1\r\nContent-Length: 2\r\n",
          "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: gzip, chunked\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Content-Length: x\r\n",
          "Content-Length: -1\r\n",
          "Content-Length:\r\n",
          "Content-Length: 1 2\r\n",
          "Content-Length: 99999999999999999999\r\n"}) {
        EXPECT_FALSE(is_accepted(reply_with(fields))) << fields;
    }
    EXPECT_FALSE(is_accepted("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST(reply_head, what_is_no_reply_is_refused) {
    for (const std::string_view text :
         {"",
          "\r\n",
          "\r\n\r\n",
          "HTTP/1.1 200 OK\r\n",
          "HTTP/2 200 OK\r\n\r\n",
          "ICY 200 OK\r\n\r\n",
          "HTTP/1.1 20 OK\r\n\r\n",
          "HTTP/1.1 2000 OK\r\n\r\n",
          "HTTP/1.1 abc OK\r\n\r\n",
          "HTTP/1.1  200 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
          "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
          "HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n",
          "HTTP/1.1 200 OK\nX: a\n\n",
          "<html></html>"}) {
        EXPECT_FALSE(is_accepted(text)) << text;
    }
}

TEST(reply_head, fields_are_bounded) {
    std::string fields;
    for (std::size_t i = 0; i < request_head::max_fields; ++i) {
        fields += "X: 1\r\n";
    }
    EXPECT_TRUE(is_accepted(reply_with(fields)));
    EXPECT_FALSE(is_accepted(reply_with(fields + "X: 1\r\n")));
}

TEST(reply_head, connections_are_kept_as_the_upstream_says) {
    reply_head head;
    ASSERT_TRUE(parse_reply_head(reply_with("Content-Length: 0\r\nConnection: close\r\n"), head));
    EXPECT_FALSE(head.keep_alive);
    ASSERT_TRUE(parse_reply_head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", head));
    EXPECT_FALSE(head.keep_alive);
    ASSERT_TRUE(parse_reply_head(
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", head
    ));
    EXPECT_TRUE(head.keep_alive);
}

}  // namespace
}  // namespace meta_model::net
