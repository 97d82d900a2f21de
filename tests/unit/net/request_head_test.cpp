#include "net/request_head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::net {
namespace {

std::string head_with(std::string_view fields) {
    return "POST /v1/x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

head_fault fault_of(std::string_view head) {
    request_head out;
    return parse_request_head(head, out);
}

TEST(request_head, a_usual_head_is_read) {
    const std::string text =
        "POST /v1/chat?x=%20 HTTP/1.1\r\nHost: gateway.test:8080\r\ncontent-length:  12 \r\n"
        "X-Api-Key: 1\r\nx-api-key: 2\r\n\r\n";
    request_head head;
    ASSERT_EQ(parse_request_head(text, head), head_fault::none);
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/v1/chat?x=%20");
    EXPECT_EQ(head.host, "gateway.test:8080");
    EXPECT_EQ(head.content_length, 12u);
    EXPECT_EQ(head.get(known_field::x_api_key), "1");
    EXPECT_EQ(head.count(known_field::x_api_key), 2u);
    EXPECT_EQ(head.get(known_field::origin), "");
    EXPECT_TRUE(head.keep_alive);
    EXPECT_FALSE(head.is_chunked);
    EXPECT_FALSE(head.is_http_1_0);
}

TEST(request_head, a_second_head_leaves_nothing_of_the_first) {
    request_head head;
    const auto first =
        head_with("Content-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n");
    ASSERT_EQ(parse_request_head(first, head), head_fault::none);
    const auto second = head_with("Transfer-Encoding: chunked\r\n");
    ASSERT_EQ(parse_request_head(second, head), head_fault::none);
    EXPECT_FALSE(head.content_length);
    EXPECT_FALSE(head.expects_continue);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_TRUE(head.is_chunked);
    ASSERT_EQ(parse_request_head(head_with(""), head), head_fault::none);
    EXPECT_FALSE(head.is_chunked);
}

TEST(request_head, framing_that_could_be_read_in_two_ways_is_refused) {
    for (const std::string_view fields :
         {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
          "Content-Length: 1\r\nContent-Length: 1\r\n",
          "Content-Length: 1\r\nContent-Length: 2\r\n",
          "Content-Length: 1, 1\r\n",
          "Content-Length: +1\r\n",
          "Content-Length: -1\r\n",
          "Content-Length: 0x1\r\n",
          "Content-Length: 1 1\r\n",
          "Content-Length:\r\n",
          "Content-Length: 99999999999999999999\r\n",
          "Transfer-Encoding: gzip\r\n",
          "Transfer-Encoding: gzip, chunked\r\n",
          "Transfer-Encoding: chunked, chunked\r\n",
          "Transfer-Encoding: identity\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: \"chunked\"\r\n"}) {
        EXPECT_EQ(fault_of(head_with(fields)), head_fault::malformed) << fields;
    }
    EXPECT_EQ(
        fault_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        head_fault::malformed
    );
}

TEST(request_head, odd_lines_and_fields_are_refused) {
    for (const std::string_view fields :
         {"X: a\r\n b\r\n",
          "X: a\r\n\tb\r\n",
          "X : a\r\n",
          " X: a\r\n",
          "X\r\n",
          ": a\r\n",
          "X: a\rb\r\n",
          "X: a\n",
          "X Y: a\r\n",
          "X(: a\r\n",
          "X: \x01\r\n",
          "X: \x7f\r\n",
          "Connection: close;\r\n",
          "Connection: ,\xc2\x85.\r\n",
          "Connection: \xc2\xa0"
          "close\r\n"}) {
        EXPECT_EQ(fault_of(head_with(fields)), head_fault::malformed) << fields;
    }
    EXPECT_EQ(fault_of(head_with(std::string("X: a\0b\r\n", 8))), head_fault::malformed);
    EXPECT_EQ(fault_of("GET / HTTP/1.1\nHost: a\n\n"), head_fault::malformed);
}

TEST(request_head, odd_request_lines_are_refused) {
    for (const std::string_view line :
         {"GET  / HTTP/1.1",
          "GET / HTTP/1.1 ",
          "GET /",
          "GET",
          "GET\t/ HTTP/1.1",
          " GET / HTTP/1.1",
          "G(T / HTTP/1.1",
          "GET /a b HTTP/1.1",
          "GET /\xc3\xa9 HTTP/1.1",
          "GET /#f HTTP/1.1",
          "GET /\"x HTTP/1.1",
          "GET /<x> HTTP/1.1",
          "GET /a\\b HTTP/1.1",
          "GET /{x} HTTP/1.1"}) {
        EXPECT_NE(fault_of(std::string(line) + "\r\nHost: a\r\n\r\n"), head_fault::none) << line;
    }
}

TEST(request_head, other_versions_are_refused) {
    for (const std::string_view version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2"}) {
        EXPECT_EQ(
            fault_of("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"),
            head_fault::bad_version
        ) << version;
    }
    EXPECT_NE(fault_of("PRI * HTTP/2.0\r\n\r\n"), head_fault::none);
}

TEST(request_head, exactly_one_clean_host_is_wanted) {
    EXPECT_EQ(fault_of("GET / HTTP/1.1\r\n\r\n"), head_fault::malformed);
    EXPECT_EQ(fault_of("GET / HTTP/1.0\r\n\r\n"), head_fault::none);
    EXPECT_EQ(fault_of(head_with("Host: a\r\n")), head_fault::malformed);
    EXPECT_EQ(fault_of(head_with("HOST: b\r\n")), head_fault::malformed);
    for (const std::string_view host : {"a/b", "a b", "a@b", "a?b", "a,b", "\xc3\xa9", "a\"b"}) {
        EXPECT_EQ(
            fault_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"),
            head_fault::malformed
        ) << host;
    }
    EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), head_fault::none);
}

TEST(request_head, fields_are_counted) {
    std::string fields;
    for (std::size_t i = 1; i < request_head::max_fields; ++i) {
        fields += "X: 1\r\n";
    }
    EXPECT_EQ(fault_of(head_with(fields)), head_fault::none);
    EXPECT_EQ(fault_of(head_with(fields + "X: 1\r\n")), head_fault::too_many_fields);
}

TEST(request_head, only_one_expectation_is_known) {
    request_head head;
    const auto text = head_with("Expect: 100-Continue\r\nContent-Length: 1\r\n");
    ASSERT_EQ(parse_request_head(text, head), head_fault::none);
    EXPECT_TRUE(head.expects_continue);
    EXPECT_EQ(fault_of(head_with("Expect: more\r\n")), head_fault::bad_expectation);
}

TEST(request_head, connections_are_kept_as_asked) {
    const auto keeps = [](const std::string& text) {
        request_head head;
        EXPECT_EQ(parse_request_head(text, head), head_fault::none) << text;
        return head.keep_alive;
    };
    EXPECT_TRUE(keeps(head_with("")));
    EXPECT_FALSE(keeps(head_with("Connection: close\r\n")));
    EXPECT_FALSE(keeps(head_with("Connection: keep-alive, Close\r\n")));
    EXPECT_TRUE(keeps(head_with("Connection: , x ,\r\n")));
    EXPECT_EQ(fault_of(head_with("Connection: close;\r\n")), head_fault::malformed);
    EXPECT_EQ(fault_of(head_with("Connection: a\xff\r\n")), head_fault::malformed);
    EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(request_head, the_end_of_a_head_is_found) {
    EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\n\r\nbody"), 18u);
    EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\n\r\nbody", 13), 18u);
    EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\n\r"), std::string_view::npos);
    EXPECT_EQ(find_head_end(""), std::string_view::npos);
}

}  // namespace
}  // namespace meta_model::net
