// What a cost limit allows where the client speaks its upstream's own wire.
#include "contract/raw_messages_words.hpp"

namespace meta_model::contract {

namespace {

const std::string prices =
    "[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 10.0\n";
constexpr double enough_for_a_body = 0.01;  // 1000 tokens of input and 900 of an answer
constexpr double enough_for_a_window = 1.0;

json limited(const json& body, double usd) {
    return with(body, {{"x_meta_model", {{"max_cost_usd", usd}}}});
}

class raw_message_cost : public raw_messages {
protected:
    const gateway_process gateway{config("", "context = 100000\n" + prices)};

    http_reply ask_with(const json& more, double usd = enough_for_a_body) {
        const json plain = {
            {"model", "a"}, {"max_tokens", 9}, {"messages", {{{"role", "user"}, {"content", "q"}}}}
        };
        return ask(gateway, limited(with(plain, more), usd).dump());
    }

    http_reply ask_about(const json& block, double usd) {
        return ask_with({{"messages", {{{"role", "user"}, {"content", {block}}}}}}, usd);
    }
};

TEST_F(raw_message_cost, what_has_no_known_price_is_refused_under_a_limit) {
    const json search = {{"type", "web_search_20250305"}, {"name", "web_search"}};
    const json server = {{"type", "url"}, {"url", "https://m"}, {"name", "m"}};
    const std::vector<std::pair<std::string, json>> cases{
        {"tools", json::array({search})},
        {"tools", json::array({{{"type", "code_execution_20250825"}, {"name", "c"}}})},
        {"mcp_servers", json::array({server})},
        {"container", "container_1"},
        {"speed", "fast"},
        {"context_management", {{"edits", json::array({{{"type", "compact_20260112"}}})}}},
    };
    for (const auto& [member, value] : cases) {
        const auto reply = ask_with({{member, value}}, 100.0);

        EXPECT_EQ(reply.status, 400) << member;
        EXPECT_EQ(reply.json()["error"]["type"], "invalid_request_error");
        EXPECT_NE(reply.body.find("'" + member + "'"), std::string::npos) << reply.body;
    }
    EXPECT_EQ(models.call_count("a"), 0u);
    const auto twice =
        R"({"model":"a","max_tokens":9,"messages":[{"role":"user","content":"q"}],"x_meta_model":{"max_cost_usd":1},)"
        R"("tools":[{"type":"custom","type":"web_search_20250305","name":"f","input_schema":{}}]})";
    EXPECT_EQ(ask(gateway, twice).status, 400) << "a server may take the second one";
}

TEST_F(raw_message_cost, what_the_client_runs_itself_is_served) {
    const json own = {{"name", "f"}, {"input_schema", {{"type", "object"}}}};
    const json shell = {{"type", "bash_20250124"}, {"name", "bash"}};
    const json clearing = {{"edits", json::array({{{"type", "clear_tool_uses_20250919"}}})}};

    EXPECT_EQ(ask_with({{"tools", {own, shell}}}).status, 200);
    EXPECT_EQ(
        ask_with({{"mcp_servers", json::array()},
                  {"speed", "standard"},
                  {"container", nullptr},
                  {"context_management", clearing}}
        ).status,
        200
    );
    const json search = {{"type", "web_search_20250305"}, {"name", "web_search"}};
    const json free = {
        {"model", "a"},
        {"max_tokens", 9},
        {"messages", {{{"role", "user"}, {"content", "q"}}}},
        {"tools", json::array({search})}
    };
    EXPECT_EQ(ask(gateway, free.dump()).status, 200) << "without a limit";
    const gateway_process unpriced(config());
    EXPECT_EQ(ask(unpriced, limited(free, 0.0).dump()).status, 200) << "without prices";
}

TEST_F(raw_message_cost, a_document_that_is_not_in_the_body_counts_as_a_full_window) {
    const json text = {
        {"type", "document"},
        {"source", {{"type", "text"}, {"media_type", "text/plain"}, {"data", "x"}}}
    };
    EXPECT_EQ(ask_about(text, enough_for_a_body).status, 200);
    for (const std::string type : {"url", "file", "base64"}) {
        const json document = {{"type", "document"}, {"source", {{"type", type}}}};
        const json result = {
            {"type", "tool_result"}, {"tool_use_id", "t"}, {"content", {document}}
        };
        for (const auto& block : {document, result}) {
            EXPECT_EQ(ask_about(block, enough_for_a_body).status, 402) << block;
            EXPECT_EQ(ask_about(block, enough_for_a_window).status, 200) << block;
        }
    }
}

TEST_F(raw_message_cost, thinking_that_is_not_sent_costs_nothing) {
    const gateway_process thinking(
        config("thinking = \"enabled\"\nbudget_tokens = 16000", "max_output = 32000\n" + prices)
    );
    const json plain = {
        {"model", "a"}, {"max_tokens", 800}, {"messages", {{{"role", "user"}, {"content", "q"}}}}
    };
    const auto status_with = [&](const json& more) {
        return ask(thinking, limited(with(plain, more), enough_for_a_body).dump()).status;
    };

    EXPECT_EQ(status_with({{"thinking", {{"type", "disabled"}}}}), 200);
    EXPECT_EQ(status_with({{"temperature", 0.5}}), 200);
    EXPECT_EQ(status_with(json::object()), 402) << "17024 tokens with a budget of 16000";
}

class raw_response_cost : public testing::Test {
protected:
    fake_upstream models{};

    void SetUp() override {
        models.on(
            "a",
            json_reply(
                200, {{"object", "response"}, {"status", "completed"}, {"output", json::array()}}
            )
        );
    }

    http_reply ask_with(const json& more, double usd = enough_for_a_body) {
        config_text config(models);
        config.upstream("a", "wire = \"responses\"\ncontext = 100000\n" + prices);
        const gateway_process gateway(config);
        const json plain = {{"model", "a"}, {"input", "q"}, {"max_output_tokens", 9}};
        return post(gateway, responses_path, limited(with(plain, more), usd).dump());
    }
};

TEST_F(raw_response_cost, what_has_no_known_price_is_refused_under_a_limit) {
    const std::vector<std::string> hosted{
        "web_search", "file_search", "code_interpreter", "image_generation", "mcp", "shell"
    };
    for (const auto& type : hosted) {
        const json tool = {{"type", type}};
        const json group = {{"type", "namespace"}, {"tools", json::array({tool})}};
        for (const auto& tools : {json::array({tool}), json::array({group})}) {
            const auto reply = ask_with({{"tools", tools}}, 100.0);
            expect_error(
                reply, {400, "invalid_request_error", "feature_not_supported_in_v1", "tools"}
            );
        }
    }
    EXPECT_EQ(ask_with({{"prompt", {{"id", "pmpt_1"}}}}, 100.0).status, 400);
    EXPECT_EQ(models.requests().size(), 0u);
    const json own = json::array({{{"type", "function"}, {"name", "f"}}, {{"type", "custom"}}});
    EXPECT_EQ(ask_with({{"tools", own}}).status, 200);
}

TEST_F(raw_response_cost, what_an_input_only_names_counts_as_a_full_window) {
    const json file = {{"type", "input_file"}, {"file_url", "https://f"}};
    const std::vector<json> items{
        {{"id", "msg_1"}},
        {{"id", "msg_1"}, {"type", nullptr}},
        {{"id", "msg_1"}, {"type", "item_reference"}},
        {{"role", "user"}, {"content", {file}}},
        {{"type", "function_call_output"}, {"call_id", "c"}, {"output", {file}}},
    };
    for (const auto& item : items) {
        const json input = {{"input", json::array({item})}};
        EXPECT_EQ(ask_with(input, enough_for_a_body).status, 402) << item;
        EXPECT_EQ(ask_with(input, enough_for_a_window).status, 200) << item;
    }
    const json said = {{"id", "msg_1"}, {"role", "user"}, {"content", "q"}};
    EXPECT_EQ(ask_with({{"input", json::array({said})}}).status, 200);
}

}  // namespace

}  // namespace meta_model::contract
