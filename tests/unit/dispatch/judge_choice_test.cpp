#include "dispatch/judge_choice.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {
namespace {

TEST(judge_choice, moa_114_the_first_line_is_the_number) {
    EXPECT_EQ(read_choice("2", 3), 1u);
    EXPECT_EQ(read_choice("\n\n  3 \nbecause candidate 1 is wrong", 3), 2u);
    EXPECT_EQ(read_choice("1\r\n", 3), 0u);
}

TEST(judge_choice, else_the_first_digits_count) {
    EXPECT_EQ(read_choice("Candidate 2 is best, 1 is not.", 3), 1u);
    EXPECT_EQ(read_choice("**2.**", 3), 1u);
    EXPECT_EQ(read_choice("The index is\n3", 3), 2u);
}

TEST(judge_choice, moa_115_what_is_no_candidates_number_is_no_choice) {
    for (const char* reply :
         {"", "  \n", "the second one", "9", "0", "-1", "99999999999999999999", "candidate 9 or 1"
         }) {
        EXPECT_FALSE(read_choice(reply, 2)) << reply;
    }
}

}  // namespace
}  // namespace meta_model::dispatch
