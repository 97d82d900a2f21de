// A slow panel behind each of the wires: what its client hears until the answer comes, in the words of the wire.
#include "contract/messages_words.hpp"
#include "contract/panel.hpp"
#include "contract/responses_words.hpp"

#include <algorithm>
#include <tuple>

namespace meta_model::contract {

namespace {

enum class wire { completions, responses, messages };

request_parts parts_over(wire over, const json& more) {
    if (over == wire::messages) {
        return messages_parts(with(message_for(panel_name), more));
    }
    if (over == wire::responses) {
        return response_parts(with(respond_to(panel_name), more));
    }
    const json body = {{"model", panel_name}, {"prompt", "What is it?"}};
    return {
        "POST",
        "/v1/completions",
        {{"Content-Type", "application/json"}},
        with(body, more).dump(),
    };
}

bool is_heartbeat(wire over, const sse_event& event) {
    return over == wire::messages ? event.type == "ping" && event.data == R"({"type":"ping"})"
                                  : event.is_comment() && event.comment == "heartbeat";
}

// What an event adds to the answer's text.
std::string text_in(wire over, const sse_event& event) {
    if (event.is_comment() || event.is_done()) {
        return {};
    }
    const auto data = event.json();
    if (over == wire::messages) {
        return data["type"] == "content_block_delta" ? data["delta"].value("text", "") : "";
    }
    if (over == wire::responses) {
        return data["type"] == "response.output_text.delta" ? data.value("delta", "") : "";
    }
    return data["choices"].empty() ? "" : data["choices"][0].value("text", "");
}

// Null: the event tells none.
json progress_in(wire over, const sse_event& event) {
    if (event.is_comment() || event.is_done()) {
        return nullptr;
    }
    const auto data = event.json();
    const auto holder = over == wire::responses ? data.value("response", json::object()) : data;
    return holder.contains("x_meta_model") ? holder["x_meta_model"].value("progress", json())
                                           : json();
}

// A client that reads a stream event by event, and what it has heard.
class listener {
public:
    listener(const gateway_process& gateway, wire over, const json& more)
        : over_(over), client_(gateway.port()), reader_(client_) {
        client_.send(request_bytes(parts_over(over, with(more, {{"stream", true}}))));
        heard.head = client_.read_head();
    }

    // Reads until `is_enough`, which is never once the answer has begun, or to the end.
    void listen_until(const std::function<bool()>& is_enough) {
        while (!is_enough()) {
            const auto event = reader_.next();
            if (!event) {
                heard.is_whole = reader_.ended_whole();
                return;
            }
            take(*event);
        }
    }
    void listen_to_the_end() {
        listen_until([] { return false; });
    }
    // Two more heartbeats, and no text before them.
    void expect_silence() {
        const auto before = heartbeats;
        listen_until([&] { return heartbeats >= before + 2; });
        EXPECT_EQ(text, "");
        EXPECT_GE(heartbeats, before + 2);
    }
    bool is_told(const std::string& what) const { return std::ranges::count(told, what) == 1; }

    sse_transcript heard{};
    std::vector<std::string> told{};      // "generator a running"
    std::vector<json> progress_events{};  // that told it
    std::string text{};
    int heartbeats = 0;

private:
    void take(const sse_event& event) {
        (event.is_comment() ? heard.comments : heard.events).push_back(event);
        heartbeats += is_heartbeat(over_, event) ? 1 : 0;
        text += text_in(over_, event);
        const auto progress = progress_in(over_, event);
        if (progress.is_null()) {
            return;
        }
        EXPECT_EQ(text, "") << "nothing is told once the answer has begun: " << event.data;
        progress_events.push_back(event.json());
        told.push_back(
            progress.value("role", "") + ' ' + progress.value("upstream", "") + ' '
            + progress.value("state", "")
        );
    }

    wire over_;
    http_client client_;
    sse_reader reader_;
};

// The answer as a client of the wire puts it together, which checks the order of the events.
void expect_whole_answer(wire over, const sse_transcript& heard) {
    const std::string expected = "the fused answer";
    EXPECT_TRUE(heard.is_whole);
    if (over == wire::responses) {
        const auto response = response_stream_of(heard);
        EXPECT_EQ(response.final_type, "response.completed");
        EXPECT_EQ(response.final_response["output_text"], expected);
        EXPECT_EQ(response.types().front(), "response.created");
        return;
    }
    if (over == wire::messages) {
        EXPECT_TRUE(heard.comments.empty()) << "this wire has pings";
        EXPECT_FALSE(heard.has_done());
        const auto message = message_of(heard);
        EXPECT_EQ(message["content"], json::array({text_block(expected)}));
        EXPECT_EQ(message["stop_reason"], "end_turn");
        EXPECT_EQ(heard.events.back().type, "message_stop");
        return;
    }
    EXPECT_TRUE(heard.has_done());
    EXPECT_EQ(heard.finish_reason(), "stop");
    const auto chunks = heard.chunks();
    for (const auto& chunk : chunks) {
        EXPECT_EQ(chunk["object"], "text_completion");
        EXPECT_EQ(chunk["model"], panel_name);
        EXPECT_EQ(chunk["id"], chunks.front()["id"]);
        EXPECT_TRUE(chunk["id"].get<std::string>().starts_with("cmpl-"));
    }
}

// Which kind of event tells progress, and that it tells nothing else.
void expect_idiom(wire over, const json& event) {
    if (over == wire::completions) {
        EXPECT_EQ(event["choices"], json::array());
    } else if (over == wire::messages) {
        EXPECT_EQ(event["type"], "ping");
        EXPECT_EQ(event.size(), 2u) << event;
    } else {
        EXPECT_EQ(event["type"], "response.in_progress");
        EXPECT_FALSE(event["response"].contains("tools")) << event;
    }
}

class panel_wires : public testing::TestWithParam<std::tuple<wire, bool>> {};

TEST_P(panel_wires, a_slow_panel_is_heard_of_until_its_answer_comes) {
    const auto [over, wants_progress] = GetParam();
    panel p;
    const auto drafts = make_gate();
    const auto synthesis = make_gate();
    p.models.on("a", held(drafts, ok("draft of a")));
    p.models.on("b", held(drafts, json_reply(503, {{"error", {{"message", "busy"}}}})));
    p.models.on("s", held(synthesis, ok("the fused answer")));
    const gateway_process gateway(p.config("", "stream_commit_secs = 0.1\nkeepalive_secs = 0.1"));
    const json wish =
        wants_progress ? json{{"x_meta_model", {{"progress", true}}}} : json::object();

    listener client(gateway, over, wish);
    client.expect_silence();
    if (wants_progress) {
        client.listen_until([&] { return client.is_told("generator c done"); });
    }
    EXPECT_EQ(p.models.call_count("s"), 0u);
    drafts->open();
    ASSERT_TRUE(p.models.wait_for_calls("s", 1));
    client.expect_silence();
    synthesis->open();
    client.listen_to_the_end();

    EXPECT_EQ(client.heard.head.status, 200);
    EXPECT_EQ(client.text, "the fused answer");
    expect_whole_answer(over, client.heard);
    if (!wants_progress) {
        EXPECT_TRUE(client.told.empty());
        return;
    }
    for (const char* what :
         {"generator a running",
          "generator b running",
          "generator c running",
          "generator a done",
          "generator b failed",
          "generator c done",
          "synthesizer s running"}) {
        EXPECT_TRUE(client.is_told(what)) << what;
    }
    EXPECT_EQ(client.told.size(), 7u);
    for (const auto& event : client.progress_events) {
        expect_idiom(over, event);
    }
}

std::string name_of(const testing::TestParamInfo<std::tuple<wire, bool>>& info) {
    const auto [over, wants_progress] = info.param;
    const std::string name = over == wire::completions ? "completions"
                             : over == wire::responses ? "responses"
                                                       : "messages";
    return name + (wants_progress ? "_with_progress" : "");
}

INSTANTIATE_TEST_SUITE_P(
    wires,
    panel_wires,
    testing::Combine(
        testing::Values(wire::completions, wire::responses, wire::messages), testing::Bool()
    ),
    name_of
);

}  // namespace

}  // namespace meta_model::contract
