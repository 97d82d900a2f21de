#include "api/draft_builder.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

void add_list(draft_builder& builder, std::string_view name, std::string_view list) {
    builder.on_event({.kind = kind::reasoning_list, .text = list, .name = name});
}

TEST(draft_builder, pieces_of_what_seals_the_reasoning_are_put_together) {
    draft_builder builder;
    add_list(builder, "thinking_blocks", R"([{"type":"thinking","thinking":"caf\u00e9 "}])");
    add_list(builder, "reasoning_details", R"([{"type":"reasoning.text","text":"a","index":0}])");
    add_list(
        builder, "thinking_blocks", R"([{"type":"thinking","thinking":"\/","signature":"c2ln+="}])"
    );
    add_list(builder, "thinking_blocks", R"([ {"type":"redacted_thinking","data":"AA"} ])");
    add_list(builder, "reasoning_details", R"([{"text":"b","signature":"x","index":0}])");

    const auto draft = builder.take();
    EXPECT_EQ(
        draft.thinking_blocks,
        R"([{"type":"thinking","thinking":"caf\u00e9 \/","signature":"c2ln+="},{"type":"redacted_thinking","data":"AA"}])"
    );
    EXPECT_EQ(
        draft.reasoning_details,
        R"([{"type":"reasoning.text","text":"ab","index":0,"signature":"x"}])"
    );
}

TEST(draft_builder, lists_that_are_too_large_are_dropped_as_a_whole) {
    const auto block = [](std::size_t bytes) {
        return R"([{"type":"redacted_thinking","data":")" + std::string(bytes, 'a') + R"("}])";
    };
    draft_builder fits;
    add_list(fits, "thinking_blocks", block(max_seal_bytes - 100));
    EXPECT_GT(fits.take().thinking_blocks.size(), max_seal_bytes - 100);

    draft_builder builder;
    add_list(builder, "thinking_blocks", block(max_seal_bytes / 2));
    add_list(builder, "reasoning_details", block(max_seal_bytes / 2));
    add_list(builder, "thinking_blocks", block(1));
    builder.on_event({.kind = kind::text_delta, .text = "text"});
    EXPECT_FALSE(builder.is_too_large());
    const auto draft = builder.take();
    EXPECT_EQ(draft.thinking_blocks, "");
    EXPECT_EQ(draft.reasoning_details, "");
    EXPECT_EQ(draft.content, "text");

    draft_builder crowded;
    std::string many = "[{}";
    for (int i = 0; i < 5000; ++i) {
        many += ",{}";
    }
    add_list(crowded, "reasoning_details", many + "]");
    EXPECT_EQ(crowded.take().reasoning_details, "");

    draft_builder forgetful;
    add_list(forgetful, "thinking_blocks", block(1));
    forgetful.forget_text();
    add_list(forgetful, "thinking_blocks", block(1));
    EXPECT_EQ(forgetful.take().thinking_blocks, "");
}

TEST(draft_builder, pieces_with_very_many_members_are_not_joined) {
    draft_builder builder;
    std::string wide = R"([{"index":0)";
    for (int i = 0; i < 30'000; ++i) {
        wide += ",\"" + std::to_string(i) + "\":1";
    }
    wide += "}]";
    add_list(builder, "reasoning_details", wide);
    add_list(builder, "reasoning_details", wide);
    std::string narrow = "[";
    for (int i = 0; i < 10'000; ++i) {
        narrow += (i == 0 ? R"({"index":1,")" : R"(,{"index":1,")") + std::to_string(i) + "\":1}";
    }
    add_list(builder, "reasoning_details", narrow + "]");

    const auto list = nlohmann::json::parse(builder.take().reasoning_details);
    EXPECT_GT(list.size(), 100u);
    EXPECT_EQ(list[1].size(), 30'001u);
    std::size_t members = 0;
    for (const auto& element : list) {
        members += element.size() - 1;
    }
    EXPECT_EQ(members, 70'000u);
}

}  // namespace
}  // namespace meta_model::api
