#include "api/reasoning.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::api {
namespace {

std::string filtered(std::string_view text, std::size_t a, std::size_t b) {
    leading_reasoning_filter filter;
    std::string out(filter.feed(text.substr(0, a)));
    out += filter.feed(text.substr(a, b - a));
    out += filter.feed(text.substr(b));
    out += filter.finish();
    return out;
}

TEST(reasoning, moa_207_paired_tags_are_removed) {
    EXPECT_EQ(strip_in_band_reasoning("<think>plan</think>The answer is 42."), "The answer is 42.");
    EXPECT_EQ(strip_in_band_reasoning("<thinking>x</thinking>real"), "real");
}

TEST(reasoning, moa_208_leftover_tags_take_their_side_with_them) {
    EXPECT_EQ(
        strip_in_band_reasoning("reasoning text\n</think>\n\nFinal answer here."),
        "Final answer here."
    );
    EXPECT_EQ(strip_in_band_reasoning("<think>still going"), "");
}

TEST(reasoning, moa_209_triangle_tags_are_removed) {
    EXPECT_EQ(strip_in_band_reasoning("◁think▷x◁/think▷done"), "done");
}

TEST(reasoning, moa_210_only_the_final_channel_is_shown) {
    EXPECT_EQ(
        strip_in_band_reasoning(
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final"
            "<|message|>It is 4.<|return|>"
        ),
        "It is 4."
    );
    EXPECT_EQ(strip_in_band_reasoning("<|channel|>analysis<|message|>only thoughts<|end|>"), "");
}

TEST(reasoning, moa_211_a_spoken_preamble_ends_at_its_marker) {
    EXPECT_EQ(
        strip_in_band_reasoning("Here is my thinking process:\n1. Look.\n2. Add.\nAnswer:\nIt is 4."
        ),
        "It is 4."
    );
}

TEST(reasoning, moa_212_comparisons_are_no_tags) {
    EXPECT_EQ(strip_in_band_reasoning("stop if a < b while 7 > 2"), "stop if a < b while 7 > 2");
}

TEST(reasoning, moa_214_text_about_tags_is_left_alone) {
    for (const std::string_view text :
         {"Use the <thinking> tag to mark thoughts.",
          "```\n<think>x</think>\n```\n",
          "  leading and trailing space \n",
          "Write `<think>` first."}) {
        EXPECT_EQ(strip_in_band_reasoning(text), text);
    }
}

TEST(reasoning, the_filter_gives_the_same_in_every_split) {
    for (const std::string_view text :
         {"<think>plan</think>The answer is 42.",
          "<thinking>x</thinking>\n\nreal  ",
          "<think>still going",
          "◁think▷x◁/think▷done",
          "\n <THINK a=\"b\">x</Think> y <think>z</think>",
          "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>It "
          "is 4.<|return|>",
          "<|channel|>analysis<|message|>only<|end|>",
          "<analysis>weak</analysis>",
          "<analysis>weak</analysis>real",
          "stop if a < b",
          "Use the <thinking> tag.",
          "<thinker>no mark</thinker>",
          "<",
          "",
          " \n ",
          "plain text  ",
          "<|begin_of_thought|>t<|end_of_thought|><|begin_of_solution|>s<|end_of_solution|>",
          "<|begin_of_thought|>never closed <|begin_of_solution|> s <|end_of_solution|>"}) {
        const auto whole = filtered(text, text.size(), text.size());
        for (std::size_t a = 0; a <= text.size(); ++a) {
            for (std::size_t b = a; b <= text.size(); ++b) {
                ASSERT_EQ(filtered(text, a, b), whole) << text << " at " << a << ", " << b;
            }
        }
        leading_reasoning_filter filter;
        std::string bytewise;
        for (std::size_t i = 0; i < text.size(); ++i) {
            bytewise += filter.feed(text.substr(i, 1));
        }
        bytewise += filter.finish();
        EXPECT_EQ(bytewise, whole) << text;
        EXPECT_EQ(whole, strip_in_band_reasoning(text)) << text;
    }
}

TEST(reasoning, plain_text_passes_at_once) {
    leading_reasoning_filter filter;
    EXPECT_EQ(filter.feed("Hello"), "Hello");
    EXPECT_EQ(filter.feed(" <think> "), " <think> ");
    EXPECT_FALSE(filter.has_stripped());
    EXPECT_EQ(filter.finish(), "");
}

TEST(reasoning, reasoning_is_shown_when_there_is_nothing_else) {
    draft d;
    d.reasoning_content = "  the text \n";
    rescue_reasoning(d);
    EXPECT_EQ(d.content, "the text");
    EXPECT_EQ(d.reasoning_content, "");

    draft blank;
    blank.content = " \n";
    blank.reasoning = "r";
    EXPECT_FALSE(has_visible_content(blank));
    rescue_reasoning(blank);
    EXPECT_EQ(blank.content, "r");
}

TEST(reasoning, content_and_calls_always_win) {
    draft with_content;
    with_content.content = "x";
    with_content.reasoning = "r";
    rescue_reasoning(with_content);
    EXPECT_EQ(with_content.content, "x");
    draft with_call;
    with_call.tool_calls.push_back({.name = "f"});
    with_call.reasoning = "r";
    rescue_reasoning(with_call);
    EXPECT_FALSE(with_call.content);
}

}  // namespace
}  // namespace meta_model::api
