#include "upstream/prepare.hpp"

#include "api/tool_fields.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace meta_model::upstream {
namespace {

using nlohmann::json;

constexpr std::string_view messages = R"("messages":[{"role":"user","content":"hi"}])";

config::upstream upstream_with(config::openai_options options = {}) {
    config::upstream u;
    u.model_id = "real";
    u.openai = std::move(options);
    return u;
}

std::string prepared(
    const std::string& body, const config::upstream& u, const body_changes& changes = {}
) {
    api::chat_request request;
    EXPECT_TRUE(request.parse(body, 64)) << body;
    prepared_body out;
    out.prepare(request, u, changes);
    std::string text;
    for (const auto piece : out.pieces()) {
        text += piece;
    }
    EXPECT_TRUE(json::accept(text)) << text;
    return text;
}

std::string request_with(std::string_view members) {
    return R"({"model":"m",)" + std::string(messages) + ',' + std::string(members) + '}';
}

TEST(prepare, only_the_model_changes_without_settings) {
    EXPECT_EQ(
        prepared(
            R"({ "model" : "m", )" + std::string(messages) + R"(, "x":1.500 } )", upstream_with()
        ),
        R"({ "model" : "real", )" + std::string(messages) + R"(, "x":1.500 } )"
    );
}

TEST(prepare, members_go_with_their_commas) {
    for (const auto* body :
         {R"({"x_meta_model":{},"model":"m",M})",
          R"({"model":"m","x_meta_model":null,M})",
          R"({"model":"m",M , "x_meta_model":{} , "chat_template_kwargs":{} })"}) {
        std::string text = body;
        text.replace(text.find('M'), 1, messages);
        const auto sent = json::parse(prepared(text, upstream_with()), nullptr, false);
        EXPECT_EQ(sent.size(), 2u) << body;
        EXPECT_EQ(sent.at("model"), "real") << body;
    }
}

TEST(prepare, a_renamed_budget_is_given_once_and_null_gives_way) {
    const auto u =
        upstream_with({.max_tokens_param = config::max_tokens_name::max_completion_tokens});
    for (const auto* members :
         {R"("max_tokens":5)",
          R"("max_tokens":5,"max_completion_tokens":null)",
          R"("max_completion_tokens":null,"max_tokens":5)",
          R"("max_tokens":null,"max_completion_tokens":5)",
          R"("max_completion_tokens":5,"max_tokens":null)",
          R"("max_completion_tokens":5)"}) {
        const auto text = prepared(request_with(members), u);
        const auto sent = json::parse(text, nullptr, false);
        EXPECT_EQ(sent.at("max_completion_tokens"), 5) << text;
        EXPECT_EQ(text.find("max_completion_tokens"), text.rfind("max_completion_tokens")) << text;
        EXPECT_FALSE(sent.contains("max_tokens")) << text;
    }
}

TEST(prepare, an_override_replaces_every_copy_of_a_member) {
    auto u = upstream_with();
    u.request_overrides = {{"seed", "7"}, {"user", R"({"a":1})"}};
    const auto text = prepared(request_with(R"("seed":1,"top_p":1,"seed":2)"), u);
    EXPECT_EQ(text, request_with(R"("seed":7,"top_p":1,"user":{"a":1})").replace(10, 1, "real"));
}

// What a request with these members goes out as.
std::string sent_with(std::string_view members, const body_changes& changes = {}) {
    return prepared(request_with(members), upstream_with(), changes);
}

std::string goes_out(std::string_view members) {
    auto out = request_with(members).replace(10, 1, "real");
    return members.empty() ? out.erase(out.size() - 2, 1) : out;
}

TEST(prepare, moa_131_functions_become_tools_around_the_clients_bytes) {
    EXPECT_EQ(
        sent_with(R"("functions":[ {"name":"f", "z":1.50} ,{"name":"g\u0065"}],"seed":1)"),
        goes_out(R"("tools":[ {"type":"function","function":{"name":"f", "z":1.50}} ,)"
                 R"({"type":"function","function":{"name":"g\u0065"}}],"seed":1)")
    );
}

TEST(prepare, moa_131_function_call_becomes_tool_choice) {
    EXPECT_EQ(sent_with(R"("function_call":"auto")"), goes_out(R"("tool_choice":"auto")"));
    EXPECT_EQ(
        sent_with(R"("function_call":"non\u0065")"), goes_out(R"("tool_choice":"non\u0065")")
    );
    EXPECT_EQ(
        sent_with(R"("function_call":{"name":"f\u002f"})"),
        goes_out(R"("tool_choice":{"type":"function","function":{"name":"f\u002f"}})")
    );
}

TEST(prepare, moa_133_empty_lists_are_left_out) {
    EXPECT_EQ(sent_with(R"("tools":[],"seed":1)"), goes_out(R"("seed":1)"));
    EXPECT_EQ(sent_with(R"("seed":1,"functions":[ ])"), goes_out(R"("seed":1)"));
    EXPECT_EQ(sent_with(R"("tools":[],"functions":[])"), goes_out(""));
    EXPECT_EQ(
        sent_with(R"("tools":[{"type":"x"}],"functions":[])"), goes_out(R"("tools":[{"type":"x"}])")
    );
    EXPECT_EQ(
        sent_with(R"("functions":[{}],"tools":[ ])"),
        goes_out(R"("tools":[{"type":"function","function":{}}])")
    );
}

TEST(prepare, a_null_makes_room_for_what_takes_its_name) {
    EXPECT_EQ(
        sent_with(R"("tools":null,"functions":[{}])"),
        goes_out(R"("tools":[{"type":"function","function":{}}])")
    );
    EXPECT_EQ(
        sent_with(R"("function_call":"auto","tool_choice":null)"),
        goes_out(R"("tool_choice":"auto")")
    );
    EXPECT_EQ(
        sent_with(R"("functions":null,"function_call":null)"),
        goes_out(R"("functions":null,"function_call":null)")
    ) << "what says nothing travels as it is";
}

TEST(prepare, a_strategy_that_strips_tools_strips_promoted_ones) {
    body_changes changes;
    remove_tools(changes);
    EXPECT_EQ(
        sent_with(
            R"("functions":[{"name":"f"}],"function_call":{"name":"f"},"parallel_tool_calls":false)",
            changes
        ),
        goes_out("")
    );
}

TEST(prepare, a_strategys_choice_replaces_a_promoted_one) {
    body_changes changes;
    changes.members.push_back({"tool_choice", R"("none")"});
    EXPECT_EQ(
        sent_with(R"("function_call":{"name":"f"})", changes), goes_out(R"("tool_choice":"none")")
    );
}

TEST(prepare, a_demoted_messages_text_part_is_known_however_it_is_written) {
    auto upstream = upstream_with();
    upstream.requires_leading_system_only = true;
    const std::string part = R"({"t\u0079pe":"te\u0078t","text":)";
    EXPECT_EQ(
        prepared(
            R"({"model":"m","messages":[{"role":"user"},{"role":"sys\u0074em","content":[)" + part
                + R"("hear"}]}]})",
            upstream
        ),
        R"({"model":"real","messages":[{"role":"user"},{"role":"user","content":[)" + part
            + R"("[SYSTEM]: hear"}]}]})"
    );
}

TEST(tool_fields, moa_132_legacy_and_modern_fields_exclude_each_other) {
    const std::pair<std::string, std::string> cases[] = {
        {R"("functions":[{}],"tools":[{}])", "functions"},
        {R"("function_call":"auto","tool_choice":"auto")", "function_call"},
        {R"("function_call":"required")", "function_call"},
        {R"("function_call":{})", "function_call"},
        {R"("function_call":{"name":""})", "function_call"},
        {R"("function_call":{"name":1})", "function_call"},
    };
    for (const auto& [members, param] : cases) {
        api::chat_request request;
        const auto body = request_with(members);
        ASSERT_TRUE(request.parse(body, 64).has_value()) << members;
        const auto judged = api::judge_legacy_tools(request);
        ASSERT_TRUE(judged.has_error()) << members;
        EXPECT_EQ(judged.error().http_status(), 400);
        EXPECT_EQ(judged.error().code(), "invalid_request_error");
        EXPECT_EQ(judged.error().param, param);
    }
}

}  // namespace
}  // namespace meta_model::upstream
