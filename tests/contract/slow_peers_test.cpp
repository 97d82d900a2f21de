// Peers that do not take what they are sent: upstreams that answer early or never read, clients that do not read.
#include "contract/contract_test.hpp"

#include <algorithm>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

namespace meta_model::contract {

namespace {

constexpr std::size_t more_than_sockets_hold = 6u << 20;

// A server on 127.0.0.1 that reads of each request only what comes before a mark, or nothing at all.
class reluctant_server {
public:
    struct exchange {
        std::string reads_until{};  // then it answers
        std::string answers{};
    };

    explicit reluctant_server(
        std::vector<exchange> exchanges, bool closes = false, const tls_server* tls = nullptr
    )
        : exchanges_(std::move(exchanges)), closes_(closes), tls_(tls) {
        if (!exchanges_.empty()) {
            thread_ = std::thread([this] { serve(); });
        }
    }
    ~reluctant_server() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    reluctant_server(const reluctant_server&) = delete;
    reluctant_server& operator=(const reluctant_server&) = delete;

    std::string base_url() const {
        return (tls_ != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:")
               + std::to_string(local_port(listener_.get())) + "/v1";
    }

private:
    // One connection; it stays open until the server goes, unless it closes at once.
    void serve() {
        const auto until = clock::now() + default_wait;
        socket_ = descriptor(::accept(listener_.get(), nullptr, nullptr));
        const auto wait = [&](short events, milliseconds at_most) {
            pollfd peer{socket_.get(), events, 0};
            ::poll(&peer, 1, static_cast<int>(at_most.count()));
            return clock::now() < until;
        };
        if (tls_ != nullptr) {
            channel_.emplace(*tls_, socket_.get(), wait);
            channel_->handshake();
        }
        for (const auto& each : exchanges_) {
            std::string seen;  // its end
            while (seen.find(each.reads_until) == std::string::npos) {
                seen.erase(0, seen.size() - std::min(seen.size(), each.reads_until.size()));
                char buffer[4096];
                const auto got = channel_ ? channel_->read_some(buffer, sizeof buffer)
                                          : read_some(socket_.get(), buffer, sizeof buffer, until);
                if (got.end != io_end::ok) {
                    return;
                }
                seen.append(buffer, got.bytes);
            }
            if (channel_) {
                channel_->write_all(each.answers);
            } else {
                write_all(socket_.get(), each.answers, until);
            }
        }
        if (closes_) {
            socket_.close();
        }
    }

    descriptor listener_ = listen_on_loopback();
    std::vector<exchange> exchanges_;
    bool closes_;
    const tls_server* tls_;
    descriptor socket_;
    std::optional<tls_channel> channel_;
    std::thread thread_;
};

std::string as_reply(int status, const std::string& body) {
    return http_head(status, "application/json", {{"Content-Length", std::to_string(body.size())}})
           + body;
}

std::string config_for(const reluctant_server& server, const std::string& lines = "") {
    const fake_upstream none;
    return config_text(none).upstream_at(
        "a", server.base_url(), "health_check = \"off\"\n" + lines
    );
}

http_reply ask_at_length(const gateway_process& gateway, const std::string& last = "") {
    return chat_bytes(
        gateway,
        R"({"model":"a","messages":[{"role":"user","content":")"
            + std::string(more_than_sockets_hold, 'x') + last + R"("}]})"
    );
}

const std::string refusal = R"({"error":{"message":"too much"}})";

TEST(slow_peers, an_early_reply_is_passed_on_although_the_request_is_not_sent) {
    for (const bool closes : {false, true}) {
        reluctant_server server({{"\r\n\r\n", as_reply(413, refusal)}}, closes);
        const gateway_process gateway(config_for(server));

        const auto reply = ask_at_length(gateway);

        EXPECT_EQ(reply.status, 413) << closes;
        EXPECT_EQ(reply.body, refusal) << closes;
    }
}

TEST(slow_peers, an_early_reply_counts_on_a_reused_connection_too) {
    const std::string fine = R"({"id":"x","choices":[]})";
    reluctant_server server(
        {{"last word", as_reply(200, fine)}, {"\r\n\r\n", as_reply(413, refusal)}}, true
    );
    const gateway_process gateway(config_for(server));

    EXPECT_EQ(chat(gateway, say("a", "last word")).status, 200);
    EXPECT_EQ(ask_at_length(gateway).status, 413) << "the server takes one connection only";
}

TEST(slow_peers, an_early_reply_over_tls_is_passed_on_too) {
    const certificate_authority authority;
    const temporary_folder folder;
    const tls_server tls({.own = authority.issue()});
    reluctant_server server({{"\r\n\r\n", as_reply(413, refusal)}}, false, &tls);
    const gateway_process gateway(config_for(
        server,
        "[upstreams.a.tls]\nca_file = \"" + folder.write("ca.pem", authority.certificate_pem())
            + '"'
    ));

    const auto reply = ask_at_length(gateway);

    EXPECT_EQ(reply.status, 413) << reply.body;
    EXPECT_EQ(reply.body, refusal);
}

TEST(slow_peers, an_interim_reply_does_not_end_the_request) {
    const std::string fine = R"({"id":"x","choices":[]})";
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n";
    reluctant_server server({{"\r\n\r\n", hints}, {"last word", as_reply(200, fine)}});
    const gateway_process gateway(config_for(server));

    const auto reply = ask_at_length(gateway, "last word");

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, fine);
}

TEST(slow_peers, an_upstream_that_takes_nothing_times_out) {
    reluctant_server server({});
    gateway_process gateway(config_for(server, "[upstreams.a.timeouts]\nidle_secs = 0.3"));

    const auto start = clock::now();
    const auto reply = ask_at_length(gateway);

    expect_error(reply, {504, "api_error", "upstream_timeout", std::nullopt});
    EXPECT_GE(clock::now() - start, 300ms);
    EXPECT_NE(final_log(gateway).find("send timeout"), std::string::npos);
}

TEST(slow_peers, an_upstream_is_not_idle_while_its_client_does_not_read) {
    fake_upstream models;
    models.on("a", endless());
    gateway_process gateway(
        config_text(models).upstream("a", "[upstreams.a.timeouts]\nidle_secs = 0.2")
    );

    std::size_t calls = 0;
    for (const bool streams : {false, true}) {
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(with(say("a"), {{"stream", streams}}).dump())));
        ASSERT_TRUE(models.wait_for_calls("a", ++calls));

        EXPECT_FALSE(models.wait_for_peer_close("a", 1000ms)) << streams;  // five times as long

        std::string piece(1u << 20, ' ');
        std::size_t total = 0;
        auto end = io_end::ok;
        while (end == io_end::ok && total < 4 * more_than_sockets_hold) {
            const auto got =
                read_some(client.fd(), piece.data(), piece.size(), clock::now() + default_wait);
            end = got.end;
            total += got.bytes;
        }
        EXPECT_EQ(end, io_end::ok) << total;
    }
}

TEST(slow_peers, a_client_that_reads_nothing_is_dropped) {
    fake_upstream models;
    models.on("a", endless());
    gateway_process gateway(
        config_text(models).upstream("a").server_table("limits", "write_timeout_secs = 0.3")
    );

    std::size_t calls = 0;
    for (const bool streams : {false, true}) {
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(with(say("a"), {{"stream", streams}}).dump())));
        ASSERT_TRUE(models.wait_for_calls("a", ++calls));
        ASSERT_TRUE(models.wait_for_peer_close("a", 30s)) << streams;

        client.read_head();
        std::string body;
        auto end = body_end::open;
        while (end == body_end::open) {
            end = client.read_body(body, clock::now() + default_wait);
        }
        EXPECT_EQ(end, body_end::cut) << streams;
    }
    EXPECT_NE(final_log(gateway).find("client_closed"), std::string::npos);
}

}  // namespace

}  // namespace meta_model::contract
