// What a stream tells of the calls behind it to a client that asked for progress.
#include "contract/panel.hpp"

#include <algorithm>
#include <set>

namespace meta_model::contract {

namespace {

const json wishes_progress = {{"x_meta_model", {{"progress", true}}}};

bool is_progress(const json& chunk) {
    return chunk.contains("x_meta_model") && chunk["x_meta_model"].contains("progress");
}

std::vector<json> progress_of(const sse_transcript& result) {
    std::vector<json> out;
    for (const auto& chunk : result.chunks()) {
        if (is_progress(chunk)) {
            out.push_back(chunk["x_meta_model"]["progress"]);
        }
    }
    return out;
}

// "generator a running", in the order in which they came.
std::vector<std::string> told(const sse_transcript& result) {
    std::vector<std::string> out;
    for (const auto& each : progress_of(result)) {
        out.push_back(
            each["role"].get<std::string>() + ' ' + each["upstream"].get<std::string>() + ' '
            + each["state"].get<std::string>()
        );
    }
    return out;
}

bool is_told(const sse_transcript& result, const std::string& what) {
    return std::ranges::count(told(result), what) == 1;
}

TEST(progress, a_panels_calls_are_told_before_its_answer) {
    panel p;
    p.models.on("b", json_reply(503, {{"error", {{"message", "busy"}}}}));
    const gateway_process gateway(p.config());

    const auto streamed = stream(gateway, with(say_streamed(panel_name), wishes_progress));

    EXPECT_EQ(streamed.text(), "the fused answer");
    EXPECT_TRUE(streamed.has_done());
    for (const char* what :
         {"generator a running",
          "generator b running",
          "generator c running",
          "generator a done",
          "generator b failed",
          "generator c done",
          "synthesizer s running"}) {
        EXPECT_TRUE(is_told(streamed, what)) << what;
    }
    EXPECT_EQ(told(streamed).size(), 7u) << "nothing once the answer has begun";
    const auto chunks = streamed.chunks();
    const auto first_text =
        std::ranges::find_if(chunks, [](const auto& chunk) { return !chunk["choices"].empty(); });
    EXPECT_TRUE(std::none_of(first_text, chunks.end(), is_progress));
    for (const auto& chunk : chunks) {
        EXPECT_EQ(chunk["id"], chunks.front()["id"]);
        EXPECT_EQ(chunk["object"], "chat.completion.chunk");
        EXPECT_EQ(chunk["model"], panel_name);
    }
    const auto all = progress_of(streamed);
    const auto failed = std::ranges::find(all, "failed", [](const auto& e) { return e["state"]; });
    ASSERT_NE(failed, all.end());
    EXPECT_EQ((*failed)["reason"], "non_2xx");
    EXPECT_GE((*failed)["elapsed_ms"], 0);
}

TEST(progress, every_chunk_of_a_slow_stream_was_created_at_the_same_time) {
    panel p;
    // Longer than a second: the clock has moved on when the answer begins.
    p.models.on("c", delayed(1100ms, ok("this is the draft of c")));
    const gateway_process gateway(p.config("required_drafts = 3"));
    const auto created_of = [](const sse_transcript& streamed) {
        EXPECT_TRUE(streamed.has_done());
        std::set<json> out;
        for (const auto& chunk : streamed.chunks()) {
            EXPECT_EQ(chunk["id"], streamed.chunks().front()["id"]);
            out.insert(chunk["created"]);
        }
        EXPECT_TRUE(is_progress(streamed.chunks().front()));
        return out;
    };
    http_client client(gateway.port());
    const auto text =
        with({{"model", panel_name}, {"prompt", "What is it?"}, {"stream", true}}, wishes_progress);
    client.send(request_bytes(
        {"POST", "/v1/completions", {{"Content-Type", "application/json"}}, text.dump()}
    ));
    const auto whole = read_transcript(client);

    EXPECT_EQ(
        created_of(stream(gateway, with(say_streamed(panel_name), wishes_progress))).size(), 1u
    );
    EXPECT_EQ(created_of(whole).size(), 1u);
    EXPECT_EQ(whole.chunks().front()["object"], "text_completion");
}

TEST(progress, goes_out_while_the_panel_still_works) {
    panel p;
    const auto is_seen = make_gate();
    p.models.on("c", held(is_seen, ok("this is the draft of c")));
    const gateway_process gateway(p.config());
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(with(say_streamed(panel_name), wishes_progress).dump())));

    EXPECT_EQ(client.read_head().status, 200);
    sse_reader reader(client);
    const auto first = reader.next_data();
    is_seen->open();

    ASSERT_TRUE(first);
    EXPECT_TRUE(is_progress(first->json())) << first->data;
}

TEST(progress, steps_and_voters_are_told_too) {
    panel p;
    p.models.on("a", reset_at_once());
    auto config = p.config();
    config.cascade("steps.v1", {"a", "b"})
        .voting("vote.v1", {"b", "c"}, "ballot = \"text\"\naggregation = \"plurality\"")
        .raw("[features]\nvoting = true");
    const gateway_process gateway(config);

    const auto steps = stream(gateway, with(say_streamed("steps.v1"), wishes_progress));
    const auto votes = stream(gateway, with(say_streamed("vote.v1"), wishes_progress));

    EXPECT_EQ(
        told(steps), (std::vector<std::string>{"step a running", "step a failed", "step b running"})
    );
    EXPECT_EQ(steps.text(), "the draft of b");
    EXPECT_TRUE(is_told(votes, "voter b running"));
    EXPECT_TRUE(is_told(votes, "voter c done"));
}

TEST(progress, is_told_to_nobody_who_did_not_ask_or_has_no_stream) {
    panel p;
    const gateway_process gateway(p.config());

    const auto streamed = stream(gateway, say_streamed(panel_name));
    const auto whole = chat(gateway, with(say(panel_name), wishes_progress));

    EXPECT_TRUE(progress_of(streamed).empty());
    EXPECT_EQ(answer_text(whole), "the fused answer");
    EXPECT_FALSE(whole.json().contains("x_meta_model"));
}

TEST(progress, a_failure_behind_it_is_an_error_event) {
    panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, reset_at_once());
    }
    const gateway_process gateway(p.config());

    const auto streamed = stream(gateway, with(say_streamed(panel_name), wishes_progress));

    EXPECT_EQ(streamed.head.status, 200);
    EXPECT_EQ(streamed.error()["code"], "all_generators_failed");
    EXPECT_FALSE(streamed.has_done());
    EXPECT_EQ(told(streamed).size(), 6u);
}

TEST(progress, a_relayed_call_has_none_and_keeps_its_status) {
    panel p;
    p.models.on("a", delayed(300ms, json_reply(429, {{"error", {{"message", "slow down"}}}})));
    auto config = p.config();
    config.passthrough("fast.v1", "a");
    const gateway_process gateway(config);

    const auto refused = stream(gateway, with(say_streamed("fast.v1"), wishes_progress));

    EXPECT_EQ(refused.head.status, 429);
}

}  // namespace

}  // namespace meta_model::contract
