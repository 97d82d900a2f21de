// Group Q: responses, whole, on passthroughs and on ensembles.
#include "contract/panel.hpp"
#include "contract/responses_words.hpp"

#include <regex>

namespace meta_model::contract {

namespace {

const json look_up = {
    {"type", "function"},
    {"name", "look_up"},
    {"description", "Looks a word up."},
    {"parameters", {{"type", "object"}, {"properties", json::object()}}},
    {"strict", true}
};
TEST(responses, moa_222_a_text_is_one_user_message_and_the_reply_a_response) {
    responding_model one(ok("there \"was\" a\nfrog é"));

    const auto reply = respond(one.gateway, respond_to("a", "hi"));

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(one.models.last_request("a").target, "/u/a/v1/chat/completions");
    EXPECT_EQ(one.models.last_request("a").json, say("org/a", "hi")) << "absent stays absent";
    const auto body = reply.json();
    EXPECT_EQ(body["object"], "response");
    EXPECT_TRUE(std::regex_match(body["id"].get<std::string>(), std::regex("resp_[0-9a-f]{24}")));
    EXPECT_EQ(body["output_text"], "there \"was\" a\nfrog é");
    EXPECT_EQ(body["status"], "completed");
    EXPECT_EQ(body["model"], "org/a");
    EXPECT_EQ(
        body["usage"], json::parse(R"({"input_tokens":11,"input_tokens_details":{"cached_tokens":0},
          "output_tokens":7,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":18})")
    );
    EXPECT_EQ(
        items_of(body),
        json::parse(R"([{"type":"message","role":"assistant","content":[{"type":"output_text",
          "annotations":[],"logprobs":[],"text":"there \"was\" a\nfrog é"}]}])")
    );
    EXPECT_EQ(reply.header("X-MetaModel-Profile"), "a");
    EXPECT_EQ(reply.header("Content-Length"), std::to_string(reply.body.size()));
}

TEST(responses, the_object_repeats_its_request_and_has_defaults_for_the_rest) {
    responding_model one;
    const auto plain = respond(one.gateway, respond_to("a")).json();
    const json defaults = {
        {"error", nullptr},
        {"incomplete_details", nullptr},
        {"instructions", nullptr},
        {"max_output_tokens", nullptr},
        {"max_tool_calls", nullptr},
        {"metadata", json::object()},
        {"parallel_tool_calls", true},
        {"previous_response_id", nullptr},
        {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
        {"background", false},
        {"service_tier", "auto"},
        {"temperature", 1.0},
        {"text", {{"format", {{"type", "text"}}}, {"verbosity", "medium"}}},
        {"tool_choice", "auto"},
        {"tools", json::array()},
        {"top_logprobs", 0},
        {"top_p", 1.0},
        {"truncation", "disabled"},
        {"user", nullptr},
    };
    for (const auto& [name, value] : defaults.items()) {
        EXPECT_EQ(plain[name], value) << name;
    }
    EXPECT_TRUE(plain["created_at"].is_number_integer());
    EXPECT_GE(plain["completed_at"], plain["created_at"]);

    const json given = {
        {"instructions", "Be brief."},
        {"max_output_tokens", 64},
        {"max_tool_calls", 3},
        {"metadata", {{"topic", "frogs"}}},
        {"parallel_tool_calls", false},
        {"reasoning", {{"effort", "low"}, {"summary", "auto"}}},
        {"safety_identifier", "u1"},
        {"prompt_cache_key", "k1"},
        {"service_tier", "flex"},
        {"temperature", 0.5},
        {"text", {{"format", {{"type", "json_object"}}}, {"verbosity", "low"}}},
        {"tool_choice", "required"},
        {"tools", {look_up}},
        {"top_p", 0.5},
        {"truncation", "auto"},
        {"user", "me"},
    };
    const auto full = respond(one.gateway, with(respond_to("a"), given)).json();
    for (const auto& [name, value] : given.items()) {
        EXPECT_EQ(full[name], value) << name;
    }
}

TEST(responses, moa_231_a_text_and_a_call_are_two_items) {
    responding_model one(complete(
        {.message = json::parse(R"({"role":"assistant","content":"Let me see.","tool_calls":[
           {"id":"call_1","type":"function","function":{"name":"look_up","arguments":"{\"w\":\"é\"}"}},
           {"id":"call_2","type":"custom","custom":{"name":"run","input":"ls"}}]})"),
         .finish = "tool_calls"}
    ));

    const auto body = respond(one.gateway, respond_to("a")).json();

    EXPECT_EQ(
        items_of(body),
        json::parse(R"([{"type":"message","role":"assistant","content":[{"type":"output_text",
            "annotations":[],"logprobs":[],"text":"Let me see."}]},
          {"type":"function_call","call_id":"call_1","name":"look_up","arguments":"{\"w\":\"é\"}"},
          {"type":"custom_tool_call","call_id":"call_2","name":"run","input":"ls"}])")
    );
    EXPECT_EQ(body["status"], "completed");
    EXPECT_TRUE(body["output"][1]["id"].get<std::string>().starts_with("fc_"));
}

TEST(responses, moa_232_a_cut_or_filtered_answer_is_incomplete) {
    for (const auto& [finish, reason] :
         {std::pair{"length", "max_output_tokens"}, std::pair{"content_filter", "content_filter"}
         }) {
        responding_model one(
            complete({.message = {{"role", "assistant"}, {"content", "half"}}, .finish = finish})
        );
        const auto body = respond(one.gateway, respond_to("a")).json();
        EXPECT_EQ(body["status"], "incomplete");
        EXPECT_EQ(body["incomplete_details"], json({{"reason", reason}}));
        EXPECT_EQ(body["output"][0]["status"], "incomplete");
    }
}

TEST(responses, a_refusal_is_a_part_of_its_own_and_goes_back_as_one) {
    responding_model one(
        complete({.message = {{"role", "assistant"}, {"content", nullptr}, {"refusal", "No."}}})
    );

    const auto body = respond(one.gateway, respond_to("a")).json();

    EXPECT_EQ(body["output"][0]["content"], json::parse(R"([{"type":"refusal","refusal":"No."}])"));
    EXPECT_EQ(body["output_text"], "");
    EXPECT_EQ(
        one.messages(items_of(body)),
        json::parse(R"([{"role":"assistant","content":null,"refusal":"No."}])")
    );
}

TEST(responses, what_is_no_chat_completion_is_a_502) {
    for (const std::string body : {R"({"foo":1})", R"({"choices":[]})"}) {
        const auto head =
            http_head(200, "application/json", {{"Content-Length", std::to_string(body.size())}});
        responding_model one(raw(head + body));
        const auto reply = respond(one.gateway, respond_to("a"));
        EXPECT_EQ(reply.status, 502) << body;
        EXPECT_EQ(reply.error_code(), "upstream_protocol_error") << reply.body;
    }
}

TEST(responses, a_request_may_be_as_deep_as_any) {
    fake_upstream models;
    models.on("a", ok("fine"));
    const gateway_process gateway(
        config_text(models).server_table("limits", "max_json_depth = 12\n").upstream("a")
    );
    const auto status = [&](int depth) {
        json inner = json::object();
        for (int i = 0; i < depth - 4; ++i) {  // of: body, tools, tool, parameters
            inner = {{"a", inner}};
        }
        const json tool = {{"type", "function"}, {"name", "f"}, {"parameters", inner}};
        return respond(gateway, with(respond_to("a"), {{"tools", {tool}}})).status;
    };
    EXPECT_EQ(status(12), 200);
    EXPECT_EQ(status(13), 400);
}

TEST(responses, moa_236_an_unknown_model_is_a_404_of_its_field) {
    panel p;
    const gateway_process gateway(p.config());
    for (const bool streams : {false, true}) {
        const json more = {{"stream", streams}};
        expect_error(
            respond(gateway, with(respond_to("nobody"), more)),
            {404, "invalid_request_error", "model_not_found", "model"}
        );
        const json wish = {{"x_meta_model", {{"profile", "nobody"}}}};
        expect_error(
            respond(gateway, with(with(respond_to("a"), more), wish)),
            {404, "invalid_request_error", "model_not_found", "model"}
        );
    }
}

TEST(responses, the_envelope_is_honoured) {
    panel p;
    const gateway_process gateway(p.config());

    const auto reply = respond(
        gateway,
        with(respond_to("a"), {{"x_meta_model", {{"profile", panel_name}, {"trace", true}}}})
    );

    EXPECT_EQ(reply.json()["output_text"], "the fused answer");
    EXPECT_EQ(reply.json()["model"], panel_name);
    EXPECT_TRUE(reply.json()["x_meta_model"].contains("legs")) << reply.body;
}

TEST(responses, every_strategy_answers_whole_and_streamed) {
    panel p;
    p.models.on("v1", ok("yes"));
    p.models.on("v2", ok("yes"));
    const gateway_process gateway(p.config()
                                      .upstreams({"v1", "v2"})
                                      .passthrough("plain.v1", "a")
                                      .cascade("steps.v1", {"a", "b"})
                                      .voting("votes.v1", {"v1", "v2"})
                                      .raw("[features]\nvoting = true\n"));
    for (const std::string model : {panel_name, "steps.v1", "plain.v1", "votes.v1"}) {
        const auto whole = respond(gateway, respond_to(model));
        ASSERT_EQ(whole.status, 200) << whole.body;
        EXPECT_EQ(whole.json()["object"], "response");
        const auto text = whole.json()["output_text"].get<std::string>();
        EXPECT_FALSE(text.empty());
        const auto streamed = respond_streamed(gateway, respond_to(model));
        EXPECT_EQ(streamed.final_type, "response.completed") << model;
        EXPECT_EQ(streamed.final_response["output_text"], text) << model;
        EXPECT_EQ(streamed.joined("response.output_text.delta"), text) << model;
    }
}

TEST(responses, an_upstreams_error_keeps_its_status_and_words) {
    const json refusal = {{"error", {{"message", "busy"}, {"type", "overloaded"}}}};
    responding_model one(json_reply(429, refusal));
    for (const bool streams : {false, true}) {
        const auto reply = respond(one.gateway, with(respond_to("a"), {{"stream", streams}}));
        EXPECT_EQ(reply.status, 429);
        EXPECT_EQ(reply.json(), refusal);
    }
}

}  // namespace

}  // namespace meta_model::contract
