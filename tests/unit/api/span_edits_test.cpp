#include "api/span_edits.hpp"

#include "api/sse_events.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::api {
namespace {

std::string edited(span_edits& edits, std::string_view text) {
    pieces parts;
    edits.apply(text, parts);
    std::string out;
    for (const auto part : parts) {
        out += part;
    }
    EXPECT_EQ(out.size(), total_size(parts));
    return out;
}

TEST(span_edits, no_edit_leaves_the_text) {
    span_edits edits;
    EXPECT_TRUE(edits.empty());
    EXPECT_EQ(edited(edits, "abc"), "abc");
    EXPECT_EQ(edited(edits, ""), "");
}

TEST(span_edits, edits_are_applied_in_the_order_of_the_text) {
    span_edits edits;
    edits.replace(6, 7, "G");
    edits.replace(0, 2, "");
    edits.replace_owned(3, 3, std::string("+"));
    edits.replace_owned(3, 3, std::string("-"));
    edits.replace(8, 8, "!");
    EXPECT_FALSE(edits.empty());
    EXPECT_EQ(edited(edits, "abcdefgh"), "c+-defGh!");
}

TEST(span_edits, kept_replacements_do_not_move) {
    span_edits edits;
    std::string expected;
    for (std::size_t i = 0; i < 100; ++i) {
        edits.replace_owned(i, i + 1, std::to_string(i));
        expected += std::to_string(i);
    }
    EXPECT_EQ(edited(edits, std::string(100, '.')), expected);
}

TEST(sse_events, an_event_ends_at_its_blank_line) {
    EXPECT_EQ(find_event_end("data: a\n\nrest"), 9u);
    EXPECT_EQ(find_event_end("data: a\r\n\r\nrest"), 11u);
    EXPECT_EQ(find_event_end("data: a\ndata: b\n\n"), 17u);
    for (const std::string_view open : {"", "data: a", "data: a\n", "data: a\r\n\r", "a\rb\n"}) {
        EXPECT_EQ(find_event_end(open), std::string_view::npos) << open;
    }
}

TEST(sse_events, a_search_goes_on_where_the_last_one_ended) {
    for (const std::string event : {"data: abc\n\n", "data: abc\r\n\r\n"}) {
        for (std::size_t split = 0; split < event.size(); ++split) {
            EXPECT_EQ(
                find_event_end(std::string_view(event).substr(0, split)), std::string_view::npos
            );
            EXPECT_EQ(find_event_end(event, split < 3 ? 0 : split - 3), event.size()) << split;
        }
    }
}

TEST(sse_events, data_lines_are_joined_and_other_lines_left_out) {
    std::string storage;
    EXPECT_EQ(event_data("data: a\n\n", storage), "a");
    EXPECT_EQ(event_data("data:a\r\n\r\n", storage), "a");
    EXPECT_EQ(event_data("data:  a\n\n", storage), " a");
    EXPECT_EQ(event_data("event: x\nid: 1\ndata: a\n: c\ndata: b\n\n", storage), "a\nb");
    EXPECT_EQ(event_data("data\ndata\n\n", storage), "\n");
    EXPECT_EQ(event_data(": heartbeat\n\n", storage), "");
    EXPECT_EQ(event_data("database: x\n\n", storage), "");
    EXPECT_EQ(event_data("\n\n", storage), "");
}

}  // namespace
}  // namespace meta_model::api
