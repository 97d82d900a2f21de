// Many clients at once that want nothing, take nothing, or leave no descriptor over: what they cost, and who is served
// beside them.
#include "contract/panel.hpp"
#include "contract/process_usage.hpp"

#include <algorithm>
#include <thread>

namespace meta_model::contract {

namespace {

constexpr std::size_t megabyte = 1u << 20;

TEST(crowd, two_thousand_idle_connections_cost_little_and_delay_nobody) {
    raise_own_descriptor_limit();
    fake_upstream models;
    models.on("a", ok("served"));
    const gateway_process gateway(config_text(models).upstream("a", "health_check = \"off\""));
    const auto process = gateway.child().pid();
    EXPECT_EQ(chat(gateway, say("a")).status, 200);
    const auto base = resident_bytes(process);

    std::vector<http_client> idle;
    for (int i = 0; i < 2000; ++i) {
        idle.emplace_back(gateway.port());
        if (i % 2 == 0) {  // the others never said a word
            idle.back().send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
            ASSERT_EQ(idle.back().read_reply().status, 200);
        }
    }

    const auto start = clock::now();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(answer_text(chat(gateway, say("a"))), "served");
    }
    EXPECT_LT(clock::now() - start, 1000ms);
    EXPECT_LT(resident_bytes(process) - base, 2000u * 12 * 1024);
    const auto busy = cpu_time(process);
    idle.front().is_closed_by_peer(500ms);
    EXPECT_LT(cpu_time(process) - busy, 150ms) << "they are not looked at all the time";
    idle.clear();
    const auto until = clock::now() + 5s;
    while (descriptor_count(process) > 100 && clock::now() < until) {
        std::this_thread::yield();
    }
    EXPECT_LT(descriptor_count(process), 100u);
}

class unread_streams : public testing::TestWithParam<std::string> {};

TEST_P(unread_streams, hold_less_than_a_megabyte_each) {
    constexpr std::size_t count = 12;
    panel p;
    for (const std::string name : {"a", "s"}) {
        p.models.on(name, endless());
    }
    config_text config(p.models);
    for (const std::string name : {"a", "b", "c", "s"}) {
        config.upstream(name, "health_check = \"off\"");
    }
    config.moa("moa.v1", {"b", "c"}, "s")
        .passthrough("relayed.v1", "a")
        .passthrough("filtered.v1", "a", "expose_reasoning = false")
        .cascade("cascade.v1", {"a", "b"})
        .cascade("resumed.v1", {"a", "b"}, "on_cut = \"resume\"");
    const gateway_process gateway(config);
    const auto process = gateway.child().pid();
    const auto model = GetParam() + ".v1";
    EXPECT_EQ(chat(gateway, say("b")).status, 200);
    const auto base = resident_bytes(process);

    std::vector<http_client> unread;
    for (std::size_t i = 0; i < count; ++i) {
        unread.emplace_back(gateway.port());
        unread.back().send(request_bytes(chat_parts(say_streamed(model).dump())));
    }
    const auto until = clock::now() + 20s;
    auto written = p.models.flooded_bytes();
    bool is_moving = true;
    while (is_moving && clock::now() < until) {
        is_moving = p.models.wait_until([&] { return p.models.flooded_bytes() != written; }, 400ms)
                    || written == 0;
        written = p.models.flooded_bytes();
    }

    EXPECT_FALSE(is_moving) << "the upstreams are made to wait";
    EXPECT_GT(written, count * megabyte) << "and had much to say";
    EXPECT_LT(resident_bytes(process) - base, count * megabyte);
    EXPECT_EQ(answer_text(chat(gateway, say("b"))), "the draft of b");
}

INSTANTIATE_TEST_SUITE_P(
    of,
    unread_streams,
    testing::Values("relayed", "filtered", "cascade", "resumed", "moa"),
    [](const auto& instance) { return instance.param; }
);

// Served within five seconds, however many connections are dropped before.
bool is_served_again(const gateway_process& gateway) {
    for (const auto until = clock::now() + 5s; clock::now() < until;) {
        try {
            return chat(gateway, say("a")).status == 200;
        } catch (const std::runtime_error&) {
            std::this_thread::yield();
        }
    }
    return false;
}

class out_of_descriptors : public testing::TestWithParam<int> {
protected:
    fake_upstream models{};
    gateway_process gateway{config()};
    pid_t process = gateway.child().pid();
    http_client early{gateway.port()};  // has its connection before

    void SetUp() override {
        early.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
        ASSERT_EQ(early.read_reply().status, 200);
    }

    std::string config() {
        models.on("a", ok("served"));
        return config_text(models)
            .server("threads = " + std::to_string(GetParam()))
            .upstream(
                "a",
                "health_check = \"off\"\n[upstreams.a.breaker]\nfailures = 3\n"
                "[upstreams.a.retry]\nbase_ms = 5"
            );
    }

    // While nothing is asked.
    milliseconds cpu_in_half_a_second() {
        const auto before = cpu_time(process);
        EXPECT_FALSE(early.is_closed_by_peer(500ms));
        return cpu_time(process) - before;
    }
};

TEST_P(out_of_descriptors, new_connections_are_dropped_and_nothing_spins) {
    limit_descriptors(process, descriptor_count(process) + 12);
    std::vector<http_client> clients;
    for (int i = 0; i < 60; ++i) {
        clients.emplace_back(gateway.port());
    }

    EXPECT_LT(cpu_in_half_a_second(), 150ms);

    clients.clear();
    EXPECT_TRUE(is_served_again(gateway));
}

TEST_P(out_of_descriptors, those_who_cannot_even_be_dropped_wait_and_nothing_spins) {
    limit_descriptors(process, 3);
    std::vector<http_client> clients;
    for (int i = 0; i < 10; ++i) {
        clients.emplace_back(gateway.port());
        clients.back().send(request_bytes(chat_parts(say("a").dump())));
    }

    EXPECT_LT(cpu_in_half_a_second(), 150ms);

    limit_descriptors(process, 1000);
    EXPECT_TRUE(is_served_again(gateway));
    EXPECT_EQ(answer_text(clients.back().read_reply()), "served");
}

TEST_P(out_of_descriptors, a_call_that_finds_none_is_not_held_against_its_upstream) {
    limit_descriptors(process, 3);
    for (int i = 0; i < 6; ++i) {
        early.send(request_bytes(chat_parts(say("a").dump())));
        const auto reply = early.read_reply();
        expect_error(
            reply, {503, "service_unavailable_error", "upstream_unavailable", std::nullopt}
        );
        EXPECT_EQ(reply.header("Retry-After"), "1");
    }

    limit_descriptors(process, 1000);
    early.send(request_bytes(chat_parts(say("a").dump())));
    EXPECT_EQ(answer_text(early.read_reply()), "served");
    EXPECT_NE(final_log(gateway).find("Too many open files"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    with_threads,
    out_of_descriptors,
    testing::Values(1, 4),
    [](const auto& instance) { return std::to_string(instance.param); }
);

}  // namespace

}  // namespace meta_model::contract
