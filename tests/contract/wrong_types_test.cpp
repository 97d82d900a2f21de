// Members of a wrong type, wherever the gateway itself reads or rewrites a request: a 400 that names them, and nothing is asked.
#include "contract/anthropic_words.hpp"
#include "contract/responses_words.hpp"

#include <string>
#include <utility>
#include <vector>

namespace meta_model::contract {

namespace {

http_reply post(const gateway_process& gateway, const std::string& path, const json& body) {
    return fetch(
        gateway.port(), {"POST", path, {{"Content-Type", "application/json"}}, body.dump()}
    );
}

json user_says(const json& parts) {
    return json::array({{{"role", "user"}, {"content", parts}}});
}

json messages_with_call(const json& call) {
    return json::array(
        {{{"role", "user"}, {"content", "How warm?"}},
         {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array({call})}},
         {{"role", "tool"}, {"tool_call_id", "c"}, {"content", "9"}},
         {{"role", "user"}, {"content", "And?"}}}
    );
}

json with_function(const json& more) {
    return {{"tools", json::array({{{"type", "function"}, {"function", more}}})}};
}

struct wrong_member {
    json members;
    std::string param;
};

// What every profile but a passthrough to a chat server refuses.
std::vector<wrong_member> wrong_everywhere() {
    const auto called = [](const json& more) {
        return json{{"messages", messages_with_call(with(call_of("c", "f", "{}"), more))}};
    };
    return {
        {called({{"id", 5}}), "messages[1].tool_calls[0].id"},
        {called({{"function", "f"}}), "messages[1].tool_calls[0].function"},
        {called({{"function", {{"name", 5}}}}), "messages[1].tool_calls[0].function.name"},
        {called({{"function", {{"name", "f"}, {"arguments", 5}}}}),
         "messages[1].tool_calls[0].function.arguments"},
        {with_function({{"name", 5}}), "tools[0].function.name"},
        {with_function({{"name", "f"}, {"parameters", "x"}}), "tools[0].function.parameters"},
        {{{"response_format", {{"type", "json_schema"}, {"json_schema", "x"}}}},
         "response_format.json_schema"},
        {{{"response_format", {{"type", 5}}}}, "response_format.type"},
        {{{"user", 5}}, "user"},
        {{{"seed", "7"}}, "seed"},
        {{{"reasoning_effort", 5}}, "reasoning_effort"},
        {{{"modalities", {5}}}, "modalities[0]"},
    };
}

class wrong_types : public anthropic_upstream {
protected:
    // Each is a 400 without a code that names the member, and no upstream is asked.
    void expect_refused(
        const gateway_process& gateway,
        const std::string& model,
        const std::vector<wrong_member>& cases
    ) {
        const auto before = models.requests().size();
        for (const auto& [members, param] : cases) {
            SCOPED_TRACE(model + " " + members.dump());
            for (const bool streams : {false, true}) {
                expect_error(
                    chat(gateway, with(with(say(model), members), {{"stream", streams}})),
                    {400, "invalid_request_error", std::nullopt, param}
                );
            }
        }
        EXPECT_EQ(models.requests().size(), before);
    }
};

TEST_F(wrong_types, chats_for_an_anthropic_upstream) {
    const gateway_process gateway(config().passthrough("claude.v1", "a"));
    auto cases = wrong_everywhere();
    const std::vector<std::pair<json, std::string>> parts{
        {{{"type", "text"}, {"text", 5}}, "text"},
        {{{"type", "image_url"}, {"image_url", 5}}, "image_url"},
        {{{"type", "image_url"}, {"image_url", {{"url", 5}}}}, "image_url.url"},
        {{{"text", "a"}}, "type"},
    };
    for (const auto& [part, path] : parts) {
        cases.push_back(
            {{{"messages", user_says(json::array({part}))}}, "messages[0].content[0]." + path}
        );
    }
    cases.push_back({{{"tools", {{{"type", "function"}, {"function", "f"}}}}}, "tools[0].function"}
    );
    cases.push_back({{{"tool_choice", "bogus"}}, "tool_choice"});
    cases.push_back({{{"tool_choice", 5}}, "tool_choice"});
    cases.push_back({{{"tool_choice", {{"type", "tool"}, {"name", "f"}}}}, "tool_choice.type"});

    expect_refused(gateway, "a", cases);
    expect_refused(gateway, "claude.v1", cases);
}

TEST_F(wrong_types, chats_for_ensembles) {
    models.on("b", ok("x"));
    const gateway_process gateway(config_text(models)
                                      .upstreams({"b", "c"})
                                      .moa("panel.v1", {"b", "c"}, "b")
                                      .cascade("steps.v1", {"b", "c"})
                                      .voting("vote.v1", {"b", "c"})
                                      .raw("[features]\nvoting = true\n"));
    for (const char* model : {"panel.v1", "steps.v1", "vote.v1"}) {
        expect_refused(gateway, model, wrong_everywhere());
    }
}

TEST_F(wrong_types, what_a_chat_server_can_judge_is_carried) {
    models.on("b", ok("x"));
    const gateway_process gateway(config_text(models).upstream("b"));
    const json odd = {
        {"messages", user_says(json::array({{{"type", "text"}, {"text", 5}}}))},
        {"response_format", {{"type", "json_schema"}, {"json_schema", "x"}}},
        {"tool_choice", "bogus"},
        {"user", 5},
        {"seed", json::array({1})},
        {"logit_bias", "x"},
        {"logprobs", 1},
        {"reasoning_effort", 5}
    };

    EXPECT_EQ(chat(gateway, with(say("b"), odd)).status, 200);
    EXPECT_EQ(models.last_request("b").json, with(say("org/b"), odd));
}

TEST_F(wrong_types, members_of_chats_at_the_top_whatever_the_upstream) {
    models.on("b", ok("x"));
    const gateway_process gateway(config().upstream("b"));
    const json wrong = {
        {"top_logprobs", "2"},
        {"frequency_penalty", "0"},
        {"presence_penalty", true},
        {"metadata", "x"},
        {"verbosity", 5},
        {"service_tier", 5},
        {"store", "yes"},
        {"modalities", "text"},
        {"prompt_cache_key", 5},
        {"safety_identifier", 5},
        {"prediction", "x"},
        {"audio", "x"},
        {"web_search_options", "x"}
    };
    for (const auto& [name, value] : wrong.items()) {
        for (const char* model : {"a", "b"}) {
            expect_error(
                chat(gateway, with(say(model), {{name, value}})),
                {400, "invalid_request_error", std::nullopt, name}
            );
            EXPECT_EQ(chat(gateway, with(say(model), {{name, nullptr}})).status, 200) << name;
        }
    }
}

TEST_F(wrong_types, custom_tools_and_calls_are_told_where_the_upstream_has_no_like_of_them) {
    const gateway_process gateway(config());
    const json tool = {{"type", "custom"}, {"custom", {{"name", "run"}}}};
    const json call = {
        {"id", "c"}, {"type", "custom"}, {"custom", {{"name", "run"}, {"input", "ls"}}}
    };
    const std::vector<wrong_member> chats{
        {{{"tools", {weather_tool(), tool}}}, "tools[1]"},
        {{{"tools", {weather_tool()}}, {"tool_choice", tool}}, "tool_choice"},
        {{{"messages", messages_with_call(call)}}, "messages[1].tool_calls[0]"},
    };
    for (const auto& [members, param] : chats) {
        expect_error(
            chat(gateway, with(say("a"), members)),
            {400, "invalid_request_error", "feature_not_supported_in_v1", param}
        );
    }
    const json flat = {{"type", "custom"}, {"name", "run"}};
    const json item = {
        {"type", "custom_tool_call"}, {"call_id", "c"}, {"name", "run"}, {"input", "ls"}
    };
    const json output = {{"type", "custom_tool_call_output"}, {"call_id", "c"}, {"output", "x"}};
    const std::vector<wrong_member> responses{
        {{{"tools", {flat}}}, "tools"},
        {{{"tools", {flat}}, {"background", true}}, "tools"},
        {{{"input", {item, output}}}, "input"},
    };
    for (const auto& [members, param] : responses) {
        expect_error(
            respond(gateway, with(respond_to("a"), members)),
            {400, "invalid_request_error", "feature_not_supported_in_v1", param}
        );
    }
    EXPECT_EQ(models.requests().size(), 0u);
}

TEST_F(wrong_types, custom_calls_in_an_ensemble_with_an_anthropic_upstream) {
    models.on("b", ok("x"));
    const gateway_process gateway(config()
                                      .upstreams({"b", "c"})
                                      .moa("panel.v1", {"a", "b"}, "b")
                                      .moa("chats.v1", {"b", "c"}, "b"));
    const json call = {
        {"id", "c"}, {"type", "custom"}, {"custom", {{"name", "run"}, {"input", "ls"}}}
    };
    const json members = {{"messages", messages_with_call(call)}};

    expect_error(
        chat(gateway, with(say("panel.v1"), members)),
        {400, "invalid_request_error", "feature_not_supported_in_v1", "messages[1].tool_calls[0]"}
    );
    EXPECT_EQ(models.requests().size(), 0u);
    EXPECT_EQ(chat(gateway, with(say("chats.v1"), members)).status, 200);
}

TEST_F(wrong_types, completions) {
    models.on("b", ok("x"));
    const gateway_process gateway(config().upstream("b"));
    const std::vector<wrong_member> cases{
        {{{"prompt", 5}}, "prompt"},
        {{{"prompt", true}}, "prompt"},
        {{{"prompt", json::object()}}, "prompt"},
        {{{"n", "1"}}, "n"},
        {{{"n", true}}, "n"},
        {{{"seed", "7"}}, "seed"},
        {{{"user", 5}}, "user"},
        {{{"logit_bias", "x"}}, "logit_bias"},
        {{{"frequency_penalty", "0"}}, "frequency_penalty"},
        {{{"presence_penalty", "0"}}, "presence_penalty"},
        {{{"stop", 5}}, "stop"},
        {{{"stop", {5}}}, "stop[0]"},
        {{{"max_tokens", "5"}}, "max_tokens"},
        {{{"temperature", "0"}}, "temperature"},
        {{{"stream", "yes"}}, "stream"},
    };
    for (const char* model : {"a", "b"}) {
        const json body = {{"model", model}, {"prompt", "Once"}};
        for (const auto& [members, param] : cases) {
            SCOPED_TRACE(members.dump());
            expect_error(
                post(gateway, "/v1/completions", with(body, members)),
                {400, "invalid_request_error", std::nullopt, param}
            );
        }
    }
    EXPECT_EQ(models.requests().size(), 0u);
}

TEST_F(wrong_types, tokenize) {
    models.on("b", json_reply(200, {{"count", 4}}));
    const gateway_process gateway(config().upstream("b"));
    const std::vector<wrong_member> cases{
        {{{"prompt", 5}}, "prompt"},
        {{{"prompt", json::object()}}, "prompt"},
        {{{"messages", 5}}, "messages"},
        {{{"messages", json::array()}}, "messages"},
        {{{"messages", {5}}}, "messages[0]"},
        {{{"messages", {{{"content", 5}}}}}, "messages[0].content"},
        {{{"messages", {{{"role", 5}, {"content", "x"}}}}}, "messages[0].role"},
    };
    for (const char* model : {"a", "b"}) {
        for (const auto& [members, param] : cases) {
            SCOPED_TRACE(members.dump());
            expect_error(
                post(gateway, "/tokenize", with({{"model", model}}, members)),
                {400, "invalid_request_error", std::nullopt, param}
            );
        }
        for (const auto& none :
             {json::object(), json{{"prompt", nullptr}, {"messages", nullptr}}}) {
            expect_error(
                post(gateway, "/tokenize", with({{"model", model}}, none)),
                {400, "invalid_request_error", "invalid_request", "prompt"}
            );
        }
        const json chat_of_one = {{"model", model}, {"messages", user_says("hi")}};
        EXPECT_EQ(post(gateway, "/tokenize", chat_of_one).status, 200);
    }
    EXPECT_EQ(models.requests().size(), 1u);
}

}  // namespace

}  // namespace meta_model::contract
