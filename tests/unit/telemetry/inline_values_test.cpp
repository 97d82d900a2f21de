#include "telemetry/inline_values.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::telemetry {
namespace {

TEST(short_label, holds_every_word_of_the_vocabulary) {
    const short_label label = "synth_failed_picked_primary";
    EXPECT_EQ(label.view(), "synth_failed_picked_primary");
    EXPECT_TRUE(short_label().empty());
}

TEST(short_label, copies_and_cuts) {
    std::string word(100, 'x');
    const short_label label = std::string_view(word);
    word.assign(100, 'y');
    EXPECT_EQ(label.view(), std::string(short_label::capacity, 'x'));
}

TEST(small_list, goes_on_behind_its_inner_places) {
    small_list<int, 2> list;
    EXPECT_TRUE(list.empty());
    for (int i = 0; i < 5; ++i) {
        list.push_back(i * 10);
    }
    ASSERT_EQ(list.size(), 5u);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(list[static_cast<std::size_t>(i)], i * 10);
    }
    list.clear();
    list.push_back(7);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0], 7);
}

}  // namespace
}  // namespace meta_model::telemetry
