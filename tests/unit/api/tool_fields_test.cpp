#include "api/tool_fields.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::api {
namespace {

using base::error_code_id;

constexpr auto tools = R"("tools":[{"type":"function","function":{"name":"f"}}])";

// The error for a request with these members; its id is `internal` when there is none.
base::error judged(const std::string& members) {
    const auto body = R"({"model":"m","messages":[{"role":"user","content":"x"}],)" + members + "}";
    chat_request request;
    const auto parsed = request.parse(body, 64);
    EXPECT_TRUE(parsed.has_value()) << body;
    const auto result = judge_tools(request);
    return result.has_error() ? result.error() : base::error{};
}

std::string with_choice(const std::string& choice) {
    return std::string(tools) + R"(,"tool_choice":)" + choice;
}

TEST(tool_fields, what_can_be_served_passes) {
    for (const char* choice :
         {"null",
          "\"none\"",
          "\"auto\"",
          "\"required\"",
          R"({"type":"function","function":{"name":"f"}})"}) {
        EXPECT_EQ(judged(with_choice(choice)).id, error_code_id::internal) << choice;
    }
    EXPECT_EQ(judged(R"("tools":[],"tool_choice":"auto")").id, error_code_id::internal);
    EXPECT_EQ(
        judged(R"("functions":[{"name":"f"}],"function_call":{"name":"f"})").id,
        error_code_id::internal
    );
    EXPECT_EQ(judged(R"("allowed_tools":null)").id, error_code_id::internal);
}

TEST(tool_fields, moa_134_what_is_not_built_is_told_apart) {
    for (const std::string members :
         {R"("tools":[{"type":"custom","custom":{"name":"c"}}])",
          R"("allowed_tools":{"mode":"auto"})",
          R"("tool_choice":{"type":"custom","custom":{"name":"c"}})",
          R"("tool_choice":{"type":"allowed_tools","allowed_tools":{}})"}) {
        EXPECT_EQ(judged(members).id, error_code_id::feature_not_supported_in_v1) << members;
    }
}

TEST(tool_fields, moa_135_malformed_tools_and_choices_are_refused) {
    for (const std::string& members :
         {std::string(R"("tools":[{"function":{"name":"f"}}])"),
          std::string(R"("tools":[{"type":null,"function":{"name":"f"}}])"),
          std::string(R"("tools":[{"type":"function"}])"),
          std::string(R"("tools":[{"type":"function","function":null}])"),
          with_choice(R"({"function":{"name":"f"}})"),
          with_choice(R"({"type":"function"})"),
          with_choice(R"({"type":"function","function":{"name":""}})"),
          with_choice(R"("must_call")")}) {
        EXPECT_EQ(judged(members).id, error_code_id::invalid_request_error) << members;
    }
    EXPECT_EQ(
        judged(R"("tools":[{"type":"function","function":{}},{"type":"function"}])").param,
        "tools[1]"
    );
}

TEST(tool_fields, moa_136_what_is_forced_must_be_declared) {
    const auto none = judged(R"("tool_choice":{"type":"function","function":{"name":"f"}})");
    EXPECT_EQ(none.id, error_code_id::invalid_request_error);
    EXPECT_NE(none.message.find("no tools declared"), std::string::npos);
    const auto other = judged(with_choice(R"({"type":"function","function":{"name":"g"}})"));
    EXPECT_EQ(other.id, error_code_id::invalid_request_error);
    EXPECT_NE(other.message.find("not in declared tools"), std::string::npos);
    EXPECT_EQ(
        judged(R"("functions":[{"name":"f"}],"function_call":{"name":"g"})").param, "function_call"
    );
    EXPECT_EQ(
        judged(with_choice(R"({"type":"function","function":{"name":"\ud800"}})")).id,
        error_code_id::invalid_request_error
    );
}

TEST(tool_fields, a_call_cannot_be_required_where_there_are_no_tools) {
    EXPECT_EQ(judged(R"("tool_choice":"required")").id, error_code_id::invalid_request_error);
    EXPECT_EQ(
        judged(R"("tools":[],"tool_choice":"required")").id, error_code_id::invalid_request_error
    );
}

}  // namespace
}  // namespace meta_model::api
