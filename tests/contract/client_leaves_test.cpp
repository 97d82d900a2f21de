// Clients that leave, at every stage of a request: its upstream connections are closed within 100 ms, and nothing of it
// stays. cancellation_test.cpp says what else it means.
#include "contract/cascade_steps.hpp"
#include "contract/panel.hpp"
#include "contract/process_usage.hpp"

#include <algorithm>
#include <thread>

namespace meta_model::contract {

namespace {

constexpr auto as_filtered = "filtered.v1";

struct stage {
    std::string name{};
    std::string model{};
    bool is_streamed = false;
    std::string upstream{};         // that is at work when the client leaves
    std::size_t sends = 0;          // what it has sent then: the head, the role, words
    bool sees_text = false;         // the client has read a word
    bool is_headless_step = false;  // the cascade's first step fails before
};

const std::vector<stage>& stages() {
    static const std::vector<stage> all{
        {"passthrough_before_the_head", "a", false, "a", 0},
        {"passthrough_in_the_body", "a", false, "a", 1},
        {"passthrough_stream_before_the_head", "a", true, "a", 0},
        {"passthrough_stream_before_the_first_token", "a", true, "a", 2},
        {"passthrough_stream_in_the_middle", "a", true, "a", 3, true},
        {"filtered_stream_before_the_first_token", as_filtered, true, "a", 2},
        {"filtered_stream_in_the_middle", as_filtered, true, "a", 3, true},
        {"panel_before_the_head", panel_name, false, "a", 0},
        {"panel_stream_in_a_draft", panel_name, true, "a", 2},
        {"synthesis_before_the_head", panel_name, false, "s", 0},
        {"synthesis_stream_before_the_first_token", panel_name, true, "s", 2},
        {"synthesis_stream_in_the_middle", panel_name, true, "s", 3, true},
        {"vote_before_the_head", "vote.v1", false, "a", 0},
        {"vote_stream_in_a_ballot", "vote.v1", true, "a", 2},
        {"cascade_before_the_head", cascade_name, false, "b", 0, false, true},
        {"cascade_stream_before_the_first_token", cascade_name, true, "b", 2, false, true},
        {"cascade_stream_in_the_middle", cascade_name, true, "b", 3, true, true},
    };
    return all;
}

// So many parts of an answer, and then silence.
reply stuck_after(std::size_t sends) {
    if (sends == 0) {
        return hang();
    }
    return [sends](const recorded_request& request) {
        const auto answer = ok("one two three four");
        if (request.wants_stream()) {
            return hang_after_sends(sends, answer)(request);
        }
        auto steps = answer(request);
        steps.back().bytes.resize(steps.back().bytes.size() - 20);
        steps.push_back({step_kind::hang, {}, 0ms, nullptr});
        return steps;
    };
}

class client_leaves : public testing::TestWithParam<stage> {
protected:
    static constexpr std::size_t rounds = 6;

    const stage& when = GetParam();
    panel p{};
    gateway_process gateway{config()};

    std::string config() {
        if (when.is_headless_step) {
            p.models.on("a", reset_at_once());
        }
        p.models.on(when.upstream, stuck_after(when.sends));
        config_text out(p.models);
        for (const std::string name : {"a", "b", "c", "s"}) {
            out.upstream(
                name, "health_check = \"off\"\n[upstreams." + name + ".breaker]\nfailures = 1000000"
            );
        }
        return out.moa(panel_name, {"a", "b", "c"}, "s", "grace_secs = 30.0")
            .passthrough(as_filtered, "a", "expose_reasoning = false")
            .cascade(cascade_name, {"a", "b"})
            .voting("vote.v1", {"a", "b", "c"})
            .raw("[features]\nvoting = true");
    }

    // Brings a request to its stage and leaves; how long the upstream's connection outlived that.
    milliseconds outlived(std::size_t round) {
        http_client client(gateway.port());
        client.send(
            request_bytes(chat_parts(with(say(when.model), {{"stream", when.is_streamed}}).dump()))
        );
        if (!p.models.wait_for_calls(when.upstream, round + 1)) {
            throw client_error("the upstream was not called");
        }
        if (when.sees_text) {
            client.read_head();
            sse_reader reader(client);
            std::string text;
            while (text.empty()) {
                text = reader.next_data()->json()["choices"][0]["delta"].value("content", "");
            }
        }
        const auto left_at = clock::now();
        if (round % 2 == 0) {
            client.close();
        } else {
            client.reset();
        }
        if (!p.models.wait_for_peer_close(when.upstream)) {
            throw client_error("the upstream connection stayed open");
        }
        return std::chrono::duration_cast<milliseconds>(
            *p.models.last_request(when.upstream).peer_closed - left_at
        );
    }
};

TEST_P(client_leaves, and_its_upstream_is_closed_within_100_ms) {
    std::vector<milliseconds> all;
    for (std::size_t round = 0; round < rounds; ++round) {
        all.push_back(outlived(round));
    }

    std::sort(all.begin(), all.end());
    EXPECT_LE(all[rounds / 2], 100ms);
    EXPECT_LE(all.back(), cancel_limit);
    EXPECT_EQ(p.models.call_count(when.upstream), rounds) << "nothing was asked again";
    EXPECT_EQ(answer_text(chat(gateway, say("c"))), "this is the draft of c");
}

const auto stage_name = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(at, client_leaves, testing::ValuesIn(stages()), stage_name);

// Waits until the process has no more descriptors than before.
bool has_let_go(const gateway_process& gateway, std::size_t base) {
    const auto until = clock::now() + 3s;
    while (descriptor_count(gateway.child().pid()) > base && clock::now() < until) {
        std::this_thread::yield();
    }
    return descriptor_count(gateway.child().pid()) <= base;
}

TEST(client_leaves_early, in_the_head_or_the_body_and_no_upstream_hears_of_it) {
    panel p;
    const gateway_process gateway(p.config(
        "",
        "[server.limits]\nmax_in_flight_bytes = 2000000\n"
        "max_in_flight = 4"
    ));
    const auto whole = request_bytes(chat_parts(say("a", std::string(900000, 'x')).dump()));
    const auto head_bytes = whole.find("\r\n\r\n") + 4;
    const auto base = descriptor_count(gateway.child().pid());

    // More than the limits would take if something of each stayed.
    for (int i = 0; i < 12; ++i) {
        for (const auto bytes :
             {std::size_t{30}, head_bytes, head_bytes + 1000, whole.size() - 1}) {
            http_client client(gateway.port());
            client.send(whole.substr(0, bytes));
            if (i % 2 == 0) {
                client.reset();
            }
        }
    }

    EXPECT_TRUE(has_let_go(gateway, base)) << descriptor_count(gateway.child().pid());
    EXPECT_EQ(p.models.requests().size(), 0u);
    EXPECT_EQ(chat(gateway, say("a", std::string(900000, 'x'))).status, 200);
}

}  // namespace

}  // namespace meta_model::contract
