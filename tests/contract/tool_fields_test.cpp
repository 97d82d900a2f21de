// Group J, as far as it is about the fields of the request: legacy ones, empty ones, stripped ones.
#include "contract/panel.hpp"

#include <array>

namespace meta_model::contract {

namespace {

json function(const std::string& name) {
    return {{"name", name}, {"parameters", {{"type", "object"}}}};
}

json tool(const std::string& name) {
    return {{"type", "function"}, {"function", function(name)}};
}

constexpr std::array all_fields{
    "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls"
};

TEST(tool_fields, moa_131_legacy_fields_arrive_as_their_successors) {
    panel p;
    for (const char* name : {"a", "b", "c", "s"}) {
        p.models.on(name, calls("f"));
    }
    const gateway_process gateway(p.config());
    const json wish = {
        {"functions", json::array({function("f"), function("g")})},
        {"function_call", {{"name", "f"}}}
    };

    for (const char* model : {"a", panel_name}) {
        ASSERT_EQ(chat(gateway, with(say(model), wish)).status, 200);
        const auto seen = p.models.last_request("a").json;
        EXPECT_EQ(seen["tools"], json::array({tool("f"), tool("g")})) << model;
        EXPECT_EQ(
            seen["tool_choice"], json::parse(R"({"type":"function","function":{"name":"f"}})")
        );
        EXPECT_FALSE(seen.contains("functions")) << model;
        EXPECT_FALSE(seen.contains("function_call")) << model;
    }
    EXPECT_EQ(p.synthesis()["tools"], p.models.last_request("b").json["tools"])
        << "the prefix stays the same";
    EXPECT_EQ(p.synthesis()["tool_choice"], p.models.last_request("b").json["tool_choice"]);
}

TEST(tool_fields, moa_132_legacy_and_modern_fields_exclude_each_other) {
    panel p;
    const gateway_process gateway(p.config());
    const json both_lists = {
        {"functions", json::array({function("f")})}, {"tools", json::array({tool("f")})}
    };
    const json both_choices = {{"function_call", "auto"}, {"tool_choice", "auto"}};

    for (const char* model : {"a", panel_name}) {
        expect_error(
            chat(gateway, with(say(model), both_lists)),
            {400, "invalid_request_error", "invalid_request_error", "functions"}
        );
        expect_error(
            stream(gateway, with(say_streamed(model), both_choices)).head,
            {400, "invalid_request_error", "invalid_request_error", "function_call"}
        );
    }
    EXPECT_TRUE(p.models.requests().empty());
}

TEST(tool_fields, moa_133_empty_lists_are_no_error_and_stay_here) {
    panel p;
    const gateway_process gateway(p.config());
    const json wish = {{"tools", json::array()}, {"functions", json::array()}};

    for (const char* model : {"a", panel_name}) {
        const auto reply = chat(gateway, with(say(model), wish));
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(reply.header("X-MetaModel-Tools-Tokens"), "0");
    }
    EXPECT_EQ(p.models.requests("a")[0].json, say("org/a"));
    for (const char* name : {"a", "b", "s"}) {
        for (const char* field : all_fields) {
            EXPECT_FALSE(p.models.last_request(name).json.contains(field)) << name << ' ' << field;
        }
    }
}

TEST(tool_fields, what_only_the_upstream_can_judge_is_carried_on_passthrough) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a"));
    const json wish = {
        {"tools", json::array({{{"type", "custom"}, {"custom", {{"name", "c"}}}}})},
        {"tool_choice", {{"type", "allowed_tools"}, {"allowed_tools", {{"mode", "auto"}}}}}
    };

    chat(gateway, with(say("a"), wish));

    EXPECT_EQ(models.last_request("a").json, with(say("org/a"), wish));
}

TEST(tool_fields, moa_153_a_profile_may_strip_tools) {
    panel p;
    const gateway_process gateway(
        p.config("strip_tools = true").moa("solo.v1", {"a"}, "a", "strip_tools = true")
    );
    const json modern = {
        {"tools", json::array({tool("f")})}, {"tool_choice", "auto"}, {"parallel_tool_calls", false}
    };
    const json legacy = {{"functions", json::array({function("f")})}, {"function_call", "auto"}};

    for (const auto& wish : {modern, legacy}) {
        for (const char* model : {"solo.v1", panel_name}) {
            ASSERT_EQ(chat(gateway, with(say(model), wish)).status, 200);
        }
    }
    ASSERT_EQ(p.models.requests().size(), 10u);
    for (const auto& request : p.models.requests()) {
        for (const char* field : all_fields) {
            EXPECT_FALSE(request.json.contains(field)) << request.upstream << ' ' << field;
        }
    }
}

}  // namespace

}  // namespace meta_model::contract
