// Profiles that serve media themselves, and what becomes of the media of earlier turns.
#include "contract/media_profiles.hpp"

#include <algorithm>

namespace meta_model::contract {

namespace {

constexpr auto sees = R"(["text", "image"])";

// An image, an answer to it, and a question in text.
json later_question(const std::string& model) {
    return asks(
        model,
        json::array(
            {user_parts({text_part("What is it?"), image_part()}),
             {{"role", "assistant"}, {"content", "A cat."}},
             {{"role", "user"}, {"content", "Thanks. What do cats eat?"}}}
        )
    );
}

bool has_image(const recorded_request& sent) {
    return sent.body.find("image_url") != std::string::npos;
}

TEST(sighted_profiles, a_panel_whose_generators_see_serves_images_itself) {
    media_profiles m;
    const gateway_process gateway(m.config("endpoints = [\"a\", \"b\"]", sees));

    const auto request = shows("panel.v1", {image_part()});
    const auto reply = chat(gateway, request);

    EXPECT_EQ(answer_text(reply), "answer of s");
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "2");
    EXPECT_FALSE(reply.has("X-MetaModel-Multimodal-Path"));
    EXPECT_GT(std::stoi(reply.header("X-MetaModel-Prompt-Tokens-In")), 765);
    for (const char* name : {"g", "h"}) {
        EXPECT_EQ(m.models.last_request(name).json["messages"], request["messages"]) << name;
    }
    EXPECT_FALSE(has_image(m.models.last_request("s"))) << "it declares text only";
    const auto note = m.models.last_request("s").json["messages"][0]["content"][1];
    EXPECT_EQ(note["type"], "text");
    EXPECT_NE(note["text"].get<std::string>().find("cannot see"), std::string::npos);
    EXPECT_EQ(m.models.call_count("a"), 0u);
}

TEST(sighted_profiles, cascades_and_votes_do_so_too) {
    media_profiles m;
    m.models.on("h", ok("answer of g"));
    const gateway_process gateway(m.config("", sees));

    for (const char* profile : {"steps.v1", "vote.v1"}) {
        const auto request = shows(profile, {image_part()});
        const auto reply = chat(gateway, request);
        EXPECT_EQ(answer_text(reply), "answer of g") << reply.body;
        EXPECT_EQ(m.models.last_request("g").json["messages"], request["messages"]);
        EXPECT_LT(std::stoi(reply.header("X-MetaModel-Prompt-Tokens-In")), 900);
        EXPECT_GT(std::stoi(reply.header("X-MetaModel-Prompt-Tokens-In")), 765);
    }
}

TEST(sighted_profiles, one_blind_generator_leaves_images_to_the_route) {
    media_profiles m;
    config_text config = m.config();
    const gateway_process gateway(config.moa("mixed.v1", {"a", "g"}, "s"));

    const auto reply = chat(gateway, shows("mixed.v1", {image_part()}));

    EXPECT_EQ(served_by(reply), "a");
    EXPECT_EQ(m.calls_of_profiles(), 0u);
}

TEST(sighted_profiles, text_models_answer_a_text_turn_without_the_older_images) {
    media_profiles m;
    m.models.on("h", ok("answer of g"));
    const gateway_process gateway(m.config());

    for (const auto& profile : ensembles) {
        const auto request = later_question(profile);
        const auto reply = chat(gateway, request);

        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_FALSE(reply.has("X-MetaModel-Multimodal-Path"));
        const auto sent = m.models.last_request("g").json["messages"];
        EXPECT_EQ(sent[0]["content"][0], text_part("What is it?"));
        EXPECT_EQ(sent[0]["content"][1]["type"], "text");
        EXPECT_EQ(sent[1], request["messages"][1]);
        EXPECT_EQ(sent[2], request["messages"][2]);
    }
    for (const auto& sent : m.models.requests()) {
        EXPECT_FALSE(has_image(sent)) << sent.upstream;
    }
    EXPECT_EQ(m.models.call_count("a"), 0u);
}

TEST(sighted_profiles, who_sees_gets_the_older_images) {
    media_profiles m;
    config_text config = m.config();
    const gateway_process gateway(config.moa("mixed.v1", {"a", "g"}, "b"));

    const auto request = later_question("mixed.v1");
    const auto reply = chat(gateway, request);

    EXPECT_EQ(answer_text(reply), "answer of b");
    EXPECT_EQ(m.models.last_request("a").json["messages"], request["messages"]);
    EXPECT_TRUE(has_image(m.models.last_request("b")));
    EXPECT_FALSE(has_image(m.models.last_request("g")));
}

TEST(sighted_profiles, the_route_sees_the_current_turn_of_a_tool_loop) {
    media_profiles m;
    const gateway_process gateway(m.config());
    const json call = {
        {"id", "c1"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}
    };
    const json messages = json::array(
        {user_parts({text_part("What is it?"), image_part()}),
         {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array({call})}},
         {{"role", "tool"}, {"tool_call_id", "c1"}, {"content", "zoomed"}}}
    );

    const auto reply = chat(gateway, asks("panel.v1", messages));

    EXPECT_EQ(served_by(reply), "a") << "the question about the image is still open";
    EXPECT_EQ(m.models.last_request("a").json["messages"], messages);
}

TEST(sighted_profiles, an_upstream_of_the_route_is_not_sent_what_it_does_not_take) {
    media_profiles m;
    const gateway_process gateway(m.config().raw("[audio]\nendpoints = [\"ears\"]"));
    const json messages = json::array(
        {user_parts({text_part("What is it?"), image_part()}),
         {{"role", "assistant"}, {"content", "A cat."}},
         user_parts({text_part("And this?"), audio_part()})}
    );

    const auto reply = chat(gateway, asks("panel.v1", messages));

    EXPECT_EQ(served_by(reply), "ears");
    EXPECT_FALSE(has_image(m.models.last_request("ears")));
    EXPECT_EQ(m.models.last_request("ears").json["messages"][2], messages[2]);
}

TEST(sighted_profiles, compaction_leaves_the_current_turns_images) {
    media_profiles m;
    config_text config = m.config();
    for (const char* name : {"near", "far"}) {
        m.models.on(name, ok(std::string("answer of ") + name));
    }
    config.upstream("near", "modalities = [\"text\", \"image\"]\ncontext = 4096\nmax_output = 512")
        .upstream("far", "modalities = [\"text\", \"image\"]\ncontext = 65536")
        .moa("sees.v1", {"near", "far"}, "s");
    const gateway_process gateway(config);
    json messages = json::array();
    for (int i = 0; i < 40; ++i) {
        messages.push_back({{"role", "user"}, {"content", std::string(300, 'q')}});
        messages.push_back({{"role", "assistant"}, {"content", std::string(300, 'a')}});
    }
    messages.push_back(user_parts({image_part()}));
    messages.push_back({{"role", "user"}, {"content", "What is it? " + std::string(3000, 'x')}});

    const auto reply = chat(gateway, asks("sees.v1", messages));

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_GT(std::stoi(reply.header("X-MetaModel-Compacted-N")), 40);
    const auto sent = m.models.last_request("near").json["messages"];
    EXPECT_EQ(sent[sent.size() - 2], messages[messages.size() - 2]);
    EXPECT_EQ(m.models.last_request("far").json["messages"], messages);
}

TEST(sighted_profiles, an_image_is_not_billed_by_its_bytes) {
    media_profiles m;
    m.models.on("g", hang());
    const gateway_process gateway(m.config("", sees, "grace_secs = 0.0\nmin_drafts = 1"));
    const auto image = image_part("data:image/png;base64," + std::string(400000, 'A'));
    const auto request = with(shows("panel.v1", {image}), {{"x_meta_model", {{"trace", true}}}});

    const auto legs = chat(gateway, request).json()["x_meta_model"]["legs"];

    ASSERT_EQ(legs.size(), 2u) << legs;
    EXPECT_EQ(legs[0]["usage_source"], "estimated");
    EXPECT_LT(legs[0]["tokens_in"], 1200);
}

TEST(sighted_profiles, passthrough_and_direct_addressing_carry_any_part) {
    media_profiles m;
    const gateway_process gateway(m.config().passthrough("fast.v1", "g").moa("one.v1", {"g"}, "g"));
    const json odd = {{"type", "hologram"}, {"hologram", {{"depth", 3}}}};

    for (const char* model : {"fast.v1", "one.v1", "g"}) {
        const auto request = shows(model, {image_part(), odd});
        const auto reply = chat(gateway, request);
        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(m.models.last_request("g").json["messages"], request["messages"]);
    }
}

}  // namespace

}  // namespace meta_model::contract
