#include "api/message_event_inspector.hpp"
#include "api/response_event_inspector.hpp"
#include "api/wire_words.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace meta_model::api {
namespace {

std::string event(const std::string& data) {
    return "event: x\ndata: " + data + "\n\n";
}

template <class Inspector>
std::string model_in(const Inspector& inspector, const std::string& event) {
    return event.substr(inspector.model_offset(), inspector.model_length());
}

TEST(message_event_inspector, every_kind_of_event_has_its_verdict) {
    message_event_inspector i;
    EXPECT_EQ(i.inspect(": comment\n\n"), event_verdict::silent);
    EXPECT_EQ(i.inspect(event(R"({"type":"ping"})")), event_verdict::silent);
    EXPECT_EQ(i.inspect(event("[DONE]")), event_verdict::silent);
    EXPECT_EQ(i.inspect(event("{")), event_verdict::malformed);
    EXPECT_EQ(i.inspect(event("[1]")), event_verdict::malformed);
    EXPECT_EQ(i.inspect(event("{\"type\":\"x\xff\"}")), event_verdict::malformed);
    EXPECT_EQ(i.inspect(event("{}")), event_verdict::data);
    EXPECT_EQ(i.inspect(event(R"({"type":"new_kind"})")), event_verdict::data);
    EXPECT_EQ(i.inspect(event(R"({"type":"message_start","message":7})")), event_verdict::data);
    EXPECT_EQ(
        i.inspect(event(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"}})")),
        event_verdict::data
    );
    EXPECT_FALSE(i.has_finish()) << "only message_stop is the end";
    EXPECT_FALSE(i.has_content());
    EXPECT_EQ(i.inspect(event(R"({"type":"message_stop"})")), event_verdict::done);
    EXPECT_TRUE(i.has_finish());
}

TEST(message_event_inspector, errors_are_found_with_and_without_a_type) {
    message_event_inspector i;
    const auto typed = event(R"({"type":"error","error":{"type":"api_error"}})");
    ASSERT_EQ(i.inspect(typed), event_verdict::failure);
    EXPECT_EQ(i.error(), R"({"type":"api_error"})");
    const auto bare = event(R"({"error":{"message":"m"}})");
    ASSERT_EQ(i.inspect(bare), event_verdict::failure);
    EXPECT_EQ(i.error(), R"({"message":"m"})");
    EXPECT_EQ(i.inspect(event(R"({"type":"error"})")), event_verdict::failure);
    EXPECT_EQ(i.error(), "{}");
    EXPECT_EQ(i.inspect(event(R"({"type":"message_delta","error":null})")), event_verdict::data);
}

TEST(message_event_inspector, content_is_what_the_model_wrote) {
    message_event_inspector i;
    i.inspect(event(R"({"type":"content_block_start","content_block":{"type":"text","text":""}})"));
    i.inspect(event(R"({"type":"content_block_delta","delta":{"type":"text_delta","text":""}})"));
    EXPECT_FALSE(i.has_content());
    i.inspect(event(R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"ab\n"}})")
    );
    i.inspect(event(
        R"({"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}})"
    ));
    EXPECT_TRUE(i.has_content());
    EXPECT_EQ(i.content_bytes(), 4u);
    message_event_inspector of_calls;
    of_calls.inspect(event(R"({"type":"content_block_start","content_block":{"type":"tool_use"}})")
    );
    EXPECT_TRUE(of_calls.has_content());
}

TEST(message_event_inspector, usage_is_known_at_the_end_and_summed_from_both_places) {
    message_event_inspector i;
    i.inspect(event(
        R"({"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":7,"cache_creation_input_tokens":11,"output_tokens":1}}})"
    ));
    EXPECT_FALSE(i.usage());
    i.inspect(event(R"({"type":"message_delta","usage":{"output_tokens":13}})"));
    ASSERT_TRUE(i.usage());
    EXPECT_EQ(i.usage()->prompt_tokens, 23);
    EXPECT_EQ(i.usage()->cached_tokens, 7);
    EXPECT_EQ(i.usage()->cache_write_tokens, 11);
    EXPECT_EQ(i.usage()->completion_tokens, 13);
}

TEST(message_event_inspector, the_model_is_that_of_the_message) {
    message_event_inspector i;
    const auto start = event(
        R"({"type":"message_start","model":"no","message":{"x":{"model":"no"},"model":"real"}})"
    );
    i.inspect(start);
    EXPECT_EQ(model_in(i, start), "\"real\"");
    i.inspect(event(R"({"type":"content_block_stop","model":"no"})"));
    EXPECT_EQ(i.model_length(), 0u);
    i.inspect("data: {\"type\":\"message_start\",\ndata: \"message\":{\"model\":\"real\"}}\n\n");
    EXPECT_EQ(i.model_length(), 0u) << "joined lines are no place in the event";
}

TEST(response_event_inspector, every_kind_of_event_has_its_verdict) {
    response_event_inspector i;
    EXPECT_EQ(i.inspect(": comment\n\n"), event_verdict::silent);
    EXPECT_EQ(i.inspect(event("[DONE]")), event_verdict::silent);
    EXPECT_EQ(i.inspect(event("{")), event_verdict::malformed);
    EXPECT_EQ(i.inspect(event("{\"type\":\"x\xff\"}")), event_verdict::malformed);
    EXPECT_EQ(i.inspect(event("{}")), event_verdict::data);
    EXPECT_EQ(
        i.inspect(event(R"({"type":"response.new_kind","error":null})")), event_verdict::data
    );
    EXPECT_EQ(
        i.inspect(event(R"({"type":"response.created","response":{"status":"in_progress"}})")),
        event_verdict::data
    );
    EXPECT_FALSE(i.has_content());
    EXPECT_FALSE(i.has_finish());
    for (const std::string end : {"completed", "incomplete", "cancelled"}) {
        response_event_inspector ended;
        EXPECT_EQ(ended.inspect(event(R"({"type":"response.)" + end + "\"}")), event_verdict::done);
        EXPECT_TRUE(ended.has_finish());
    }
}

TEST(response_event_inspector, failures_come_in_three_forms) {
    response_event_inspector i;
    const auto failed =
        event(R"({"type":"response.failed","response":{"error":{"code":"server_error"}}})");
    ASSERT_EQ(i.inspect(failed), event_verdict::failure);
    EXPECT_TRUE(i.has_failed());
    EXPECT_EQ(i.error(), R"({"code":"server_error"})");
    const auto flat = event(R"({"type":"error","code":"rate_limit_exceeded"})");
    ASSERT_EQ(i.inspect(flat), event_verdict::failure);
    EXPECT_EQ(i.error(), R"({"type":"error","code":"rate_limit_exceeded"})");
    const auto nested = event(R"({"type":"error","error":{"message":"m"}})");
    ASSERT_EQ(i.inspect(nested), event_verdict::failure);
    EXPECT_EQ(i.error(), R"({"message":"m"})");
    EXPECT_FALSE(i.has_finish());
}

TEST(response_event_inspector, numbers_models_and_usage_are_read) {
    response_event_inspector i;
    EXPECT_EQ(i.next_sequence(), 0);
    const auto created =
        event(R"({"type":"response.created","sequence_number":3,"response":{"model":"real"}})");
    i.inspect(created);
    EXPECT_EQ(model_in(i, created), "\"real\"");
    EXPECT_EQ(i.next_sequence(), 4);
    i.inspect(event(R"({"type":"response.output_text.delta","delta":"abc","sequence_number":-1})"));
    EXPECT_EQ(i.model_length(), 0u);
    EXPECT_EQ(i.content_bytes(), 3u);
    EXPECT_TRUE(i.has_content());
    EXPECT_EQ(i.next_sequence(), 4);
    i.inspect(event(
        R"({"type":"response.completed","sequence_number":9,"response":{"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3}}}})"
    ));
    ASSERT_TRUE(i.usage());
    EXPECT_EQ(i.usage()->prompt_tokens, 5);
    EXPECT_EQ(i.usage()->cached_tokens, 2);
    EXPECT_EQ(i.usage()->completion_tokens, 7);
    EXPECT_EQ(i.usage()->reasoning_tokens, 3);
    EXPECT_EQ(i.usage()->total_tokens, 12);
}

TEST(wire_words, an_error_event_is_in_the_words_of_its_wire) {
    auto e = base::make_error(base::error_code_id::upstream_timeout, "too \"late\"");
    EXPECT_EQ(
        error_event_of(request_kind::messages, e, "r1"),
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":"
        "\"too \\\"late\\\"\"},\"request_id\":\"r1\"}\n\n"
    );
    EXPECT_EQ(
        error_event_of(request_kind::responses, e, "r1", 7),
        "event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_timeout\",\"message\":"
        "\"too \\\"late\\\"\",\"param\":null,\"sequence_number\":7}\n\n"
    );
    EXPECT_EQ(error_event_of(request_kind::chat, e, "r1").rfind("data: {\"error\":{", 0), 0u);
}

TEST(wire_words, known_errors_stand_for_their_status) {
    EXPECT_EQ(status_of_error_words(R"({"type":"overloaded_error"})"), 529);
    EXPECT_EQ(
        status_of_error_words(R"({"type":"invalid_request_error","code":"rate_limit_exceeded"})"),
        429
    );
    EXPECT_EQ(status_of_error_words(R"({"type":"error","code":null})"), 0);
    EXPECT_EQ(status_of_error_words("\"overloaded_error\""), 0);
    EXPECT_EQ(
        status_of_error_words(R"({"type":"invalid_request_error","code":"invalid_api_key"})"), 401
    );
    EXPECT_EQ(status_of_error_words(R"({"code":"image_parse_error"})"), 400);
}

TEST(wire_words, a_refusal_is_what_an_event_told) {
    const std::string told = R"({"type":"api_error","message":"m"})";
    const std::string event = R"({"type":"error","error":)" + told + R"(,"request_id":"r"})";
    EXPECT_EQ(refusal_of(request_kind::messages, event, told, 500), event);
    EXPECT_EQ(
        refusal_of(request_kind::messages, R"({"error":)" + told + "}", told, 500),
        R"({"type":"error","error":)" + told + "}"
    );
    const std::string flat =
        R"({"type":"error","code":"x","message":"m","param":null,"sequence_number":1})";
    EXPECT_EQ(
        refusal_of(request_kind::responses, flat, flat, 502),
        R"({"error":{"code":"x","message":"m","param":null,"type":"api_error"}})"
    );
    EXPECT_EQ(refusal_of(request_kind::responses, "{}", told, 500), R"({"error":)" + told + "}");
    EXPECT_EQ(refusal_of(request_kind::responses, "{}", R"({"code":"x"})", 502), "");
}

}  // namespace
}  // namespace meta_model::api
