// Every fault of fault_table.cpp in every role that an upstream has: a typed error or the complete answer, never a cut
// stream that looks complete, and the gateway goes on serving.
#include "contract/fault_table.hpp"
#include "contract/panel.hpp"

#include <algorithm>
#include <barrier>
#include <filesystem>
#include <thread>

namespace meta_model::contract {

namespace {

// Beyond the configured time: 250 ms by design, the rest is for a busy machine.
constexpr milliseconds slack{500};
constexpr auto as_generator = "generator.v1";
constexpr auto as_synthesizer = "synthesizer.v1";
constexpr auto fused = "the fused answer";

std::string timeouts_of(const fault& which, const std::string& key) {
    return "health_check = \"off\""
           + (which.limits.empty() ? std::string{}
                                   : "\n[upstreams." + key + ".timeouts]\n" + which.limits);
}

// The upstream `bad` beside three good generators and a good synthesizer.
struct bad_day {
    const fault& which;
    panel good{};
    gateway_process gateway;

    explicit bad_day(const fault& one) : which(one), gateway(config()) {
        if (which.serves) {
            good.models.on("bad", which.serves);
        }
        if (which.is_early) {
            good.models.answer_early("bad");
        }
    }

    std::string config() {
        config_text out(good.models);
        out.upstreams({"a", "b", "c", "s"});
        const auto url = which.serves ? good.models.base_url("bad") : good.models.refused_url();
        out.upstream_at("bad", url, timeouts_of(which, "bad"));
        out.moa(as_generator, {"bad", "b", "c"}, "s").moa(as_synthesizer, {"a", "b", "c"}, "bad");
        return out;
    }

    json ask(const std::string& model, bool is_streamed) const {
        const std::string prompt(which.prompt_bytes, 'p');
        return is_streamed ? say_streamed(model, prompt) : say(model, prompt);
    }

    void expect_in_time(clock::time_point start) const {
        if (which.answered_by != 0ms) {
            EXPECT_LT(clock::now() - start, which.answered_by + slack);
        }
    }

    void expect_good_service() const {
        EXPECT_EQ(answer_text(chat(gateway, say("b"))), "the draft of b");
    }

    // The next call of the upstream that failed.
    void expect_connection_rule() {
        if (!which.serves || which.is_early || which.connection == after_reply::may_reuse) {
            return;
        }
        const auto before = good.models.last_request("bad").connection;
        good.models.on("bad", ok("well again"));
        EXPECT_EQ(answer_text(chat(gateway, say("bad"))), "well again");
        EXPECT_NE(good.models.last_request("bad").connection, before);
    }
};

void expect_whole(const http_reply& reply, const fault& which) {
    ASSERT_TRUE(reply.is_whole);
    EXPECT_FALSE(reply.has("X-Injected"));
    if (which.whole.kind == outcome_kind::complete) {
        ASSERT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(answer_text(reply), which.text);
        return;
    }
    EXPECT_EQ(reply.status, which.whole.status) << reply.body.substr(0, 400);
    EXPECT_EQ(reply.error_code(), which.whole.code) << reply.body.substr(0, 400);
    EXPECT_EQ(reply.header("Retry-After"), which.retry_after);
}

void expect_complete_stream(const sse_transcript& result, const std::string& text) {
    ASSERT_EQ(result.head.status, 200) << result.head.body;
    EXPECT_EQ(result.text(), text);
    EXPECT_TRUE(result.error().is_null()) << result.error();
    EXPECT_NE(result.finish_reason(), "");
    EXPECT_TRUE(result.has_done());
    EXPECT_TRUE(result.is_whole);
}

void expect_broken_stream(const sse_transcript& result) {
    EXPECT_EQ(result.head.status, 200);
    EXPECT_NE(result.text(), "");
    EXPECT_TRUE(result.error().is_object());
    EXPECT_FALSE(result.has_done());
}

void expect_streamed(const sse_transcript& result, const fault& which) {
    EXPECT_FALSE(result.head.has("X-Injected"));
    switch (which.streamed.kind) {
        case outcome_kind::complete: expect_complete_stream(result, which.text); break;
        case outcome_kind::breaks:
            expect_broken_stream(result);
            EXPECT_EQ(result.error().value("code", ""), which.streamed.code) << result.error();
            break;
        case outcome_kind::fails:
            ASSERT_FALSE(result.is_stream());
            EXPECT_EQ(result.head.status, which.streamed.status) << result.head.body;
            EXPECT_EQ(result.head.error_code(), which.streamed.code) << result.head.body;
            EXPECT_EQ(result.head.header("Retry-After"), which.retry_after);
    }
}

class fault_matrix : public testing::TestWithParam<std::string> {
protected:
    const fault& which = fault_named(GetParam());
    bad_day day{which};
    clock::time_point start = clock::now();

    void TearDown() override { day.expect_good_service(); }
};

TEST_P(fault_matrix, passthrough_whole) {
    const auto reply = chat(day.gateway, day.ask("bad", false));

    day.expect_in_time(start);
    expect_whole(reply, which);
    day.expect_connection_rule();
}

TEST_P(fault_matrix, passthrough_streamed) {
    const auto result = stream(day.gateway, day.ask("bad", true));

    day.expect_in_time(start);
    expect_streamed(result, which);
    day.expect_connection_rule();
}

TEST_P(fault_matrix, generator_of_three) {
    const auto reply = chat(day.gateway, day.ask(as_generator, false));

    day.expect_in_time(start);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), fused);
    if (which.leg_reasons.empty()) {
        EXPECT_EQ(failed_generators(reply), "");
        EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3");
        return;
    }
    const auto is_told = [&](const std::string& reason) {
        return failed_generators(reply) == "bad:" + reason;
    };
    EXPECT_TRUE(std::any_of(which.leg_reasons.begin(), which.leg_reasons.end(), is_told))
        << failed_generators(reply);
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(reply.header("X-MetaModel-Degraded"), "true");
}

TEST_P(fault_matrix, synthesizer_whole) {
    const auto reply = chat(day.gateway, day.ask(as_synthesizer, false));

    day.expect_in_time(start);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const bool is_merged = which.leg_reasons.empty();
    EXPECT_EQ(
        reply.header("X-MetaModel-Synth-Decision"), is_merged ? "merged" : "fallback_primary"
    );
    if (is_merged) {
        EXPECT_EQ(answer_text(reply), which.text);
    } else {
        EXPECT_NE(answer_text(reply).find("draft of"), std::string::npos) << reply.body;
    }
}

TEST_P(fault_matrix, synthesizer_streamed) {
    const auto result = stream(day.gateway, day.ask(as_synthesizer, true));

    day.expect_in_time(start);
    if (which.leg_reasons.empty()) {
        expect_complete_stream(result, which.text);
    } else if (which.streamed.kind == outcome_kind::breaks) {
        expect_broken_stream(result);
    } else {
        expect_complete_stream(result, result.text());
        EXPECT_NE(result.text().find("draft of"), std::string::npos);
    }
}

std::vector<std::string> names(bool is_timed) {
    std::vector<std::string> out;
    for (const auto& each : fault_table()) {
        if ((each.answered_by != 0ms) == is_timed) {
            out.push_back(each.name);
        }
    }
    return out;
}

const auto shown_name = [](const auto& info) { return info.param; };
INSTANTIATE_TEST_SUITE_P(untimed, fault_matrix, testing::ValuesIn(names(false)), shown_name);
INSTANTIATE_TEST_SUITE_P(timed, fault_matrix, testing::ValuesIn(names(true)), shown_name);

// Every fault's upstream under its own name, behind one gateway with a good one.
struct bad_neighbourhood {
    fake_upstream models{};
    gateway_process gateway{config()};

    std::string config() {
        config_text out(models);
        models.on("good", ok("all is well"));
        out.upstream("good", "health_check = \"off\"");
        for (const auto& each : fault_table()) {
            models.on(each.name, each.serves);
            if (each.is_early) {
                models.answer_early(each.name);
            }
            const auto url = each.serves ? models.base_url(each.name) : models.refused_url();
            out.upstream_at(each.name, url, timeouts_of(each, each.name));
        }
        return out;
    }

    std::string ask_good(bool is_streamed) const {
        try {
            return is_streamed ? stream(gateway, say_streamed("good")).text()
                               : answer_text(chat(gateway, say("good")));
        } catch (const client_error& e) {
            return e.what();
        }
    }

    void ask(const fault& which, bool is_streamed) const {
        SCOPED_TRACE(which.name);
        const std::string prompt(which.prompt_bytes, 'p');
        try {  // called by threads, too
            if (is_streamed) {
                expect_streamed(stream(gateway, say_streamed(which.name, prompt)), which);
            } else {
                expect_whole(chat(gateway, say(which.name, prompt)), which);
            }
        } catch (const client_error& e) {
            ADD_FAILURE() << e.what();
        }
    }
};

TEST(fault_neighbours, fifty_bad_calls_leave_fifty_good_ones_alone) {
    constexpr std::size_t each_kind = 50;
    const bad_neighbourhood all;
    const auto& faults = fault_table();
    std::vector<std::string> answers(each_kind);
    std::barrier together(2 * each_kind);
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < each_kind; ++i) {
        clients.emplace_back([&, i] {
            together.arrive_and_wait();
            all.ask(faults[i % faults.size()], i % 2 == 0);
        });
        clients.emplace_back([&, i] {
            together.arrive_and_wait();
            answers[i] = all.ask_good(i % 2 == 0);
        });
    }
    clients.clear();

    EXPECT_EQ(answers, std::vector<std::string>(each_kind, "all is well"));
}

std::size_t descriptors_of(pid_t process) {
    const std::filesystem::directory_iterator open("/proc/" + std::to_string(process) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

TEST(fault_neighbours, descriptors_are_back_to_base_after_every_fault) {
    const bad_neighbourhood all;
    const auto process = all.gateway.child().pid();
    // Idle connections in the pool are no leak: the upstream has their other ends.
    const auto surplus = [&] {
        return descriptors_of(process) - all.models.open_connection_count();
    };
    const auto is_at = [&](std::size_t wanted) {
        const auto until = clock::now() + 5s;
        while (surplus() != wanted && clock::now() < until) {
            std::this_thread::yield();
        }
        return surplus() == wanted;
    };
    const auto base = surplus();

    for (const auto& each : fault_table()) {
        if (each.is_early) {
            continue;  // the end of its connection waits behind what it does not read, so that it cannot be counted
        }
        for (const bool is_streamed : {false, true}) {
            all.ask(each, is_streamed);
        }
    }

    EXPECT_TRUE(is_at(base)) << surplus() << " instead of " << base;
    EXPECT_EQ(answer_text(chat(all.gateway, say("good"))), "all is well");
}

}  // namespace

}  // namespace meta_model::contract
