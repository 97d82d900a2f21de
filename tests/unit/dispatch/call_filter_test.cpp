#include "dispatch/call_filter.hpp"

#include "api/draft_builder.hpp"
#include "unit/dispatch/drafts_of_calls.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

using kind = api::answer_event_kind;

// What comes out behind the filter.
struct filtered {
    tool_policy policy = policy_of(tool_mode::automatic, {"f", "g"});
    api::draft_builder out{};
    call_filter filter{policy, out};

    void call(int index, std::string_view id, std::string_view name, std::string_view text) {
        filter.on_event(
            {.kind = kind::tool_call_delta, .text = text, .id = id, .name = name, .index = index}
        );
    }
    void finish(std::string_view reason) {
        filter.on_event({.kind = kind::finish, .text = reason});
    }
};

TEST(call_filter, declared_calls_pass_and_close_the_gaps) {
    filtered f;
    f.call(0, "c0", "f", "{\"a\"");
    f.call(0, "", "", ":1}");
    f.call(1, "c1", "rogue", "{}");
    f.call(1, "", "", "more");
    f.call(2, "c2", "g<|end|>", "{}");
    f.finish("tool_calls");

    const auto& d = f.out.current();
    ASSERT_EQ(d.tool_calls.size(), 2u);
    EXPECT_EQ(d.tool_calls[0].id, "c0");
    EXPECT_EQ(d.tool_calls[0].arguments, "{\"a\":1}");
    EXPECT_EQ(d.tool_calls[1].id, "c2");
    EXPECT_EQ(d.tool_calls[1].name, "g");
    EXPECT_EQ(d.finish_reason, "tool_calls");
    ASSERT_TRUE(f.filter.breach());
    EXPECT_EQ(f.filter.breach()->name, "rogue");
}

TEST(call_filter, without_any_call_left_the_finish_is_stop) {
    filtered f;
    f.filter.on_event({.kind = kind::text_delta, .text = "a word"});
    f.call(0, "c0", "rogue", "{}");
    f.finish("tool_calls");

    EXPECT_EQ(f.out.current().content, "a word");
    EXPECT_TRUE(f.out.current().tool_calls.empty());
    EXPECT_EQ(f.out.current().finish_reason, "stop");
}

TEST(call_filter, a_call_waits_for_its_name) {
    filtered f;
    f.call(0, "c0", "", "{");
    EXPECT_TRUE(f.out.current().tool_calls.empty());
    f.call(0, "", "f", "}");
    f.call(1, "c1", "", "{}");

    ASSERT_EQ(f.out.current().tool_calls.size(), 1u);
    EXPECT_EQ(f.out.current().tool_calls[0].id, "c0");
    EXPECT_EQ(f.out.current().tool_calls[0].arguments, "{}");
    EXPECT_FALSE(f.filter.breach());
}

TEST(call_filter, what_waits_for_a_name_is_bounded) {
    filtered f;
    const std::string much(1u << 19, 'x');
    for (int i = 0; i < 4; ++i) {
        f.call(0, "c0", "", much);
    }
    f.call(0, "", "f", "{}");
    EXPECT_TRUE(f.out.current().tool_calls.empty());
}

TEST(call_filter, where_no_tools_are_declared_no_call_passes) {
    filtered f;
    f.policy = {};
    f.call(0, "c0", "any", "{}");
    f.finish("tool_calls");

    EXPECT_TRUE(f.out.current().tool_calls.empty());
    EXPECT_EQ(f.out.current().finish_reason, "stop");
    ASSERT_TRUE(f.filter.breach());
    EXPECT_EQ(f.filter.breach()->name, "any");
}

TEST(call_filter, legacy_calls_are_held_to_the_same_names) {
    filtered declared;
    declared.filter.on_event({.kind = kind::function_delta, .text = "{", .name = "f"});
    declared.filter.on_event({.kind = kind::function_delta, .text = "}"});
    declared.finish("function_call");
    ASSERT_TRUE(declared.out.current().function_call);
    EXPECT_EQ(declared.out.current().function_call->arguments, "{}");
    EXPECT_EQ(declared.out.current().finish_reason, "function_call");

    filtered rogue;
    rogue.filter.on_event({.kind = kind::function_delta, .text = "{}", .name = "rogue"});
    rogue.finish("function_call");
    EXPECT_FALSE(rogue.out.current().function_call);
    EXPECT_EQ(rogue.out.current().finish_reason, "stop");
}

}  // namespace
}  // namespace meta_model::dispatch
