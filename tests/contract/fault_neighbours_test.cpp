// Many faults at once, one after the other, and with retries: who is served beside them, what they leave behind, and
// which of them a second attempt may hide.
#include "contract/fault_day.hpp"
#include "contract/process_usage.hpp"

#include <algorithm>
#include <array>
#include <thread>

namespace meta_model::contract {

namespace {

constexpr auto all_is_well = "all is well";
constexpr std::size_t fifty = 50;

// What a client of the gateway sends and reads, without a thread for it.
class pending_call {
public:
    pending_call(const gateway_process& gateway, const json& body, bool is_streamed)
        : client_(gateway.port()), is_streamed_(is_streamed) {
        client_.send(request_bytes(chat_parts(with(body, {{"stream", is_streamed}}).dump())));
    }

    void expect(const fault& which) {
        if (is_streamed_) {
            expect_streamed(read_transcript(client_), which);
        } else {
            expect_whole(client_.read_reply(), which);
        }
    }

    std::string text() {
        return is_streamed_ ? read_transcript(client_).text() : answer_text(client_.read_reply());
    }

private:
    http_client client_;
    bool is_streamed_;
};

json ask(const fault& which, const std::string& name) {
    return say(name, std::string(which.prompt_bytes, 'p'));
}

// Every byte of a reply has a shadow under ThreadSanitizer: fifty replies of megabytes take it minutes.
std::size_t crowd_of([[maybe_unused]] const fault& which) {
#if defined(__SANITIZE_THREAD__)
    return which.name == "line_of_8_megabytes" ? 4 : fifty;
#else
    return fifty;
#endif
}

class fault_crowd : public testing::TestWithParam<std::string> {
protected:
    const fault& which = fault_named(GetParam());
    fake_upstream models{};
    shared_gate all_have_arrived = make_gate();
    gateway_process gateway{config()};

    // Faults without a time of their own wait until the last call is there: they really are at once, and a refusal that
    // asks for a pause asks all of them.
    bool is_held() const { return which.serves && which.answered_by == 0ms && !which.is_early; }

    std::string config() {
        models.on("good", ok(all_is_well));
        if (which.serves) {
            models.on("bad", is_held() ? held(all_have_arrived, which.serves) : which.serves);
        }
        if (which.is_early) {
            models.answer_early("bad");
        }
        const auto url = which.serves ? models.base_url("bad") : models.refused_url();
        return config_text(models)
            .upstream("good", "health_check = \"off\"")
            .upstream_at("bad", url, lines_for(which, "bad"));
    }

    // Freed pages go back to the system within a second or two. Sanitizers keep theirs.
    bool memory_comes_back_to(std::size_t base) const {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        return base != 0;
#else
        constexpr std::size_t allowance = 8u << 20;
        for (const auto until = clock::now() + 10s; clock::now() < until;) {
            if (resident_bytes(gateway.child().pid()) < base + allowance) {
                return true;
            }
            std::this_thread::yield();
        }
        return false;
#endif
    }

    // What as many calls take with no fault among them.
    clock::duration time_of_good_calls(std::size_t count) {
        const auto start = clock::now();
        std::vector<pending_call> calls;
        for (std::size_t i = 0; i < count; ++i) {
            calls.emplace_back(gateway, say("good"), i % 2 == 0);
        }
        for (auto& each : calls) {
            EXPECT_EQ(each.text(), all_is_well);
        }
        return clock::now() - start;
    }
};

TEST_P(fault_crowd, of_fifty_leaves_fifty_good_calls_alone) {
    // A hundred clients keep two cores busy for a while of their own, and a machine that is busy with other things longer.
    const auto many = crowd_of(which);
    const auto usual = time_of_good_calls(fifty + many);
    const auto base = surplus_descriptors(gateway, models);
    const auto base_memory = resident_bytes(gateway.child().pid());
    std::vector<pending_call> bad;
    std::vector<pending_call> good;
    const stall_meter stalls;
    const auto start = clock::now();
    for (std::size_t i = 0; i < many; ++i) {
        bad.emplace_back(gateway, ask(which, "bad"), i % 2 == 0);
    }
    if (is_held()) {
        ASSERT_TRUE(models.wait_for_calls("bad", many));
        all_have_arrived->open();
    }
    const auto good_start = clock::now();
    for (std::size_t i = 0; i < fifty; ++i) {
        good.emplace_back(gateway, say("good"), i % 2 == 0);
    }

    for (auto& each : good) {
        EXPECT_EQ(each.text(), all_is_well);
    }
    const auto good_took = clock::now() - good_start;
    for (auto& each : bad) {
        each.expect(which);
    }

    const auto slack = fault_slack + usual + held_up(stalls);
    EXPECT_LT(good_took, slack);
    if (which.answered_by != 0ms) {
        EXPECT_LT(clock::now() - start, which.answered_by + slack);
    }
    EXPECT_EQ(models.call_count("bad"), which.serves ? many : 0);
    bad.clear();
    good.clear();
    if (!which.is_early) {  // its end waits behind what is not read
        EXPECT_TRUE(comes_back_to(base, gateway, models))
            << surplus_descriptors(gateway, models) << " instead of " << base;
    }
    EXPECT_TRUE(memory_comes_back_to(base_memory))
        << resident_bytes(gateway.child().pid()) << " bytes instead of " << base_memory;
}

const auto shown_name = [](const auto& info) { return info.param; };
INSTANTIATE_TEST_SUITE_P(untimed, fault_crowd, testing::ValuesIn(fault_names(false)), shown_name);
INSTANTIATE_TEST_SUITE_P(timed, fault_crowd, testing::ValuesIn(fault_names(true)), shown_name);

constexpr std::array both_modes{false, true};

std::string name_of(const fault& which, bool is_streamed) {
    return which.name + (is_streamed ? "_streamed" : "_whole");
}

// Every fault's upstreams, one for each mode, behind one gateway with a good one: what one call tells the gateway of its
// upstream (a pause that it asked for) must not answer the next.
struct bad_neighbourhood {
    fake_upstream models{};
    gateway_process gateway{config()};

    std::string config() {
        config_text out(models);
        models.on("good", ok(all_is_well));
        out.upstream("good", "health_check = \"off\"");
        for (const auto& each : fault_table()) {
            for (const bool is_streamed : both_modes) {
                add(out, each, name_of(each, is_streamed));
            }
        }
        return out;
    }

    void add(config_text& out, const fault& which, const std::string& name) {
        if (which.serves) {
            models.on(name, which.serves);
        }
        if (which.is_early) {
            models.answer_early(name);
        }
        const auto url = which.serves ? models.base_url(name) : models.refused_url();
        out.upstream_at(name, url, lines_for(which, name));
    }
};

TEST(fault_neighbours, descriptors_are_back_to_base_after_every_fault) {
    const bad_neighbourhood all;
    const auto base = surplus_descriptors(all.gateway, all.models);

    for (const auto& each : fault_table()) {
        if (each.is_early) {
            continue;  // the end of its connection waits behind what it does not read, so that it cannot be counted
        }
        SCOPED_TRACE(each.name);
        for (const bool is_streamed : both_modes) {
            pending_call(all.gateway, ask(each, name_of(each, is_streamed)), is_streamed)
                .expect(each);
        }
    }

    EXPECT_TRUE(comes_back_to(base, all.gateway, all.models))
        << surplus_descriptors(all.gateway, all.models) << " instead of " << base;
    EXPECT_EQ(answer_text(chat(all.gateway, say("good"))), all_is_well);
}

TEST(fault_neighbours, all_faults_at_once_leave_good_calls_alone) {
    const bad_neighbourhood all;
    std::vector<pending_call> bad;
    std::vector<pending_call> good;
    for (const auto& each : fault_table()) {
        for (const bool is_streamed : both_modes) {
            bad.emplace_back(all.gateway, ask(each, name_of(each, is_streamed)), is_streamed);
            good.emplace_back(all.gateway, say("good"), is_streamed);
        }
    }

    for (auto& each : good) {
        EXPECT_EQ(each.text(), all_is_well);
    }
    auto next = bad.begin();
    for (const auto& each : fault_table()) {
        SCOPED_TRACE(each.name);
        (next++)->expect(each);
        (next++)->expect(each);
    }
}

// Before anything of an answer went out a refusal is worth another attempt; what was sent and broke is not sent twice.
TEST(fault_retries, hide_refusals_and_nothing_else) {
    fake_upstream models;
    config_text config(models);
    for (const auto& each : fault_table()) {
        if (each.serves && !each.is_early) {
            models.on(each.name, ok("second"));
            models.next(each.name, each.serves);
            const auto timeouts = each.limits.empty()
                                      ? ""
                                      : "\n[upstreams." + each.name + ".timeouts]\n" + each.limits;
            config.upstream(
                each.name,
                "health_check = \"off\"\n[upstreams." + each.name + ".retry]\nbase_ms = 5"
                    + timeouts
            );
        }
    }
    const gateway_process gateway(config);

    for (const auto& each : fault_table()) {
        if (!each.serves || each.is_early) {
            continue;
        }
        SCOPED_TRACE(each.name);
        const bool is_refusal = each.name == "status_429" || each.name == "status_503_as_html";
        pending_call call(gateway, ask(each, each.name), false);
        if (is_refusal) {
            EXPECT_EQ(call.text(), "second");
        } else {
            call.expect(each);
        }
        EXPECT_EQ(models.call_count(each.name), is_refusal ? 2u : 1u);
    }
}

}  // namespace

}  // namespace meta_model::contract
