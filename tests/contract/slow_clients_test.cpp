// Clients that are slow on purpose, and more of them than there is room for: they are cut at their limits, hold little,
// and others are served beside them.
#include "contract/contract_test.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace meta_model::contract {

namespace {

constexpr std::size_t many = 50;

struct served {
    fake_upstream models{};
    gateway_process gateway;

    explicit served(const std::string& limits)
        : gateway(config_text(models)
                      .upstream("a", "health_check = \"off\"")
                      .server_table("limits", limits)) {
        models.on("a", ok("served"));
    }

    bool serves() const { return answer_text(chat(gateway, say("a"))) == "served"; }
};

std::string post_head(std::size_t length) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
           "application/json\r\nContent-Length: "
           + std::to_string(length) + "\r\n\r\n";
}

// Each sends one more byte every few milliseconds and never stands still, until the gateway has cut all of them.
// Returns how long that took.
milliseconds drip_until_cut(
    const gateway_process& gateway, std::vector<http_client>& clients, const std::string& first
) {
    const auto start = clock::now();
    for (auto& client : clients) {
        client.send(first);
    }
    std::vector<bool> is_cut(clients.size(), false);
    while (std::find(is_cut.begin(), is_cut.end(), false) != is_cut.end()) {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (is_cut[i]) {
                continue;
            }
            clients[i].try_send("x");
            char byte = 0;
            const auto got = read_some(clients[i].fd(), &byte, 1, clock::now() + 1ms);
            is_cut[i] = got.end != io_end::timed_out;
        }
        if (clock::now() - start > 10s) {
            ADD_FAILURE() << "some were never cut";
            break;
        }
        EXPECT_EQ(get(gateway, "/livez").status, 200);
    }
    return std::chrono::duration_cast<milliseconds>(clock::now() - start);
}

std::vector<http_client> connected(const gateway_process& gateway, std::size_t count) {
    std::vector<http_client> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.emplace_back(gateway.port());
    }
    return out;
}

TEST(slow_clients, dripped_heads_are_cut_at_their_limit) {
    const served s("header_timeout_secs = 0.3");
    auto clients = connected(s.gateway, many);

    const auto took = drip_until_cut(s.gateway, clients, "GET /v1/models HTTP/1.1\r\nX: ");

    EXPECT_GE(took, 300ms);
    EXPECT_LT(took, 1500ms);
    EXPECT_TRUE(s.serves());
}

TEST(slow_clients, dripped_bodies_are_cut_at_their_limit) {
    const served s("body_timeout_secs = 0.3");
    auto clients = connected(s.gateway, many);

    const auto took = drip_until_cut(s.gateway, clients, post_head(100000) + "{\"model\":\"");

    EXPECT_GE(took, 300ms);
    EXPECT_LT(took, 1500ms);
    EXPECT_EQ(s.models.requests().size(), 0u);
    EXPECT_TRUE(s.serves());
}

TEST(slow_clients, a_body_that_was_only_announced_takes_no_room_from_others) {
    const served s("max_in_flight_bytes = 8000000\nmax_body_bytes = 4000000");
    auto clients = connected(s.gateway, many);
    for (auto& client : clients) {
        client.send(post_head(4000000) + "{\"model\":\"a\"");
    }

    const auto reply = chat(s.gateway, say("a", std::string(3000000, 'x')));

    EXPECT_EQ(reply.status, 200) << reply.body;
}

TEST(slow_clients, bodies_that_came_count_against_the_limit) {
    const served s("max_in_flight_bytes = 3000000");
    http_client half(s.gateway.port());
    half.send(post_head(2500000) + std::string(2400000, ' '));

    const auto refused = [&] { return chat(s.gateway, say("a", std::string(1000000, 'x'))); };
    auto reply = refused();
    for (const auto until = clock::now() + 5s; reply.status == 200 && clock::now() < until;) {
        reply = refused();  // what was sent is not yet read
    }

    expect_error(reply, {503, "service_unavailable_error", "overloaded", std::nullopt});
    EXPECT_GE(std::stoi(reply.header("Retry-After")), 1);
    half.close();
    EXPECT_TRUE(s.serves());
}

TEST(slow_clients, too_many_requests_are_refused_before_their_bodies_are_read) {
    served s("max_in_flight = 5");
    const auto gate = make_gate();
    s.models.on("a", held(gate, ok("served")));
    auto clients = connected(s.gateway, 5);
    for (auto& client : clients) {
        client.send(request_bytes(chat_parts(say("a").dump())));
    }
    ASSERT_TRUE(s.models.wait_for_calls("a", 5));

    auto others = connected(s.gateway, many);
    const auto start = clock::now();
    for (auto& client : others) {
        client.send(post_head(1000000));  // and nothing of the body
    }
    for (auto& client : others) {
        const auto reply = client.read_reply();
        expect_error(reply, {503, "service_unavailable_error", "overloaded", std::nullopt});
        EXPECT_GE(std::stoi(reply.header("Retry-After")), 1);
        EXPECT_EQ(reply.header("x-should-retry"), "true");
    }
    EXPECT_LT(clock::now() - start, 1000ms);

    gate->open();
    for (auto& client : clients) {
        EXPECT_EQ(answer_text(client.read_reply()), "served");
    }
    EXPECT_TRUE(s.serves());
    EXPECT_EQ(s.models.call_count("a"), 6u);
}

TEST(slow_clients, too_many_connections_are_refused_with_a_reply) {
    const served s("max_connections = 20");
    auto clients = connected(s.gateway, 20);
    for (auto& client : clients) {
        client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
        EXPECT_EQ(client.read_reply().status, 200);
    }

    http_client one_more(s.gateway.port());
    const auto reply = one_more.read_reply();

    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.error_code(), "overloaded");
    EXPECT_EQ(reply.header("Retry-After"), "1");
    EXPECT_TRUE(one_more.is_closed_by_peer());
}

}  // namespace

}  // namespace meta_model::contract
