#include "dispatch/tool_policy.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

constexpr std::string_view two_tools =
    R"("tools":[{"type":"function","function":{"name":"g"}},{"type":"function","function":{"name":"\u0066"}}])";

tool_policy policy(const std::string& members, bool strips_tools = false) {
    const auto body = R"({"model":"m","messages":[{"role":"user","content":"x"}])"
                      + (members.empty() ? "" : "," + members) + "}";
    api::chat_request request;
    const auto parsed = request.parse(body, 64);
    EXPECT_TRUE(parsed.has_value()) << body;
    return resolve_tool_policy(request, strips_tools);
}

TEST(tool_policy, without_a_choice_the_tools_decide) {
    const auto none = policy("");
    EXPECT_EQ(none.mode, tool_mode::none);
    EXPECT_FALSE(none.is_none_asked);
    EXPECT_TRUE(none.declared.empty());
    EXPECT_EQ(policy(R"("tools":[])").mode, tool_mode::none);
    EXPECT_EQ(policy(std::string(two_tools)).mode, tool_mode::automatic);
    EXPECT_EQ(policy(R"("functions":[{"name":"f"}])").mode, tool_mode::automatic);
}

TEST(tool_policy, an_explicit_choice_wins) {
    const std::string tools(two_tools);
    const auto none = policy(tools + R"(,"tool_choice":"none")");
    EXPECT_EQ(none.mode, tool_mode::none);
    EXPECT_TRUE(none.is_none_asked);
    EXPECT_EQ(policy(tools + R"(,"tool_choice":"required")").mode, tool_mode::required);
    EXPECT_EQ(policy(tools + R"(,"tool_choice":null)").mode, tool_mode::automatic);
    const auto forced =
        policy(tools + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})");
    EXPECT_EQ(forced.mode, tool_mode::specific);
    EXPECT_EQ(forced.forced, "f");
    EXPECT_EQ(policy(R"("functions":[{"name":"f"}],"function_call":{"name":"f"})").forced, "f");
}

TEST(tool_policy, names_are_compared_as_they_are_meant) {
    const auto p = policy(std::string(two_tools));
    EXPECT_TRUE(p.is_declared("f"));
    EXPECT_TRUE(p.is_declared("g"));
    EXPECT_FALSE(p.is_declared("F"));
    EXPECT_FALSE(p.is_declared(""));
}

TEST(tool_policy, calls_are_parallel_unless_the_client_says_no) {
    EXPECT_TRUE(policy(std::string(two_tools)).is_parallel);
    EXPECT_TRUE(policy(R"("parallel_tool_calls":null)").is_parallel);
    EXPECT_FALSE(policy(R"("parallel_tool_calls":false)").is_parallel);
}

TEST(tool_policy, a_profile_that_strips_tools_declares_none) {
    const auto p = policy(std::string(two_tools) + R"(,"tool_choice":"required")", true);
    EXPECT_EQ(p.mode, tool_mode::none);
    EXPECT_FALSE(p.is_declared("f")) << "what the model calls all the same is not declared";
}

}  // namespace
}  // namespace meta_model::dispatch
