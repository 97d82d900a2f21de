#include "api/call_tracker.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace meta_model::api {

namespace {

TEST(call_tracker, whole_arguments_without_an_id_leave_the_next_id_to_the_next_call) {
    call_tracker calls;
    ASSERT_EQ(calls.find("0", "", "f"), 0u);
    calls.add_arguments(0, R"({"a":"}\"{"} )");

    EXPECT_EQ(calls.find("0", "c2", "g"), 1u);
    EXPECT_EQ(calls.find("0", "c2", ""), 1u);
}

TEST(call_tracker, an_id_that_comes_late_is_of_the_call_that_is_open) {
    call_tracker calls;
    ASSERT_EQ(calls.find("0", "", "f"), 0u);
    calls.add_arguments(0, R"({"a":)");

    EXPECT_EQ(calls.find("0", "c1", "f"), 0u);
    calls.add_arguments(0, "1}");
    EXPECT_EQ(calls.find("0", "c1", "f"), 0u);
    EXPECT_EQ(calls.find("0", "", ""), 0u);
}

TEST(call_tracker, a_repeated_name_begins_a_call_behind_whole_arguments_only) {
    for (const std::string open :
         {"", "{", R"({"a":{})", R"("{}")", "{}}", "{]}", "[{}]", "{} x"}) {
        call_tracker calls;
        calls.find("0", "", "f");
        calls.add_arguments(0, open);
        EXPECT_EQ(calls.find("0", "", "f"), 0u) << open;
    }
    call_tracker calls;
    calls.find("0", "", "f");
    for (const char c : std::string(R"( {"a":["\\",{}]})")) {
        EXPECT_EQ(calls.find("0", "", "f"), 0u);
        calls.add_arguments(0, std::string(1, c));
    }
    calls.add_arguments(0, "\n");
    EXPECT_EQ(calls.find("0", "", "f"), 1u);
}

TEST(call_tracker, names_that_are_repeated_cost_no_second_look) {
    call_tracker calls;
    calls.find("0", "", "f");
    calls.add_arguments(0, R"({"a":[{})");
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 200'000; ++i) {
        calls.find("0", "", "f");
        calls.add_arguments(0, ",{}");
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    EXPECT_EQ(calls.find("0", "", "f"), 0u);
}

}  // namespace

}  // namespace meta_model::api
