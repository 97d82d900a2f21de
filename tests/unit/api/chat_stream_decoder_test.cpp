#include "api/chat_stream_decoder.hpp"

#include "api/draft_builder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

namespace meta_model::api {
namespace {

// Each event as a line of text.
class event_log final : public answer_listener {
public:
    void on_event(const answer_event& e) override {
        text += std::to_string(static_cast<int>(e.kind)) + '|' + std::string(e.text) + '|'
                + std::string(e.id) + '|' + std::string(e.name) + '|' + std::string(e.model) + '|'
                + std::to_string(e.index);
        if (e.usage != nullptr) {
            text += '|' + std::to_string(e.usage->total_tokens);
        }
        text += e.error != nullptr ? "|failure\n" : "\n";
    }

    std::string text;
};

std::string event(std::string_view delta, std::string_view finish = "null") {
    return R"(data: {"id":"up-1","model":"real","choices":[{"index":0,"delta":)"
           + std::string(delta) + R"(,"finish_reason":)" + std::string(finish) + "}]}\n\n";
}

std::string call(std::string_view members) {
    return event(R"({"tool_calls":[{)" + std::string(members) + "}]}");
}

draft draft_of(const std::string& stream) {
    draft_builder builder;
    chat_stream_decoder decoder(builder);
    EXPECT_TRUE(decoder.feed(stream));
    return builder.take();
}

void expect_same_in_every_split(const std::string& stream) {
    event_log whole;
    chat_stream_decoder decoder(whole);
    ASSERT_TRUE(decoder.feed(stream));
    EXPECT_TRUE(decoder.is_done());
    const std::string_view bytes = stream;
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        event_log log;
        chat_stream_decoder split(log);
        ASSERT_TRUE(split.feed(bytes.substr(0, at)));
        ASSERT_TRUE(split.feed(bytes.substr(at)));
        ASSERT_EQ(log.text, whole.text) << at;
        EXPECT_EQ(split.is_done(), decoder.is_done());
        EXPECT_EQ(split.dropped_events(), decoder.dropped_events());
    }
    event_log log;
    chat_stream_decoder single(log);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        ASSERT_TRUE(single.feed(bytes.substr(at, 1)));
    }
    EXPECT_EQ(log.text, whole.text);
}

std::string sample_stream() {
    return ": comment\n\n" + event(R"({"role":"assistant","content":""})")
           + event(R"({"reasoning":"why"})") + event(R"({"content":"h\u00e9 \ud83d\ude42"})")
           + "data: {broken\n\n"
           + call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\""})")
           + call(R"("index":0,"function":{"arguments":":1}"})") + event("{}", "\"tool_calls\"")
           + R"(data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"
           + "\n\n" + "data: [DONE]\n\n" + event(R"({"content":"late"})");
}

std::string with_crlf(const std::string& text) {
    std::string out;
    for (const char c : text) {
        out += c == '\n' ? "\r\n" : std::string(1, c);
    }
    return out;
}

TEST(chat_stream_decoder, every_split_gives_the_same_events) {
    expect_same_in_every_split(sample_stream());
}

TEST(chat_stream_decoder, every_split_of_crlf_lines_gives_the_same_events) {
    expect_same_in_every_split(with_crlf(sample_stream()));
    event_log lf;
    event_log crlf;
    chat_stream_decoder(lf).feed(sample_stream());
    chat_stream_decoder(crlf).feed(with_crlf(sample_stream()));
    EXPECT_EQ(lf.text, crlf.text);
}

TEST(chat_stream_decoder, a_whole_answer_is_collected) {
    const auto answer = draft_of(sample_stream());
    EXPECT_EQ(answer.id, "up-1");
    EXPECT_EQ(answer.model, "real");
    EXPECT_EQ(answer.content, "h\xc3\xa9 \xf0\x9f\x99\x82");
    EXPECT_EQ(answer.reasoning, "why");
    EXPECT_EQ(answer.finish_reason, "tool_calls");
    ASSERT_EQ(answer.tool_calls.size(), 1u);
    EXPECT_EQ(answer.tool_calls[0].arguments, R"({"a":1})");
    ASSERT_TRUE(answer.usage);
    EXPECT_EQ(answer.usage->total_tokens, 3);
}

TEST(chat_stream_decoder, a_reused_index_with_another_id_is_another_call) {
    const auto answer = draft_of(
        call(R"("index":0,"id":"a","function":{"name":"f","arguments":"{}"})")
        + call(R"("index":0,"id":"b","function":{"name":"g","arguments":"[1"})")
        + call(R"("index":0,"function":{"arguments":"]"})")
    );
    ASSERT_EQ(answer.tool_calls.size(), 2u);
    EXPECT_EQ(answer.tool_calls[0].name, "f");
    EXPECT_EQ(answer.tool_calls[0].arguments, "{}");
    EXPECT_EQ(answer.tool_calls[1].id, "b");
    EXPECT_EQ(answer.tool_calls[1].arguments, "[1]");
}

TEST(chat_stream_decoder, calls_without_ids_are_told_apart_by_index_and_name) {
    const auto answer = draft_of(
        call(R"("index":0,"function":{"name":"f","arguments":"{}"})")
        + call(R"("index":0,"function":{"name":"g","arguments":"{}"})")
        + call(R"("index":1,"function":{"name":"h","arguments":"{"})")
        + call(R"("index":1,"function":{"arguments":"}"})")
    );
    ASSERT_EQ(answer.tool_calls.size(), 3u);
    EXPECT_EQ(answer.tool_calls[1].name, "g");
    EXPECT_EQ(answer.tool_calls[2].name, "h");
    EXPECT_EQ(answer.tool_calls[2].arguments, "{}");
}

TEST(chat_stream_decoder, a_call_whose_index_changes_goes_on) {
    const auto answer = draft_of(
        call(R"("index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""})")
        + call(R"("index":1,"function":{"arguments":":1"})")
        + call(R"("function":{"arguments":"}"})")
    );
    ASSERT_EQ(answer.tool_calls.size(), 1u);
    EXPECT_EQ(answer.tool_calls[0].arguments, R"({"x":1})");
}

TEST(chat_stream_decoder, interleaved_calls_stay_apart) {
    const auto answer = draft_of(
        call(R"("index":0,"id":"a","function":{"name":"f","arguments":"1"})")
        + call(R"("index":3,"id":"b","function":{"name":"g","arguments":"2"})")
        + call(R"("index":0,"function":{"arguments":"3"})")
        + call(R"("index":3,"id":"b","function":{"arguments":"4"})")
    );
    ASSERT_EQ(answer.tool_calls.size(), 2u);
    EXPECT_EQ(answer.tool_calls[0].arguments, "13");
    EXPECT_EQ(answer.tool_calls[1].arguments, "24");
}

TEST(chat_stream_decoder, the_last_call_that_is_taken_is_taken_whole) {
    std::string stream;
    for (int i = 0; i < 130; ++i) {
        const auto n = std::to_string(i);
        stream += call(
            "\"index\":" + n + R"(,"id":"id)" + n + R"(","function":{"name":"f","arguments":""})"
        );
        stream += call("\"index\":" + n + R"(,"function":{"arguments":"{"})");
        stream += call(R"("function":{"arguments":"}"})");
    }
    event_log log;
    chat_stream_decoder decoder(log);
    EXPECT_TRUE(decoder.feed(stream));
    EXPECT_EQ(decoder.dropped_events(), 2 * 3);
    const auto answer = draft_of(stream);
    ASSERT_EQ(answer.tool_calls.size(), 128u);
    EXPECT_EQ(answer.tool_calls.back().id, "id127");
    EXPECT_EQ(answer.tool_calls.back().arguments, "{}");
}

TEST(chat_stream_decoder, malformed_calls_and_events_are_dropped_and_counted) {
    event_log log;
    chat_stream_decoder decoder(log);
    EXPECT_TRUE(decoder.feed("data: nonsense\n\ndata: {\"a\":\"\xff\"}\n\n"));
    EXPECT_TRUE(decoder.feed(event(R"({"tool_calls":[1]})") + call(R"("function":"f")")));
    EXPECT_EQ(decoder.dropped_events(), 4);
    EXPECT_FALSE(decoder.has_content());
}

TEST(chat_stream_decoder, an_error_ends_the_stream) {
    event_log log;
    chat_stream_decoder decoder(log);
    EXPECT_FALSE(
        decoder.feed("data: {\"error\":{\"message\":\"no\"}}\n\n" + event(R"({"content":"x"})"))
    );
    EXPECT_NE(log.text.find("failure"), std::string::npos);
    EXPECT_NE(log.text.find(R"(|{"message":"no"}|)"), std::string::npos) << log.text;
    EXPECT_EQ(log.text.find('x'), std::string::npos);
}

TEST(chat_stream_decoder, an_event_without_end_is_bounded) {
    event_log log;
    chat_stream_decoder decoder(log);
    const std::string block(1u << 19, 'x');
    EXPECT_TRUE(decoder.feed(block));
    EXPECT_TRUE(decoder.feed(block));
    EXPECT_FALSE(decoder.feed("x"));
}

TEST(chat_stream_decoder, a_cut_stream_is_not_finished) {
    event_log log;
    chat_stream_decoder decoder(log);
    EXPECT_TRUE(decoder.feed(event(R"({"content":"x"})")));
    EXPECT_TRUE(decoder.has_content());
    EXPECT_FALSE(decoder.has_finished());
    EXPECT_FALSE(decoder.is_done());
}

std::string of_choice(int index, std::string_view delta, std::string_view finish = "null") {
    return R"({"index":)" + std::to_string(index) + R"(,"delta":)" + std::string(delta)
           + R"(,"finish_reason":)" + std::string(finish) + '}';
}

std::string choices_event(const std::string& choices) {
    return R"(data: {"id":"up-1","model":"real","choices":[)" + choices + "]}\n\n";
}

// A draft for each choice; what is of all goes to each.
class choice_drafts final : public answer_listener {
public:
    explicit choice_drafts(std::size_t count) : builders(count) {}

    void on_event(const answer_event& e) override {
        builders.at(static_cast<std::size_t>(e.choice)).on_event(e);
    }

    std::vector<draft_builder> builders;
};

TEST(chat_stream_decoder, choices_of_one_stream_are_told_apart) {
    choice_drafts drafts(3);
    chat_stream_decoder decoder(drafts, 3);

    EXPECT_TRUE(decoder.feed(
        choices_event(of_choice(1, R"({"content":"two "})"))
        + choices_event(of_choice(0, R"({"content":"one"})"))
        + choices_event(of_choice(1, R"({"content":"and more"})", "\"stop\""))
        + choices_event(of_choice(2, R"({"content":"a"})") + ',' + of_choice(0, "{}", "\"length\""))
    ));
    EXPECT_TRUE(decoder.has_content());
    EXPECT_FALSE(decoder.has_finished()) << "the third has not";
    EXPECT_FALSE(decoder.is_whole());
    EXPECT_TRUE(decoder.feed(choices_event(of_choice(2, "{}", "\"stop\""))));

    EXPECT_TRUE(decoder.has_finished());
    EXPECT_EQ(*drafts.builders[0].current().content, "one");
    EXPECT_EQ(drafts.builders[0].current().finish_reason, "length");
    EXPECT_EQ(*drafts.builders[1].current().content, "two and more");
    EXPECT_EQ(*drafts.builders[2].current().content, "a");
}

TEST(chat_stream_decoder, tool_calls_of_choices_do_not_mix) {
    choice_drafts drafts(2);
    chat_stream_decoder decoder(drafts, 2);
    const auto call_of = [](int index, std::string_view members) {
        return choices_event(
            of_choice(index, R"({"tool_calls":[{"index":0,)" + std::string(members) + "}]}")
        );
    };

    EXPECT_TRUE(decoder.feed(
        call_of(0, R"("id":"x","function":{"name":"f","arguments":"{\"a\":"})")
        + call_of(1, R"("id":"y","function":{"name":"g","arguments":"{\"b\":"})")
        + call_of(0, R"("function":{"arguments":"1}"})")
        + call_of(1, R"("function":{"arguments":"2}"})")
    ));

    for (const auto& [i, name, arguments] :
         {std::tuple(0u, "f", R"({"a":1})"), std::tuple(1u, "g", R"({"b":2})")}) {
        const auto& calls = drafts.builders[i].current().tool_calls;
        ASSERT_EQ(calls.size(), 1u);
        EXPECT_EQ(calls[0].name, name);
        EXPECT_EQ(calls[0].arguments, arguments);
    }
}

TEST(chat_stream_decoder, choices_that_nobody_asked_for_are_dropped) {
    choice_drafts drafts(2);
    chat_stream_decoder decoder(drafts, 2);

    EXPECT_TRUE(decoder.feed(
        choices_event(of_choice(2, R"({"content":"x"})"))
        + choices_event(of_choice(-1, R"({"content":"x"})"))
        + choices_event(of_choice(0, R"({"content":"y"})", "\"stop\""))
    ));

    EXPECT_EQ(decoder.dropped_events(), 2);
    EXPECT_FALSE(decoder.has_finished());
    EXPECT_TRUE(decoder.is_whole()) << "what began is there";
}

TEST(chat_stream_decoder, choices_whose_index_cannot_be_read_belong_to_no_draft) {
    choice_drafts drafts(2);
    chat_stream_decoder decoder(drafts, 2);
    const auto part = [](std::string_view index, std::string_view text) {
        return choices_event(
            "{" + std::string(index) + R"("delta":{"content":")" + std::string(text) + R"("}})"
        );
    };

    EXPECT_TRUE(decoder.feed(
        part(R"("index":0,)", "mine") + part(R"("index":"1",)", "text")
        + part(R"("index":1e0,)", "x") + part(R"("index":36893488147419103232,)", "large")
        + part(R"("index":[1],)", "list")
    ));

    EXPECT_EQ(*drafts.builders[0].current().content, "mine");
    EXPECT_EQ(decoder.dropped_events(), 4);
    EXPECT_TRUE(decoder.feed(part("", ", too") + part(R"("index":null,)", ", and more")));
    EXPECT_EQ(*drafts.builders[0].current().content, "mine, too, and more")
        << "a server that gives one choice need not number it";
}

TEST(chat_wire, a_completion_with_several_choices_is_read_by_index) {
    const auto choice = [](std::string_view index, std::string_view text) {
        return R"({)" + std::string(index) + R"("message":{"content":")" + std::string(text)
               + R"("},"finish_reason":"stop"})";
    };
    const auto body = R"({"id":"i","model":"m","choices":[)" + choice(R"("index":2,)", "third")
                      + ',' + choice(R"("index":0,)", "first") + ','
                      + choice(R"("index":7,)", "none") + ','
                      + R"({"index":1,"message":{"content":null,"tool_calls":"x"}})" + ','
                      + choice(R"("index":0,)", "again")
                      + R"(],"usage":{"prompt_tokens":3,"completion_tokens":9,"total_tokens":12}})";
    std::vector<decoded_choice> out(4);
    std::optional<token_usage> usage;

    EXPECT_EQ(decode_chat_choices(body, out, usage), completion_fault::none);

    EXPECT_EQ(*out[0].answer.content, "first");
    EXPECT_EQ(out[0].answer.model, "m");
    EXPECT_EQ(out[1].fault, completion_fault::malformed);
    EXPECT_EQ(*out[2].answer.content, "third");
    EXPECT_EQ(out[3].fault, completion_fault::no_choice);
    EXPECT_EQ(usage->completion_tokens, 9);
    EXPECT_FALSE(out[0].answer.usage);

    const auto bare = R"({"choices":[)" + choice("", "a") + ',' + choice("", "b") + "]}";
    std::vector<decoded_choice> two(2);
    EXPECT_EQ(decode_chat_choices(bare, two, usage), completion_fault::none);
    EXPECT_EQ(*two[1].answer.content, "b") << "by its place where it says none";
    EXPECT_EQ(decode_chat_choices("[]", two, usage), completion_fault::not_object);
    EXPECT_EQ(decode_chat_choices(R"({"choices":[]})", two, usage), completion_fault::no_choice);
    EXPECT_EQ(
        decode_chat_choices(R"({"error":{"message":"x"}})", two, usage),
        completion_fault::error_object
    );
}

}  // namespace
}  // namespace meta_model::api
