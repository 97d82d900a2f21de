// Framing of requests (RFC 9112): every ambiguous form is refused with 400 and the connection is closed.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

struct target {
    fake_upstream models{};
    gateway_process gateway;

    explicit target(const std::string& limits = "")
        : gateway(config_text(models).upstream("a").server_table("limits", limits)) {
        models.on("a", ok("x"));
    }

    // Sends the bytes on a connection of their own and reads one reply.
    http_reply ask(std::string_view bytes) const {
        http_client client(gateway.port());
        client.try_send(bytes);
        return client.read_reply();
    }

    void expect_alive(std::source_location where = std::source_location::current()) const {
        if (chat(gateway, say("a")).status != 200) {
            ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
                << "the gateway does not serve any more";
        }
    }
};

std::string post(const std::string& headers, const std::string& rest) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: x.y\r\nContent-Type: application/json\r\n"
           + headers + "\r\n" + rest;
}

std::string hosted(std::string bytes) {
    const std::string mark = "Host: x.y";
    const auto at = bytes.find(mark);
    return at == std::string::npos ? bytes : bytes.replace(at, mark.size(), "Host: localhost");
}

const std::string body = R"({"model":"a","messages":[{"role":"user","content":"hi"}]})";
const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";

// Each must be a 400 `malformed_request`, a closed connection, and nothing upstream.
struct refused_form {
    const char* name;
    std::string bytes;
};

const std::vector<refused_form> refused_forms{
    {"unknown transfer coding", post("Transfer-Encoding: gzip\r\n", body)},
    {"coding after chunked", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")},
    {"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
    {"chunked in two headers",
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"almost chunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
    {"identity", post("Transfer-Encoding: identity\r\n" + length, body)},
    {"empty coding", post("Transfer-Encoding:\r\n", "0\r\n\r\n")},
    {"length and chunked", post("Transfer-Encoding: chunked\r\n" + length, "0\r\n\r\n")},
    {"chunked and length", post(length + "Transfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"coding on HTTP/1.0",
     "POST /v1/chat/completions HTTP/1.0\r\nHost: x.y\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n"},
    {"length list", post("Content-Length: 2, 2\r\n", "{}")},
    {"equal lengths twice", post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}")},
    {"different lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{} ")},
    {"negative length", post("Content-Length: -2\r\n", "{}")},
    {"signed length", post("Content-Length: +2\r\n", "{}")},
    {"hexadecimal length", post("Content-Length: 0x2\r\n", "{}")},
    {"empty length", post("Content-Length:\r\n", "{}")},
    {"length beyond 64 bits", post("Content-Length: 99999999999999999999999\r\n", "{}")},
    {"no host", "GET /v1/models HTTP/1.1\r\n\r\n"},
    {"two hosts", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\nHost: x.y\r\n\r\n"},
    {"folded header", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\nX-A: one\r\n two\r\n\r\n"},
    {"folded with a tab", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\nX-A: one\r\n\ttwo\r\n\r\n"},
    {"folding first", "GET /v1/models HTTP/1.1\r\n Host: x.y\r\n\r\n"},
    {"blank before the colon", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\nX-A : one\r\n\r\n"},
    {"empty header name", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\n: one\r\n\r\n"},
    {"no colon", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\nX-A\r\n\r\n"},
    {"bare LF lines", "GET /v1/models HTTP/1.1\nHost: x.y\n\n"},
    {"one bare LF", "GET /v1/models HTTP/1.1\r\nHost: x.y\nX-A: b\r\n\r\n"},
    {"bare CR in a value", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\nX-A: b\rc\r\n\r\n"},
    {"NUL in a value", std::string("GET /v1/models HTTP/1.1\r\nHost: x.y\r\nX-A: b\0c\r\n\r\n", 48)
    },
    {"control byte in a name", "GET /v1/models HTTP/1.1\r\nHost: x.y\r\nX-\x01: b\r\n\r\n"},
    {"two blanks in the request line", "GET  /v1/models HTTP/1.1\r\nHost: x.y\r\n\r\n"},
    {"no version", "GET /v1/models\r\nHost: x.y\r\n\r\n"},
    {"unknown version", "GET /v1/models HTTP/3.7\r\nHost: x.y\r\n\r\n"},
    {"not HTTP", "\x16\x03\x01\x02\r\n\r\n"},
    {"raw UTF-8 target", "GET /v1/models/\xc3\xa9 HTTP/1.1\r\nHost: x.y\r\n\r\n"},
    {"control byte in the target",
     "GET /v1/mo\x01"
     "dels HTTP/1.1\r\nHost: x.y\r\n\r\n"},
    {"chunk size without digits", post("Transfer-Encoding: chunked\r\n", "\r\n\r\n")},
    {"chunk size not hexadecimal", post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n")},
    {"negative chunk size", post("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n")},
    {"chunk size with 0x", post("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n")},
    {"chunk size beyond 64 bits",
     post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff1\r\n{}\r\n0\r\n\r\n")},
    {"blank before the chunk size", post("Transfer-Encoding: chunked\r\n", " 2\r\n{}\r\n0\r\n\r\n")
    },
    {"chunk size ended by LF", post("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n")},
    {"LF in a chunk extension", post("Transfer-Encoding: chunked\r\n", "2;a\nb\r\n{}\r\n0\r\n\r\n")
    },
    {"chunk data longer than its size",
     post("Transfer-Encoding: chunked\r\n", "2\r\n{}}}\r\n0\r\n\r\n")},
    {"endless chunk extension",
     post("Transfer-Encoding: chunked\r\n", "2;" + std::string(70000, 'x') + "\r\n{}\r\n0\r\n\r\n")
    },
};

TEST(strict_http, ambiguous_framing_is_refused_and_the_connection_closed) {
    target t;

    for (const auto& form : refused_forms) {
        SCOPED_TRACE(form.name);
        http_client client(t.gateway.port());
        client.try_send(hosted(form.bytes));
        try {
            const auto reply = client.read_reply();
            EXPECT_TRUE(reply.error_code() == "malformed_request") << reply.body;
            expect_envelope(reply, 400);
            EXPECT_TRUE(same_name(reply.header("Connection"), "close"))
                << reply.header("Connection");
            EXPECT_TRUE(client.is_closed_by_peer());
        } catch (const client_error& problem) {
            ADD_FAILURE() << problem.what();
        }
    }
    EXPECT_TRUE(t.models.requests().empty());
    t.expect_alive();
}

// RFC 9112 §6.1 asks for 501 here: the length is known, the coding is not.
TEST(strict_http, an_unknown_coding_before_chunked_is_refused) {
    target t;
    http_client client(t.gateway.port());

    client.send(hosted(post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")));
    const auto reply = client.read_reply();

    EXPECT_TRUE(reply.status == 501 || reply.status == 400) << reply.start_line;
    expect_envelope(reply, reply.status);
    EXPECT_TRUE(client.is_closed_by_peer());
    EXPECT_TRUE(t.models.requests().empty());
}

TEST(strict_http, a_post_without_length_has_an_empty_body) {
    target t;

    const auto reply = t.ask(hosted(post("", "")));

    EXPECT_EQ(reply.error_code(), "invalid_json") << reply.body;
    expect_envelope(reply, 400);
    t.expect_alive();
}

TEST(strict_http, chunked_requests_are_understood_in_any_split) {
    target t;
    const auto whole = hosted(post(
        "Transfer-Encoding: chunked\r\n",
        "5;name=value\r\n" + body.substr(0, 5) + "\r\n" + as_chunk(body.substr(5))
            + "0\r\nX-Trailer: a\r\n\r\n"
    ));

    for (const std::size_t size : {1u, 3u, 50u, 100000u}) {
        http_client client(t.gateway.port());
        for (std::size_t at = 0; at < whole.size(); at += size) {
            client.send(std::string_view(whole).substr(at, size));
        }
        EXPECT_EQ(client.read_reply().status, 200) << size;
        EXPECT_EQ(t.models.last_request("a").json["messages"][0]["content"], "hi");
    }
}

TEST(strict_http, a_head_may_come_byte_by_byte_after_empty_lines) {
    target t;
    http_client client(t.gateway.port());

    for (const char byte : std::string("\r\nGET /v1/models HTTP/1.1\r\nhOST:localhost\r\n\r\n")) {
        client.send(std::string_view(&byte, 1));
    }

    EXPECT_EQ(client.read_reply().status, 200);
}

TEST(strict_http, too_large_heads_are_told_apart) {
    target t("max_header_bytes = 16384");

    const auto big_header = t.ask(
        "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-A: " + std::string(20000, 'a') + "\r\n\r\n"
    );
    const auto long_target =
        t.ask("GET /v1/models?" + std::string(9000, 'q') + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::string many = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < 3000; ++i) {
        many += "A" + std::to_string(i) + ": b\r\n";
    }
    const auto many_headers = t.ask(many + "\r\n");

    expect_envelope(big_header, 431);
    EXPECT_EQ(big_header.error_code(), "headers_too_large");
    expect_envelope(long_target, 414);
    EXPECT_EQ(long_target.error_code(), "uri_too_long");
    expect_envelope(many_headers, 431);
    t.expect_alive();
}

TEST(strict_http, a_too_large_body_is_refused_before_it_is_read) {
    target t("max_body_bytes = 1000");
    http_client client(t.gateway.port());

    client.send(hosted(post("Content-Length: 5000\r\n", "")));
    const auto declared = client.read_reply();
    const auto chunked = t.ask(hosted(post(
        "Transfer-Encoding: chunked\r\n",
        as_chunk(std::string(600, ' ')) + as_chunk(std::string(600, ' ')) + "0\r\n\r\n"
    )));

    for (const auto* reply : {&declared, &chunked}) {
        expect_envelope(*reply, 413);
        EXPECT_EQ(reply->error_code(), "request_too_large");
    }
    client.shutdown_write();
    EXPECT_TRUE(client.is_closed_by_peer())
        << "what the client still sends is not read as a request";
    t.expect_alive();
}

TEST(strict_http, slow_heads_and_bodies_time_out) {
    target t("header_timeout_secs = 0.3\nbody_timeout_secs = 0.3");
    http_client slow_head(t.gateway.port());
    http_client slow_body(t.gateway.port());

    slow_head.send("GET /v1/models HTTP/1.1\r\nHost: loc");
    slow_body.send(hosted(post("Content-Length: 100\r\n", "{")));
    const auto start = clock::now();
    const auto head_reply = slow_head.read_reply();
    const auto body_reply = slow_body.read_reply();

    for (const auto* reply : {&head_reply, &body_reply}) {
        expect_envelope(*reply, 408);
        EXPECT_EQ(reply->error_code(), "request_timeout");
    }
    EXPECT_LT(clock::now() - start, 2000ms);
    EXPECT_TRUE(slow_head.is_closed_by_peer());
    EXPECT_TRUE(slow_body.is_closed_by_peer());
}

TEST(strict_http, idle_connections_are_closed_without_a_word) {
    target t("idle_timeout_secs = 0.3\nheader_timeout_secs = 0.3");
    http_client served(t.gateway.port());
    http_client silent(t.gateway.port());

    served.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(served.read_reply().status, 200);

    EXPECT_TRUE(served.is_closed_by_peer(3000ms));
    EXPECT_TRUE(silent.is_closed_by_peer(3000ms));
}

}  // namespace

}  // namespace meta_model::contract
