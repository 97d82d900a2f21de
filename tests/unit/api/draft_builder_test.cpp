#include "api/draft_builder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::api {
namespace {

using kind = answer_event_kind;

TEST(draft_builder, forgotten_text_is_counted_and_not_kept) {
    draft_builder builder;
    builder.on_event({.kind = kind::text_delta, .text = "one "});
    builder.on_event({.kind = kind::tool_call_delta, .text = "{", .id = "c", .name = "f"});
    builder.forget_text();
    builder.on_event({.kind = kind::text_delta, .text = "two"});
    builder.on_event({.kind = kind::tool_call_delta, .text = "}", .id = "c"});
    builder.on_event({.kind = kind::finish, .text = "stop"});

    EXPECT_EQ(builder.content_bytes(), 7u);
    EXPECT_TRUE(builder.is_finished());
    const auto draft = builder.take();
    EXPECT_EQ(draft.content.value_or(""), "");
    EXPECT_EQ(draft.finish_reason, "stop");
    ASSERT_EQ(draft.tool_calls.size(), 1u);
    EXPECT_EQ(draft.tool_calls[0].arguments, "");
}

TEST(draft_builder, the_limit_holds_for_text_that_is_not_kept) {
    draft_builder builder({.max_bytes = 10});
    builder.forget_text();
    builder.on_event({.kind = kind::text_delta, .text = "0123456789"});
    EXPECT_FALSE(builder.is_too_large());
    builder.on_event({.kind = kind::text_delta, .text = "x"});

    EXPECT_TRUE(builder.is_too_large());
    EXPECT_EQ(builder.content_bytes(), 10u);
}

TEST(draft_builder, very_many_calls_take_no_time_each) {
    constexpr int count = 500'000;
    draft_builder builder;
    for (int i = 0; i < count; ++i) {
        builder.on_event({.kind = kind::tool_call_delta, .name = "f", .index = i * 3});
    }
    builder.on_event({.kind = kind::tool_call_delta, .text = "{}", .index = 3});

    const auto draft = builder.take();
    ASSERT_EQ(draft.tool_calls.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(draft.tool_calls[1].arguments, "{}");
}

}  // namespace
}  // namespace meta_model::api
