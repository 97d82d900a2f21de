#include "dispatch/call_names.hpp"

#include "unit/dispatch/drafts_of_calls.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {
namespace {

TEST(call_names, moa_141_control_tokens_are_removed) {
    EXPECT_EQ(clean_call_name("exec<|channel|>commentary"), "exec");
    EXPECT_EQ(clean_call_name("foo<|end|>"), "foo");
    EXPECT_EQ(clean_call_name("exec <|channel|>commentary"), "exec");
    EXPECT_EQ(clean_call_name("<|im_end|>"), "");
    EXPECT_EQ(clean_call_name("exec<|chan"), "exec");
    EXPECT_EQ(clean_call_name("exec<|channel|"), "exec");
    EXPECT_EQ(clean_call_name("<|a|>x<|b|>_y exec"), "exec");
}

TEST(call_names, names_without_them_stay_as_they_are) {
    for (const char* name : {"get_weather", "mcp__files-read", "a<b|c>d", "ünï", ""}) {
        EXPECT_EQ(clean_call_name(name), name);
    }
}

TEST(call_names, a_call_without_a_name_is_none) {
    auto d = calling({"<|im_end|>", "f<|end|>", ""});
    d.function_call = {.name = "<|im_end|>", .arguments = "{}"};

    clean_call_names(d);

    ASSERT_EQ(d.tool_calls.size(), 1u);
    EXPECT_EQ(d.tool_calls[0].name, "f");
    EXPECT_FALSE(d.function_call);
}

}  // namespace
}  // namespace meta_model::dispatch
