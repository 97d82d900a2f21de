// Every strategy with one leg that hangs, lies, drops or answers 8 MB, with none that answers, and with a chooser who is cut:
// nothing is told for an answer that is none, no wait outlasts its limit, and the ledger says what the upstreams counted.
#include "contract/fault_day.hpp"
#include "contract/strategy_table.hpp"

#include <tuple>

namespace meta_model::contract {

namespace {

// Megabytes through unoptimised code on a busy machine.
constexpr milliseconds patience{30000};

using happening = std::tuple<std::string, mishap>;

// An answer as a client sees it, read once: some have megabytes.
struct seen_answer {
    std::string text{};  // "calls f" when it calls
    std::string finish{};
    json trace{};  // null: there is none

    explicit seen_answer(const json& body) {
        const auto& choice = body.at("choices").at(0);
        read_message(choice.at("message"));
        finish = choice.at("finish_reason");
        trace = body.value("x_meta_model", json());
    }

    explicit seen_answer(const sse_transcript& result) {
        for (const auto& chunk : result.chunks()) {
            EXPECT_FALSE(chunk.contains("error")) << chunk;
            trace = chunk.value("x_meta_model", trace);
            for (const auto& choice : chunk.value("choices", json::array())) {
                read_message(choice.at("delta"));
                if (choice.contains("finish_reason") && choice["finish_reason"].is_string()) {
                    finish = choice["finish_reason"];
                }
            }
        }
    }

private:
    void read_message(const json& message) {
        if (message.contains("content") && message["content"].is_string()) {
            text += message["content"].get_ref<const std::string&>();
        }
        for (const auto& call : message.value("tool_calls", json::array())) {
            text += "calls " + call["function"].value("name", "");
        }
    }
};

void expect_text(const std::string& text, const expected_ending& expected) {
    if (expected.is_part) {
        EXPECT_NE(text.find(expected.text), std::string::npos) << text.substr(0, 200);
    } else {
        EXPECT_EQ(text.size(), expected.text.size()) << text.substr(0, 200);
        EXPECT_TRUE(text == expected.text) << text.substr(0, 200);
    }
}

void expect_failure(const http_reply& reply, const expected_ending& expected) {
    EXPECT_EQ(reply.status, expected.status) << reply.body.substr(0, 400);
    EXPECT_EQ(reply.error_code(), expected.code) << reply.body.substr(0, 400);
    EXPECT_TRUE(reply.json().contains("error"));
}

class strategy_faults : public testing::TestWithParam<happening> {
protected:
    void check_whole();
    void check_streamed();
    void check_time(clock::time_point start, const stall_meter& stalls) const;
    void check_answer(
        const http_reply& head, const seen_answer& seen, const expected_ending& expected
    ) const;
    void check_books(const http_reply& head, const json& trace) const;
    void check_record(const gateway_process& gateway, const http_reply& head) const;

    const strategy_scene scene{std::get<0>(GetParam())};
    const mishap which = std::get<1>(GetParam());
    booking_models m;
};

void strategy_faults::check_time(clock::time_point start, const stall_meter& stalls) const {
    if (which == mishap::hangs) {
        EXPECT_LT(clock::now() - start, hang_limit + fault_slack + held_up(stalls));
        EXPECT_TRUE(m.models.wait_for_peer_close("a", cancel_limit));
    }
}

void strategy_faults::check_books(const http_reply& head, const json& trace) const {
    const auto id = head.header("X-MetaModel-Request-Id");
    ASSERT_NE(id, "");
    const auto calls = m.calls_of(id);
    EXPECT_FALSE(calls.empty());
    expect_same_books(trace, calls, scene.may_end_early());
    if (head.has("X-MetaModel-Total-Tokens")) {
        EXPECT_EQ(head.header("X-MetaModel-Total-Tokens"), trace["total_tokens"].dump());
        const auto cost = std::stod(head.header("X-MetaModel-Cost-USD"));
        EXPECT_NEAR(cost, trace["cost_usd"].get<double>(), 1e-10);
    }
}

// An error carries no ledger: what the upstreams told of their calls is in the request's record. A relay's has none.
void strategy_faults::check_record(const gateway_process& gateway, const http_reply& head) const {
    const auto calls = m.calls_of(head.header("X-MetaModel-Request-Id"));
    ASSERT_FALSE(calls.empty());
    if (scene.is_relay()) {
        return;
    }
    json record;
    const auto until = clock::now() + patience;
    while (record.is_null() && clock::now() < until) {
        record = get(gateway, "/v1/metrics/moa").json()["profiles"]["it.v1"];
    }
    ASSERT_TRUE(record.is_object()) << "no record was made";
    for (const auto& name : booking_models::names) {
        std::int64_t in = 0;
        std::int64_t out = 0;
        int count = 0;
        for (const auto& call : calls) {
            const bool is_here = call.upstream == name;
            count += is_here ? 1 : 0;
            in += is_here && call.is_told ? call.tokens_in : 0;
            out += is_here && call.is_told ? call.tokens_out : 0;
        }
        const auto leg = record["legs"].value(name, json::object());
        EXPECT_EQ(leg.value("calls", 0), count) << name << record["legs"];
        EXPECT_EQ(leg.value("tokens_in", 0), in) << name << record["legs"];
        EXPECT_EQ(leg.value("tokens_out", 0), out) << name << record["legs"];
    }
}

void strategy_faults::check_answer(
    const http_reply& head, const seen_answer& seen, const expected_ending& expected
) const {
    expect_text(seen.text, expected);
    EXPECT_NE(seen.finish, "");
    check_books(head, seen.trace);
}

void strategy_faults::check_whole() {
    SCOPED_TRACE("whole");
    const auto expected = scene.expected(which).whole;
    const gateway_process gateway(scene.config(m, which));
    const stall_meter stalls;
    const auto start = clock::now();

    const auto reply = fetch(gateway.port(), chat_parts(scene.request(which).dump()), patience);

    check_time(start, stalls);
    ASSERT_TRUE(reply.is_whole);
    if (expected.kind == ending_kind::fails) {
        expect_failure(reply, expected);
        return check_record(gateway, reply);
    }
    ASSERT_EQ(reply.status, 200) << reply.body.substr(0, 400);
    check_answer(reply, seen_answer(reply.json()), expected);
}

void strategy_faults::check_streamed() {
    SCOPED_TRACE("streamed");
    const auto expected = scene.expected(which).streamed;
    const gateway_process gateway(scene.config(m, which));
    const json wish = {{"stream", true}, {"stream_options", {{"include_usage", true}}}};
    const stall_meter stalls;
    const auto start = clock::now();

    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(with(scene.request(which), wish).dump())));
    const auto result = read_transcript(client, patience);

    check_time(start, stalls);
    if (expected.kind == ending_kind::fails) {
        ASSERT_FALSE(result.is_stream());
        expect_failure(result.head, expected);
        return check_record(gateway, result.head);
    }
    if (expected.kind == ending_kind::breaks) {
        expect_broken_stream(result);
        return check_record(gateway, result.head);
    }
    ASSERT_EQ(result.head.status, 200) << result.head.body;
    EXPECT_TRUE(result.has_done());
    EXPECT_TRUE(result.is_whole);
    check_answer(result.head, seen_answer(result), expected);
}

TEST_P(strategy_faults, end_as_they_must_and_are_in_the_books) {
    scene.prepare(m, which);

    check_whole();
    check_streamed();
}

std::vector<happening> happenings() {
    std::vector<happening> out;
    for (const auto& name : strategy_scene::names()) {
        for (const auto each : all_mishaps()) {
            if (strategy_scene(name).can_have(each)) {
                out.emplace_back(name, each);
            }
        }
    }
    return out;
}

const auto shown_name = [](const auto& info) {
    return std::get<0>(info.param) + "__" + name_of(std::get<1>(info.param));
};
INSTANTIATE_TEST_SUITE_P(each, strategy_faults, testing::ValuesIn(happenings()), shown_name);

}  // namespace

}  // namespace meta_model::contract
