#include "dispatch/partial_draft.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

const std::string enough(min_partial_bytes, 'x');

bool is_kept(std::string content) {
    api::draft d;
    d.content = std::move(content);
    return make_partial(d);
}

TEST(partial_draft, only_visible_text_counts) {
    EXPECT_TRUE(is_kept(enough));
    EXPECT_FALSE(is_kept(enough.substr(1)));
    EXPECT_FALSE(is_kept(enough.substr(1) + "   \n"));
    EXPECT_FALSE(is_kept("<think>" + enough)) << "a thought that never ended";
    EXPECT_FALSE(is_kept("<think>" + enough + "</think>And so"));
    EXPECT_TRUE(is_kept("<think>hm</think>" + enough));
    api::draft nothing;
    EXPECT_FALSE(make_partial(nothing));
}

TEST(partial_draft, reasoning_is_taken_out_of_it) {
    api::draft d;
    d.content = "<think>hm</think>" + enough;
    ASSERT_TRUE(make_partial(d));
    EXPECT_EQ(d.content, enough);
}

TEST(partial_draft, reasoning_alone_is_not_rescued) {
    api::draft d;
    d.reasoning_content = enough;
    EXPECT_FALSE(make_partial(d));
}

TEST(partial_draft, half_a_call_is_none) {
    api::draft with_call;
    with_call.content = enough;
    with_call.tool_calls.emplace_back();
    EXPECT_FALSE(make_partial(with_call));
    api::draft with_function;
    with_function.content = enough;
    with_function.function_call.emplace();
    EXPECT_FALSE(make_partial(with_function));
}

}  // namespace
}  // namespace meta_model::dispatch
