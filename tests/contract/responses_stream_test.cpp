// Group Q, streams: the events of responses, their order and their numbers.
#include "contract/panel.hpp"
#include "contract/responses_words.hpp"

#include <algorithm>

namespace meta_model::contract {

namespace {

using strings = std::vector<std::string>;

std::string chunk(const json& delta, const json& finish = nullptr) {
    return json{
        {"id", "chatcmpl-1"},
        {"object", "chat.completion.chunk"},
        {"created", 5},
        {"model", "m"},
        {"choices", {{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}}}
    }.dump();
}

std::string usage_chunk() {
    return R"({"id":"chatcmpl-1","created":5,"model":"m","choices":[],"usage":{"prompt_tokens":1,)"
           R"("completion_tokens":2,"total_tokens":3,"completion_tokens_details":{"reasoning_tokens":1}}})";
}

// A piece of a call, as servers send them.
json piece(int index, const char* id, const char* name, const char* arguments) {
    json call = {{"index", index}, {"function", {{"arguments", arguments}}}};
    if (*id != '\0') {
        call["id"] = id;
        call["type"] = "function";
    }
    if (*name != '\0') {
        call["function"]["name"] = name;
    }
    return call;
}

std::string call_chunk(const std::vector<json>& calls) {
    return chunk({{"tool_calls", calls}});
}

struct single {
    fake_upstream models{};
    gateway_process gateway;

    explicit single(const reply& behaviour, const std::string& server = "")
        : gateway(
              (models.on("a", behaviour), config_text(models).server(server).upstream("a").text())
          ) {}

    response_stream streamed(const json& more = json::object()) {
        return respond_streamed(gateway, with(respond_to("a"), more));
    }
};

TEST(responses_stream, moa_233_a_text_has_its_events_in_order) {
    responding_model one(sse(
        {chunk({{"role", "assistant"}, {"content", ""}}),
         chunk({{"content", "caf\u00e9 "}}),
         chunk({{"content", "\"x\"\n"}}),
         chunk(json::object(), "stop"),
         usage_chunk(),
         "[DONE]"}
    ));

    const auto s = one.streamed();

    EXPECT_EQ(
        s.types(),
        (strings{
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed"
        })
    );
    EXPECT_EQ(s.joined("response.output_text.delta"), "caf\u00e9 \"x\"\n");
    EXPECT_EQ(s.final_response["output_text"], "caf\u00e9 \"x\"\n");
    EXPECT_EQ(
        s.final_response["usage"],
        json::parse(
            R"({"input_tokens":1,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,
          "output_tokens_details":{"reasoning_tokens":1},"total_tokens":3})"
        )
    );
    EXPECT_EQ(s.head.header("Content-Type"), "text/event-stream");
    EXPECT_EQ(s.head.header("Cache-Control"), "no-cache");
    EXPECT_TRUE(s.is_whole);
    const auto sent = one.models.last_request("a").json;
    EXPECT_EQ(sent["stream"], true);
    EXPECT_EQ(sent["stream_options"], json({{"include_usage", true}}));
}

TEST(responses_stream, moa_234_a_call_has_its_events_and_no_text) {
    responding_model one(sse(
        {call_chunk({piece(0, "call_1", "look_up", "")}),
         call_chunk({piece(0, "", "", "{\"w\":")}),
         call_chunk({piece(0, "", "", "1}")}),
         chunk(json::object(), "tool_calls"),
         "[DONE]"}
    ));

    const auto s = one.streamed();

    EXPECT_EQ(
        s.types(),
        (strings{
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed"
        })
    );
    EXPECT_EQ(s.of_type("response.output_item.added")[0]["item"]["arguments"], "");
    EXPECT_EQ(s.of_type("response.function_call_arguments.done")[0]["arguments"], "{\"w\":1}");
    EXPECT_EQ(
        items_of(s.final_response),
        json::parse(
            R"([{"type":"function_call","call_id":"call_1","name":"look_up","arguments":"{\"w\":1}"}])"
        )
    );
    EXPECT_EQ(s.final_response["usage"], nullptr) << "none was told";
}

TEST(responses_stream, moa_235_a_cut_answer_ends_incomplete) {
    responding_model one(
        sse({chunk({{"content", "half"}}), chunk(json::object(), "length"), "[DONE]"})
    );

    const auto s = one.streamed();

    EXPECT_EQ(s.final_type, "response.incomplete");
    EXPECT_EQ(s.final_response["incomplete_details"], json({{"reason", "max_output_tokens"}}));
    EXPECT_EQ(s.final_response["output"][0]["status"], "incomplete");
}

TEST(responses_stream, interleaved_parallel_calls_stay_apart) {
    responding_model one(sse(
        {chunk({{"content", "Both."}}),
         call_chunk({piece(0, "c1", "first", ""), piece(1, "c2", "second", "")}),
         call_chunk({piece(1, "", "", "{\"b\"")}),
         call_chunk({piece(0, "", "", "{\"a\"")}),
         call_chunk({piece(2, "c3", "third", "{}"), piece(1, "", "", ":2}")}),
         call_chunk({piece(0, "", "", ":1}")}),
         chunk(json::object(), "tool_calls"),
         "[DONE]"}
    ));

    const auto s = one.streamed();

    const auto expected = json::parse(R"([
        {"type":"message","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Both."}]},
        {"type":"function_call","call_id":"c1","name":"first","arguments":"{\"a\":1}"},
        {"type":"function_call","call_id":"c2","name":"second","arguments":"{\"b\":2}"},
        {"type":"function_call","call_id":"c3","name":"third","arguments":"{}"}])");
    EXPECT_EQ(items_of(s.final_response), expected);
    const auto deltas = s.of_type("response.function_call_arguments.delta");
    std::vector<int> order;
    for (const auto& delta : deltas) {
        order.push_back(delta["output_index"]);
    }
    EXPECT_EQ(order, (std::vector{2, 1, 3, 2, 1})) << "as they came";
}

TEST(responses_stream, calls_that_share_an_index_are_told_apart_by_their_ids) {
    responding_model one(sse(
        {call_chunk({piece(0, "c1", "first", "{\"a\":1}")}),
         call_chunk({piece(0, "c2", "second", "{\"b\":")}),
         call_chunk({piece(0, "c2", "", "2}")}),
         chunk(json::object(), "tool_calls"),
         "[DONE]"}
    ));

    const auto items = items_of(one.streamed().final_response);

    ASSERT_EQ(items.size(), 2u) << items;
    EXPECT_EQ(items[0]["arguments"], "{\"a\":1}");
    EXPECT_EQ(items[1]["arguments"], "{\"b\":2}");
}

TEST(responses_stream, custom_calls_have_events_of_their_own) {
    const auto custom = [](const char* id, const char* name, const char* input) {
        json call = {{"index", 0}, {"custom", {{"input", input}}}};
        if (*id != '\0') {
            call["id"] = id;
            call["type"] = "custom";
            call["custom"]["name"] = name;
        }
        return call_chunk({call});
    };
    responding_model one(sse(
        {custom("c1", "run", ""),
         custom("", "", "ls "),
         custom("", "", "-l"),
         chunk(json::object(), "tool_calls"),
         "[DONE]"}
    ));

    const auto s = one.streamed();

    EXPECT_EQ(s.joined("response.custom_tool_call_input.delta"), "ls -l");
    EXPECT_EQ(s.of_type("response.custom_tool_call_input.done")[0]["input"], "ls -l");
    EXPECT_EQ(
        items_of(s.final_response),
        json::parse(R"([{"type":"custom_tool_call","call_id":"c1","name":"run","input":"ls -l"}])")
    );
}

TEST(responses_stream, a_refusal_has_events_of_its_own) {
    responding_model one(sse(
        {chunk({{"refusal", "I "}}),
         chunk({{"refusal", "will not."}}),
         chunk(json::object(), "stop"),
         "[DONE]"}
    ));

    const auto s = one.streamed();

    EXPECT_EQ(s.joined("response.refusal.delta"), "I will not.");
    EXPECT_EQ(s.of_type("response.refusal.done")[0]["refusal"], "I will not.");
    EXPECT_EQ(s.final_response["output_text"], "");
}

TEST(responses_stream, log_probabilities_and_citations_go_with_their_text) {
    auto first = json::parse(chunk({{"content", "hi"}}));
    first["choices"][0]["logprobs"] = json::parse(
        R"({"content":[{"token":"hi","logprob":-0.5,"bytes":[104,105],"top_logprobs":[]}]})"
    );
    const auto citation = json::parse(
        R"({"type":"url_citation","url_citation":{"url":"https://x","title":"X","start_index":0,"end_index":2}})"
    );
    responding_model one(sse(
        {first.dump(), chunk({{"annotations", {citation}}}), chunk(json::object(), "stop"), "[DONE]"
        }
    ));

    const auto s = one.streamed({{"include", {"message.output_text.logprobs"}}});

    EXPECT_EQ(one.models.last_request("a").json["logprobs"], true);
    const auto list = first["choices"][0]["logprobs"]["content"];
    EXPECT_EQ(s.of_type("response.output_text.delta")[0]["logprobs"], list);
    const auto part = s.final_response["output"][0]["content"][0];
    EXPECT_EQ(part["logprobs"], list);
    const auto flat = json::parse(
        R"({"type":"url_citation","url":"https://x","title":"X","start_index":0,"end_index":2})"
    );
    EXPECT_EQ(part["annotations"], json::array({flat}));
    EXPECT_EQ(s.of_type("response.output_text.annotation.added")[0]["annotation"], flat);
}

TEST(responses_stream, tokens_go_out_as_they_come) {
    fake_upstream models;
    const auto go_on = make_gate();
    models.on(
        "a", held_after(3, go_on, ok("first second third fourth fifth sixth seventh eighth"))
    );
    const gateway_process gateway(config_text(models).upstream("a"));
    http_client client(gateway.port());
    client.send(request_bytes(response_parts(with(respond_to("a"), {{"stream", true}}))));
    client.read_head();
    std::string body;
    while (body.find("\"delta\":\"first") == std::string::npos) {
        ASSERT_EQ(client.read_body(body, clock::now() + 10s), body_end::open) << body;
    }
    go_on->open();
    while (client.read_body(body, clock::now() + 10s) == body_end::open) {
    }
    EXPECT_NE(body.find("event: response.completed\n"), std::string::npos);
}

TEST(responses_stream, heartbeats_are_comments_behind_the_first_events) {
    fake_upstream models;
    const auto go_on = make_gate();
    models.on("a", held(go_on, ok("at last")));
    const gateway_process gateway(
        config_text(models).server("stream_commit_secs = 0.2\nkeepalive_secs = 0.2").upstream("a")
    );
    http_client client(gateway.port());
    client.send(request_bytes(response_parts(with(respond_to("a"), {{"stream", true}}))));
    client.read_head();
    std::string body;
    while (body.find(": heartbeat\n\n") == std::string::npos) {
        ASSERT_EQ(client.read_body(body, clock::now() + 10s), body_end::open) << body;
    }
    EXPECT_TRUE(body.starts_with("event: response.created\n")) << body;
    EXPECT_LT(body.find("event: response.in_progress\n"), body.find(": heartbeat\n\n"));
    go_on->open();
    while (client.read_body(body, clock::now() + 10s) == body_end::open) {
    }
    EXPECT_NE(body.find("event: response.completed\n"), std::string::npos) << body;
}

TEST(responses_stream, progress_is_told_in_snapshots) {
    panel p;
    const gateway_process gateway(p.config());

    const auto s = respond_streamed(
        gateway, with(respond_to(panel_name), {{"x_meta_model", {{"progress", true}}}})
    );

    const auto snapshots = s.of_type("response.in_progress");
    ASSERT_GT(snapshots.size(), 3u);
    EXPECT_FALSE(snapshots[0]["response"].contains("x_meta_model"));
    EXPECT_TRUE(snapshots[0]["response"].contains("tools"));
    EXPECT_FALSE(snapshots[1]["response"].contains("tools")) << "what is known is not told again";
    EXPECT_EQ(snapshots[1]["response"]["x_meta_model"]["progress"]["role"], "generator");
    EXPECT_EQ(s.final_type, "response.completed");
    EXPECT_FALSE(s.final_response.contains("x_meta_model"));
    EXPECT_EQ(s.final_response["output_text"], "the fused answer");
}

TEST(responses_stream, a_cut_stream_is_a_failed_response) {
    responding_model one(cut_after_sends(4, ok("words that never end well because of the cable")));

    const auto s = one.streamed();

    EXPECT_EQ(s.final_type, "response.failed");
    EXPECT_EQ(s.final_response["error"]["code"], "upstream_error");
    EXPECT_FALSE(s.final_response["error"]["message"].get<std::string>().empty());
    EXPECT_EQ(s.final_response["output"][0]["status"], "incomplete");
}

TEST(responses_stream, an_upstreams_error_event_is_a_failed_response_in_its_words) {
    responding_model one(sse(
        {chunk({{"content", "so far"}}),
         R"({"error":{"message":"out of \"memory\"","type":"server_error","code":"oom"}})"}
    ));

    const auto s = one.streamed();

    EXPECT_EQ(s.final_type, "response.failed");
    EXPECT_EQ(s.final_response["error"], json({{"code", "oom"}, {"message", "out of \"memory\""}}));
}

TEST(responses_stream, an_error_before_anything_is_a_reply_with_its_status) {
    responding_model one(sse({R"({"error":{"message":"busy","type":"overloaded","code":429}})"}));

    const auto s = one.streamed();

    EXPECT_FALSE(s.head.header("Content-Type").starts_with("text/event-stream"));
    EXPECT_GE(s.head.status, 400);
}

TEST(responses_stream, a_client_that_leaves_ends_the_call) {
    fake_upstream models;
    models.on("a", hang_after_sends(3, ok("first second third fourth fifth")));
    const gateway_process gateway(config_text(models).upstream("a"));
    http_client client(gateway.port());
    client.send(request_bytes(response_parts(with(respond_to("a"), {{"stream", true}}))));
    client.read_head();
    std::string body;
    while (body.find("output_text.delta") == std::string::npos) {
        ASSERT_EQ(client.read_body(body, clock::now() + 10s), body_end::open) << body;
    }

    client.close();

    EXPECT_TRUE(models.wait_for_peer_close("a", cancel_limit));
}

}  // namespace

}  // namespace meta_model::contract
