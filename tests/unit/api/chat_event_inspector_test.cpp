#include "api/chat_event_inspector.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meta_model::api {
namespace {

std::string content_event(std::string_view raw_text, std::string_view after = "") {
    return R"(data: {"id":"x","model":"real","choices":[{"index":0,"delta":{"content":")"
           + std::string(raw_text) + R"("},"finish_reason":null}])" + std::string(after) + "}\n\n";
}

std::string model_in(const chat_event_inspector& inspector, std::string_view event) {
    return std::string(event.substr(inspector.model_offset(), inspector.model_length()));
}

TEST(chat_event_inspector, every_kind_of_event_has_its_verdict) {
    chat_event_inspector inspector;
    EXPECT_EQ(inspector.inspect(": heartbeat\n\n"), event_verdict::silent);
    EXPECT_EQ(inspector.inspect("data: {\"a\":\n\n"), event_verdict::malformed);
    EXPECT_EQ(inspector.inspect("data: [1]\n\n"), event_verdict::malformed);
    EXPECT_EQ(inspector.inspect("data: {\"a\":\"\xff\"}\n\n"), event_verdict::malformed);
    EXPECT_EQ(inspector.inspect("data: {}\n\n"), event_verdict::data);
    EXPECT_EQ(inspector.inspect(content_event("a")), event_verdict::data);
    EXPECT_EQ(inspector.inspect("data: [DONE]\n\n"), event_verdict::done);
    EXPECT_EQ(inspector.inspect("data: {\"error\":null,\"choices\":[]}\n\n"), event_verdict::data);
    const std::string failure = "data: {\"error\":{\"message\":\"m\"}}\n\n";
    ASSERT_EQ(inspector.inspect(failure), event_verdict::failure);
    EXPECT_EQ(inspector.error(), R"({"message":"m"})");
}

TEST(chat_event_inspector, the_short_way_says_what_the_long_way_says) {
    const std::vector<std::string> events{
        content_event("a"),
        content_event("b c"),
        content_event(R"(\"q\"\\)"),
        content_event("\xc3\xa9"),
        content_event("\xff"),
        content_event(R"(\u00e9)"),
        content_event("a\"b"),
        content_event(R"(\)"),
        content_event(R"(x\q)"),
        content_event("\x01"),
        content_event(R"(a","content":"b)"),
        content_event(
            "z", R"(,"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3})"
        ),
        content_event(R"("},"finish_reason":null}]},{"x":[{"delta":{"content":")"),
        content_event(std::string(5000, 'x')),
    };
    chat_event_inspector warm;
    for (int round = 0; round < 2; ++round) {
        for (const auto& event : events) {
            chat_event_inspector cold;
            const auto verdict = cold.inspect(event);
            EXPECT_EQ(warm.inspect(content_event("warm")), event_verdict::data);
            const auto before = warm.content_bytes();
            EXPECT_EQ(warm.inspect(event), verdict) << event;
            if (verdict == event_verdict::data) {
                EXPECT_EQ(model_in(warm, event), model_in(cold, event)) << event;
                EXPECT_EQ(model_in(warm, event), "\"real\"");
            }
            if (event != events[10]) {  // a member given twice counts once or whole
                EXPECT_EQ(warm.content_bytes() - before, cold.content_bytes()) << event;
            }
        }
    }
}

TEST(chat_event_inspector, a_model_behind_the_text_is_found_each_time) {
    chat_event_inspector inspector;
    for (const std::string text : {"a", "long text", "b"}) {
        const auto event = R"(data: {"choices":[{"delta":{"content":")" + text
                           + R"("}}],"model":"real"})" + "\n\n";
        ASSERT_EQ(inspector.inspect(event), event_verdict::data);
        EXPECT_EQ(model_in(inspector, event), "\"real\"");
    }
}

TEST(chat_event_inspector, content_finish_and_usage_are_noticed) {
    chat_event_inspector inspector;
    inspector.inspect(R"(data: {"choices":[{"delta":{"role":"assistant","content":""}}]})"
                      "\n\n");
    EXPECT_FALSE(inspector.has_content());
    EXPECT_EQ(inspector.model_length(), 0u);
    inspector.inspect(content_event("four"));
    EXPECT_TRUE(inspector.has_content());
    EXPECT_FALSE(inspector.has_finish());
    inspector.inspect(R"(data: {"choices":[{"delta":{},"finish_reason":"stop"}]})"
                      "\n\n");
    EXPECT_TRUE(inspector.has_finish());
    EXPECT_FALSE(inspector.usage());
    inspector.inspect(R"(data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}})"
                      "\n\n");
    ASSERT_TRUE(inspector.usage());
    EXPECT_EQ(inspector.usage()->prompt_tokens, 3);
    EXPECT_EQ(inspector.usage()->completion_tokens, 4);
    EXPECT_EQ(inspector.content_bytes(), 4u);
}

TEST(chat_event_inspector, calls_reasoning_and_refusals_are_content) {
    for (const std::string_view delta :
         {R"({"tool_calls":[{"index":0}]})",
          R"({"function_call":{"name":"f"}})",
          R"({"reasoning":"r"})",
          R"({"reasoning_content":"r"})",
          R"({"refusal":"no"})"}) {
        chat_event_inspector inspector;
        inspector.inspect(R"(data: {"choices":[{"delta":)" + std::string(delta) + "}]}\n\n");
        EXPECT_TRUE(inspector.has_content()) << delta;
    }
}

}  // namespace
}  // namespace meta_model::api
