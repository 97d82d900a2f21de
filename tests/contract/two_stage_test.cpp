// Rows 186 and 187: images are described by a vision model, and the profile's text models answer.
#include "contract/media_profiles.hpp"

namespace meta_model::contract {

namespace {

constexpr auto two_stage = "endpoints = [\"a\", \"b\"]\ntwo_stage = true";

std::string numbered(int i) {
    return "data:image/png;base64,IMG" + std::to_string(i);
}

std::vector<json> images(int count) {
    std::vector<json> out;
    for (int i = 1; i <= count; ++i) {
        out.push_back(image_part(numbered(i)));
    }
    return out;
}

TEST(two_stage, moa_186_images_are_described_and_the_panel_answers) {
    media_profiles m;
    m.models.on("a", ok("A red sign that says \"STOP\"."));
    const gateway_process gateway(m.config(two_stage));
    const json tool = {{"type", "function"}, {"function", {{"name", "look"}}}};
    const auto request = with(
        shows("panel.v1", {image_part()}),
        {{"tools", json::array({tool})}, {"response_format", {{"type", "text"}}}, {"seed", 5}}
    );

    const auto reply = chat(gateway, request);

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), "answer of s");
    EXPECT_EQ(reply.json()["model"], "panel.v1");
    EXPECT_EQ(reply.header("X-MetaModel-Vision-Path"), "describe_then_moa");
    EXPECT_EQ(reply.header("X-MetaModel-Vision-Describe-Chars"), "28");
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "2");
    EXPECT_EQ(reply.header("X-MetaModel-Synth-Decision"), "merged");
    EXPECT_FALSE(reply.has("X-MetaModel-Multimodal-Path"));

    const auto asked = m.models.last_request("a").json;
    ASSERT_EQ(asked["messages"].size(), 2u) << asked;
    EXPECT_EQ(asked["messages"][0]["role"], "system");
    EXPECT_EQ(asked["messages"][1]["content"][0], image_part());
    const auto question = asked["messages"][1]["content"].back()["text"].get<std::string>();
    EXPECT_NE(question.find("What is it?"), std::string::npos);
    EXPECT_EQ(asked["stream"], false);
    EXPECT_EQ(asked["max_tokens"], 1500);
    EXPECT_EQ(asked["temperature"], 0.2);
    for (const char* key : {"tools", "response_format", "seed"}) {
        EXPECT_FALSE(asked.contains(key)) << key;
    }
    for (const char* name : {"g", "h"}) {
        const auto sent = m.models.last_request(name).json;
        const auto text = sent["messages"][0]["content"].get<std::string>();
        EXPECT_NE(text.find("What is it?"), std::string::npos);
        EXPECT_NE(text.find("A red sign that says \"STOP\"."), std::string::npos) << text;
        EXPECT_EQ(sent["seed"], 5) << "what else there is stays";
        EXPECT_EQ(sent["tools"], json::array({tool}));
    }
    for (const auto& sent : m.models.requests()) {
        EXPECT_TRUE(sent.upstream == "a" || sent.body.find("image_url") == std::string::npos);
    }
}

TEST(two_stage, moa_187_when_nobody_describes_the_route_answers) {
    media_profiles m;
    const gateway_process gateway(m.config(two_stage));
    m.models.next("a", busy());
    m.models.next("b", ok("  "));
    const auto request = shows("panel.v1", {image_part()});

    const auto reply = chat(gateway, request);

    EXPECT_EQ(answer_text(reply), "answer of a");
    EXPECT_EQ(path(reply), "vision");
    EXPECT_EQ(attempts(reply), "a:200");
    EXPECT_FALSE(reply.has("X-MetaModel-Vision-Path"));
    EXPECT_EQ(m.models.last_request("a").json["messages"], request["messages"]);
    EXPECT_EQ(m.models.call_count("a"), 2u);
    EXPECT_EQ(m.models.call_count("b"), 1u);
    EXPECT_EQ(m.calls_of_profiles(), 0u);
}

TEST(two_stage, moa_187_the_newest_images_are_described) {
    media_profiles m;
    m.models.on("a", ok("four signs"));
    const gateway_process gateway(m.config(two_stage));

    const auto reply = chat(gateway, shows("panel.v1", images(5)));

    EXPECT_EQ(reply.header("X-MetaModel-Vision-Path"), "describe_then_moa");
    const auto parts = m.models.last_request("a").json["messages"][1]["content"];
    ASSERT_EQ(parts.size(), 5u) << parts;
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(parts[static_cast<std::size_t>(i)], image_part(numbered(i + 2)));
    }
    const auto text = all_message_text(m.models.last_request("g").json);
    EXPECT_NE(text.find("four signs"), std::string::npos);
    EXPECT_NE(text.find("Here stood 1 more image, not described"), std::string::npos) << text;
}

TEST(two_stage, the_next_upstream_describes_when_the_first_fails) {
    media_profiles m;
    m.models.on("b", ok("a bridge"));
    const gateway_process gateway(m.config(two_stage));

    for (const auto& fault : {busy(), html(), garbage(), reset_at_once(), ok("")}) {
        m.models.on("a", fault);
        const auto reply = chat(gateway, shows("panel.v1", {image_part()}));
        EXPECT_EQ(answer_text(reply), "answer of s") << reply.body;
        EXPECT_EQ(reply.header("X-MetaModel-Vision-Describe-Chars"), "8");
    }
}

TEST(two_stage, a_silent_describer_leaves_time_for_an_answer) {
    media_profiles m;
    m.models.next("a", hang());
    const gateway_process gateway(
        m.config("endpoints = [\"a\"]\ntwo_stage = true").server("request_timeout_secs = 1.2")
    );

    const auto start = clock::now();
    const auto reply = chat(gateway, shows("panel.v1", {image_part()}));
    const auto took = clock::now() - start;

    EXPECT_EQ(answer_text(reply), "answer of a") << "the route has the other half";
    EXPECT_EQ(path(reply), "vision");
    EXPECT_GE(took, 600ms);
    EXPECT_LT(took, 1200ms);
}

TEST(two_stage, it_streams_and_keeps_the_line_alive_while_it_looks) {
    media_profiles m;
    const auto gate = make_gate();
    m.models.on("a", held(gate, ok("a bridge")));
    const gateway_process gateway(
        m.config(two_stage).server("stream_commit_secs = 0.0\nkeepalive_secs = 0.1")
    );
    http_client client(gateway.port());
    const auto request = with(shows("panel.v1", {image_part()}), {{"stream", true}});
    client.send(request_bytes(chat_parts(request.dump())));
    const auto head = client.read_head();
    sse_reader reader(client);
    const auto first = reader.next();
    ASSERT_TRUE(first && first->is_comment());
    gate->open();

    std::string text;
    bool is_done = false;
    while (const auto event = reader.next_data()) {
        is_done = event->is_done();
        if (!is_done) {
            text += event->json()["choices"][0]["delta"].value("content", "");
        }
    }
    EXPECT_EQ(head.header("X-MetaModel-Profile"), "panel.v1");
    EXPECT_EQ(text, "answer of s");
    EXPECT_TRUE(is_done);

    const auto quick = stream(
        gateway_process(m.config(two_stage)),
        with(shows("panel.v1", {image_part()}), {{"stream", true}})
    );
    EXPECT_EQ(quick.head.header("X-MetaModel-Vision-Path"), "describe_then_moa");
    EXPECT_EQ(quick.text(), "answer of s");
}

TEST(two_stage, a_client_that_leaves_ends_it) {
    media_profiles m;
    m.models.on("a", hang());
    const gateway_process gateway(m.config(two_stage));

    expect_leaving_ends_the_call(m.models, gateway, shows("panel.v1", {image_part()}));
    EXPECT_EQ(m.calls_of_profiles(), 0u);
}

TEST(two_stage, the_description_is_part_of_a_total_usage) {
    media_profiles m;
    const gateway_process gateway(m.config(two_stage).server("usage = \"total\""));

    const auto reply = chat(gateway, shows("panel.v1", {image_part()}));

    EXPECT_EQ(reply.json()["usage"]["total_tokens"], 4 * 18);
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "72");
}

TEST(two_stage, the_description_is_part_of_the_account) {
    media_profiles m;
    m.models.on("a", busy());
    const gateway_process gateway(m.config(two_stage));

    const auto reply = chat(
        gateway, with(shows("panel.v1", {image_part()}), {{"x_meta_model", {{"trace", true}}}})
    );

    const auto trace = reply.json()["x_meta_model"];
    EXPECT_EQ(trace["strategy"], "moa");
    ASSERT_EQ(trace["legs"].size(), 5u) << trace;
    EXPECT_EQ(trace["legs"][0]["role"], "describer");
    EXPECT_EQ(trace["legs"][0]["state"], "failed");
    EXPECT_EQ(trace["legs"][1]["role"], "describer");
    EXPECT_EQ(trace["legs"][1]["state"], "done");
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "72");
    const auto profile = get(gateway, "/v1/metrics/moa").json()["profiles"]["panel.v1"];
    EXPECT_EQ(profile["calls"], 1);
    EXPECT_EQ(profile["failures_by_upstream"]["a"], (json{{"non_2xx", 1}}));
}

TEST(two_stage, only_panels_that_do_not_see_are_served_so) {
    media_profiles m;
    const gateway_process blind(m.config(two_stage));
    const gateway_process sighted(m.config(two_stage, R"(["text", "image"])"));

    for (const char* profile : {"steps.v1", "vote.v1"}) {
        EXPECT_EQ(path(chat(blind, shows(profile, {image_part()}))), "vision") << profile;
    }
    const auto own = chat(sighted, shows("panel.v1", {image_part()}));
    EXPECT_EQ(answer_text(own), "answer of s");
    EXPECT_FALSE(own.has("X-MetaModel-Vision-Path"));
    EXPECT_FALSE(chat(blind, say("panel.v1")).has("X-MetaModel-Vision-Path"));
}

TEST(two_stage, a_video_beside_the_image_is_not_lost) {
    media_profiles m;
    config_text hears = m.config(two_stage, R"(["text", "video"])");
    const gateway_process gateway(hears);
    const gateway_process deaf(m.config(two_stage));

    const auto kept = chat(gateway, shows("panel.v1", {image_part(), video_part()}));
    const auto refused = chat(deaf, shows("panel.v1", {image_part(), video_part()}));

    EXPECT_EQ(kept.header("X-MetaModel-Vision-Path"), "describe_then_moa");
    const auto parts = m.models.last_request("g").json["messages"][0]["content"];
    EXPECT_EQ(parts.back(), video_part());
    EXPECT_EQ(refused.status, 501);
    EXPECT_EQ(refused.error_code(), "video_not_supported");
}

TEST(two_stage, what_is_refused_behind_the_first_stage_ends_the_stream_it_opened) {
    media_profiles m;
    const gateway_process gateway(m.config(two_stage));
    // Described, and then there is no message left that a model could answer.
    auto request = asks(
        "panel.v1", json::array({{{"role", "assistant"}, {"content", json::array({image_part()})}}})
    );
    request["stream"] = true;
    request["x_meta_model"] = {{"progress", true}};

    const auto streamed = stream(gateway, request);

    EXPECT_EQ(streamed.head.status, 200);
    EXPECT_TRUE(streamed.is_whole);
    EXPECT_TRUE(streamed.error().is_object());
    EXPECT_FALSE(streamed.has_done());
}

}  // namespace

}  // namespace meta_model::contract
