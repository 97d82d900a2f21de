#include "dispatch/message_estimate.hpp"

#include "dispatch/conversation.hpp"
#include "dispatch/prompt_budget.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace meta_model::dispatch {
namespace {

using nlohmann::json;

struct parsed {
    explicit parsed(const json& messages)
        : body(json{{"model", "m"}, {"messages", messages}}.dump()) {
        EXPECT_TRUE(request.parse(body, 64)) << body;
    }
    std::string body;
    api::chat_request request;
};

std::int64_t estimate(const json& message) {
    const parsed p(json::array({message}));
    return estimate_message_tokens(shape_of(p.request.messages().front()));
}

json user(const json& content) {
    return {{"role", "user"}, {"content", content}};
}

TEST(message_estimate, the_examples_of_the_specification) {
    EXPECT_EQ(estimate(user("hello world")), 10);
    EXPECT_EQ(estimate(user("hi")), 7);
    EXPECT_EQ(estimate({{"role", "system"}, {"content", std::string(2800, 'a')}}), 1007);
    EXPECT_EQ(estimate(user(std::string(14000, 'a'))), 5006);
}

TEST(message_estimate, text_is_measured_as_the_model_sees_it) {
    EXPECT_EQ(estimate(user("ééééé\n\"\"\n")), estimate(user(std::string(14, 'a'))));
    const parsed escaped(json::array({user("x")}));
    api::chat_request request;
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":"\u00e9\u00e9"}]})";
    ASSERT_TRUE(request.parse(body, 64));
    EXPECT_EQ(shape_of(request.messages()[0]).content_bytes, 4u);
}

TEST(message_estimate, parts_are_joined_and_media_have_a_price) {
    const json text = {{"type", "text"}, {"text", "hello"}};
    const json image = {
        {"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,AA"}}}
    };
    const json glance = {
        {"type", "image_url"}, {"image_url", {{"url", "http://x"}, {"detail", "low"}}}
    };
    const json sound = {
        {"type", "input_audio"},
        {"input_audio", {{"data", std::string(128000, 'A')}, {"format", "wav"}}}
    };
    EXPECT_EQ(estimate(user({text, text})), estimate(user("hello\nhello")));
    EXPECT_EQ(estimate(user({text, image})), estimate(user("hello")) + 765);
    EXPECT_EQ(estimate(user(json::array({glance}))), estimate(user("")) + 85);
    EXPECT_EQ(estimate(user(json::array({sound}))), estimate(user("")) + 31);
    const parsed p(json::array({user({text, image, sound})}));
    EXPECT_EQ(
        estimate_message_tokens(
            shape_of(p.request.messages()[0], media_set(config::modality::image))
        ),
        estimate(user("hello")) + 20 + 31
    );
}

TEST(message_estimate, calls_count_names_arguments_and_a_frame) {
    const json call = {
        {"id", "c1"},
        {"type", "function"},
        {"function", {{"name", "lookup"}, {"arguments", "{\"a\":1}"}}}
    };
    const json spread = {
        {"id", "c1"},
        {"type", "function"},
        {"function", {{"name", "lookup"}, {"arguments", {{"a", 1}}}}}
    };
    const auto bare = estimate({{"role", "assistant"}, {"content", nullptr}});
    const json one = {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {call}}};
    EXPECT_EQ(estimate(one), bare + 3 + 3 + 10);
    EXPECT_EQ(estimate({{"role", "assistant"}, {"tool_calls", {call, spread}}}), bare + 32);
    EXPECT_EQ(
        estimate({{"role", "assistant"}, {"function_call", {{"name", "lookup"}, {"arguments", ""}}}}
        ),
        bare + 13
    );
}

TEST(message_estimate, the_quick_sum_is_the_sum) {
    const json talk = {
        {{"role", "system"}, {"content", "be brief"}},
        user("hi"),
        {{"role", "assistant"}, {"content", "hello"}},
        user({{{"type", "text"}, {"text", "so?"}}})
    };
    const parsed p(talk);
    const auto quick = estimate_simple_conversation(p.request);
    ASSERT_TRUE(quick);
    EXPECT_EQ(*quick, read_conversation(p.request).tokens);
    const parsed ends_with_text({user("hi"), {{"role", "assistant"}, {"content", "x"}}});
    EXPECT_FALSE(estimate_simple_conversation(ends_with_text.request));
}

TEST(prompt_budget, the_examples_of_the_specification) {
    EXPECT_EQ(prompt_budget(8192, 0), 5680);
    EXPECT_EQ(prompt_budget(16384, 0), 13872);
    EXPECT_EQ(prompt_budget(4096, 0), 4096 - 1024 - 512);
    EXPECT_EQ(prompt_budget(4096, 1000), 4096 - 1024 - 512 - 1000);
    EXPECT_LT(prompt_budget(1024, 300), 0);
}

TEST(prompt_budget, moa_167_the_answer_gets_what_the_prompt_leaves) {
    EXPECT_EQ(output_ceiling(8192, 5006), 2674);
    EXPECT_EQ(output_ceiling(128000, 71435), 128000 - 71435 - 2232);
}

TEST(prompt_budget, moa_168_a_full_window_leaves_an_explicit_cap_of_one) {
    EXPECT_EQ(output_ceiling(4096, 4096), 1);
    EXPECT_EQ(output_ceiling(4096, 3583), 1);
    EXPECT_EQ(output_ceiling(4096, 3582), 2);
}

TEST(prompt_budget, a_full_prompt_never_eats_the_reserve) {
    for (std::int64_t context = 1024; context <= 2'000'000; context += context / 3) {
        const auto prompt = prompt_budget(context, 0);
        EXPECT_GE(output_ceiling(context, prompt), std::min<std::int64_t>(2000, context / 4))
            << context;
    }
}

TEST(prompt_budget, an_upstream_that_counts_more_gets_less) {
    EXPECT_EQ(prompt_budget(8192, 0, 2.0), 2840);
    EXPECT_EQ(prompt_budget(8192, 100, 2.0), 2740);
    EXPECT_EQ(output_ceiling(8192, 2000, 2.0), 8192 - 4000 - 512);
}

}  // namespace
}  // namespace meta_model::dispatch
