#include "contract/fault_day.hpp"

#include "contract/process_usage.hpp"
#include "contract/tool_words.hpp"

#include <array>
#include <thread>

namespace meta_model::contract {

std::string lines_for(const fault& which, const std::string& key) {
    const auto table = "\n[upstreams." + key + '.';
    auto out = "health_check = \"off\"" + table + "retry]\nmax_attempts = 1" + table
               + "breaker]\nfailures = 1000000";
    if (!which.limits.empty()) {
        out += table + "timeouts]\n" + which.limits;
    }
    return out;
}

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

milliseconds held_up(const stall_meter& stalls) {
    constexpr int processes = 3;  // the test, the gateway and the upstream, one after the other
    return processes * stalls.stalled();
}

std::size_t surplus_descriptors(const gateway_process& gateway, const fake_upstream& models) {
    return descriptor_count(gateway.child().pid()) - models.open_connection_count();
}

bool comes_back_to(std::size_t base, const gateway_process& gateway, const fake_upstream& models) {
    const auto until = clock::now() + 5s;
    while (clock::now() < until) {
        if (surplus_descriptors(gateway, models) <= base) {
            return true;
        }
        std::this_thread::yield();
    }
    return false;
}

bad_day::bad_day(const fault& one)
    : which_(one), gateway_(config()), base_(surplus_descriptors(gateway_, good_.models)) {
}

std::string bad_day::name_of(role as) {
    static constexpr std::array<const char*, role_count> keys{
        "relayed_whole",
        "relayed_stream",
        "generator",
        "synthesizer_whole",
        "synthesizer_stream",
        "step_whole",
        "step_stream",
        "resumed_step",
        "voter",
        "judge",
        "best_of_judge",
        "arbiter_whole",
        "arbiter_stream",
        "sight_whole",
        "sight_stream"
    };
    return keys[static_cast<std::size_t>(as)];
}

std::string bad_day::config() {
    const std::string sees = "modalities = [\"text\", \"image\", \"video\"]\n";
    const std::string texts = "ballot = \"text\"\naggregation = \"plurality\"";
    config_text out(good_.models);
    good_.models.on("t", calls("f"));
    for (const std::string name : {"a", "b", "c", "s", "t"}) {
        out.upstream(name, (name == "b" ? sees : "") + "health_check = \"off\"");
    }
    for (std::size_t i = 0; i < role_count; ++i) {
        const auto as = static_cast<role>(i);
        const auto name = name_of(as);
        if (which_.serves) {
            good_.models.on(name, which_.serves);
        }
        if (which_.is_early) {
            good_.models.answer_early(name);
        }
        const auto url = which_.serves ? good_.models.base_url(name) : good_.models.refused_url();
        const bool is_sight = as == role::sight_whole || as == role::sight_stream;
        out.upstream_at(name, url, (is_sight ? sees : "") + lines_for(which_, name));
        const auto profile = name + ".v1";
        switch (as) {
            case role::relayed_whole:
            case role::relayed_stream: out.passthrough(profile, name); break;
            case role::generator: out.moa(profile, {name, "b", "c"}, "s"); break;
            case role::synthesizer_whole:
            case role::synthesizer_stream: out.moa(profile, {"a", "b", "c"}, name); break;
            case role::step_whole:
            case role::step_stream: out.cascade(profile, {name, "b"}); break;
            case role::resumed_step:
                out.cascade(profile, {name, "b"}, "on_cut = \"resume\"");
                break;
            case role::voter: out.voting(profile, {name, "b", "c"}, texts); break;
            case role::judge:
                out.voting(
                    profile,
                    {"b", "a", "c"},
                    texts + "\ntie_break = \"judge\"\njudge = \"" + name + '"'
                );
                break;
            case role::best_of_judge:
                out.moa(profile, {"a", "b", "c"}, name, "synthesis_mode = \"best-of\"");
                break;
            case role::arbiter_whole:
            case role::arbiter_stream: out.moa(profile, {"a", "t", "c"}, name); break;
            case role::sight_whole:
            case role::sight_stream:
                out.moa(profile, {"a", "c"}, "s")
                    .raw(as == role::sight_whole ? "[vision]" : "[video]")
                    .raw("endpoints = [\"" + name + "\", \"b\"]");
                break;
        }
    }
    return out.raw("[features]\nvoting = true");
}

json bad_day::request_to(role as) const {
    auto out = say(name_of(as) + ".v1", std::string(which_.prompt_bytes, 'p'));
    if (as == role::arbiter_whole || as == role::arbiter_stream) {
        out = with(with(out, declaring({"f"})), {{"tool_choice", "required"}});
    }
    if (as == role::sight_whole || as == role::sight_stream) {
        const std::string type = as == role::sight_whole ? "image_url" : "video_url";
        const json media = {{"type", type}, {type, {{"url", "http://x/it"}}}};
        auto& content = out["messages"][0]["content"];
        content = json::array({{{"type", "text"}, {"text", content}}, media});
    }
    return out;
}

http_reply bad_day::whole(role as) {
    const stall_meter stalls;
    const auto start = clock::now();
    auto out = chat(gateway_, request_to(as));
    expect_day_is_over(as, start, stalls);
    return out;
}

sse_transcript bad_day::streamed(role as) {
    const stall_meter stalls;
    const auto start = clock::now();
    auto out = stream(gateway_, with(request_to(as), {{"stream", true}}));
    expect_day_is_over(as, start, stalls);
    return out;
}

void bad_day::expect_day_is_over(role as, clock::time_point start, const stall_meter& stalls) {
    if (which_.answered_by != 0ms) {
        EXPECT_LT(clock::now() - start, which_.answered_by + fault_slack + held_up(stalls));
    }
    const auto name = name_of(as);
    EXPECT_EQ(good_.models.call_count(name), which_.serves ? 1u : 0u);
    expect_connection_rule(name);
    EXPECT_EQ(answer_text(chat(gateway_, say("c"))), "this is the draft of c");
    // The end of an early reply's connection waits behind what is not read, so that it cannot be counted.
    if (!which_.is_early) {
        EXPECT_TRUE(comes_back_to(base_, gateway_, good_.models))
            << surplus_descriptors(gateway_, good_.models) << " instead of " << base_;
    }
}

void bad_day::expect_connection_rule(const std::string& name) {
    if (!which_.serves || which_.is_early || which_.connection == after_reply::may_reuse) {
        return;
    }
    const auto before = good_.models.last_request(name).connection;
    good_.models.on(name, ok("well again"));
    // The limit that the fault ran into holds for this call too; a busy machine may need another.
    auto again = chat(gateway_, say(name));
    for (int i = 0; again.status == 504 && i < 5; ++i) {
        again = chat(gateway_, say(name));
    }
    EXPECT_EQ(answer_text(again), "well again");
    EXPECT_NE(good_.models.last_request(name).connection, before);
}

std::vector<std::string> fault_names(bool is_timed) {
    std::vector<std::string> out;
    for (const auto& each : fault_table()) {
        if ((each.answered_by != 0ms) == is_timed) {
            out.push_back(each.name);
        }
    }
    return out;
}

}  // namespace meta_model::contract
