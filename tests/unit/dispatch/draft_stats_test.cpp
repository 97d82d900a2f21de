#include "dispatch/draft_stats.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

api::draft text_draft(std::string content) {
    api::draft d;
    d.content = std::move(content);
    return d;
}

TEST(draft_stats, lengths_count_the_normalised_text_and_its_empty_parts) {
    const auto empty = text_draft("");
    const auto hi = text_draft("  hi \n");
    const auto accented = text_draft("h\xc3\xa9");
    const auto stats = draft_statistics({&empty, &hi, &accented});
    EXPECT_EQ(lengths_header(stats), "8,10,11");
}

TEST(draft_stats, calls_count_too) {
    api::draft d;
    d.tool_calls.push_back({.id = "any", .name = "f", .arguments = R"({ "a" : 1 })"});
    // [["f","{\"a\":1}"]], two NULs and null
    EXPECT_EQ(draft_statistics({&d}).front().bytes, 19u + 2 + 4);
}

TEST(draft_stats, moa_110_equal_drafts_share_a_hash) {
    const auto a = text_draft("same words");
    const auto b = text_draft("other words");
    const auto c = text_draft("same\n words ");
    const auto stats = draft_statistics({&a, &b, &c});
    EXPECT_EQ(stats[0].hash, stats[2].hash);
    EXPECT_NE(stats[0].hash, stats[1].hash);
    EXPECT_EQ(hashes_header(stats), stats[0].hash + "," + stats[1].hash + "," + stats[0].hash);
}

TEST(draft_stats, moa_109_one_draft_has_one_hash_of_16_digits) {
    const auto a = text_draft("x");
    const auto hashes = hashes_header(draft_statistics({&a}));
    EXPECT_EQ(hashes.size(), 16u);
    EXPECT_EQ(hashes.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(draft_stats, hashes_never_match_across_requests) {
    const auto a = text_draft("x");
    EXPECT_NE(draft_statistics({&a}).front().hash, draft_statistics({&a}).front().hash);
}

TEST(draft_stats, no_drafts_make_empty_headers) {
    EXPECT_EQ(lengths_header({}), "");
    EXPECT_EQ(hashes_header({}), "");
}

}  // namespace
}  // namespace meta_model::dispatch
