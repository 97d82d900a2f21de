#include "telemetry/names.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace meta_model::telemetry {
namespace {

TEST(names, a_name_keeps_its_index) {
    name_table table;
    const auto first = table.add("write.v1");
    const auto second = table.add("judge.v1");
    EXPECT_NE(first, second);
    EXPECT_EQ(table.add("write.v1"), first);
    EXPECT_EQ(table.find("judge.v1"), second);
    EXPECT_EQ(table.at(first), "write.v1");
}

TEST(names, an_unknown_name_is_other) {
    name_table table;
    EXPECT_EQ(table.find("gpt-typo"), 0);
    EXPECT_EQ(table.at(0), "other");
    EXPECT_EQ(table.at(77), "other");
}

TEST(names, the_table_is_bounded) {
    name_table table;
    for (std::size_t i = 1; i < name_table::capacity; ++i) {
        EXPECT_EQ(table.add("name-" + std::to_string(i)), i);
    }
    EXPECT_EQ(table.add("one too many"), 0);
    EXPECT_EQ(table.size(), name_table::capacity);
}

TEST(names, outcomes_have_the_codes_of_the_envelope) {
    EXPECT_EQ(to_string(outcome_code::ok), "ok");
    EXPECT_EQ(
        to_string(outcome_of(base::error_code_id::all_generators_failed)), "all_generators_failed"
    );
    EXPECT_EQ(to_string(outcome_of(base::error_code_id::client_closed)), "client_closed");
}

TEST(names, errors_with_a_null_code_have_a_word) {
    EXPECT_EQ(to_string(outcome_of(base::error_code_id::internal)), "internal");
    EXPECT_EQ(to_string(outcome_of(base::error_code_id::unknown_path)), "unknown_path");
    EXPECT_EQ(to_string(outcome_of(base::error_code_id::wrong_method)), "wrong_method");
    EXPECT_EQ(to_string(outcome_of(base::error_code_id::shape)), "shape");
}

TEST(names, every_error_code_has_a_place_and_a_word_of_its_own) {
    const auto last = static_cast<int>(base::error_code_id::client_closed);
    std::set<std::string> words;
    for (int i = 0; i <= last; ++i) {
        words.emplace(to_string(outcome_of(static_cast<base::error_code_id>(i))));
    }
    // unknown_model is model_not_found in another envelope, and one series.
    EXPECT_EQ(words.size(), static_cast<std::size_t>(last));
    EXPECT_EQ(
        outcome_of(base::error_code_id::unknown_model),
        outcome_of(base::error_code_id::model_not_found)
    );
    EXPECT_FALSE(words.contains("other"));
}

TEST(names, codes_beyond_the_last_place_are_other) {
    EXPECT_EQ(to_string(outcome_of(static_cast<base::error_code_id>(500))), "other");
}

TEST(names, every_word_of_a_vocabulary_is_different) {
    std::set<std::string> words;
    for (std::size_t i = 0; i < call_outcome_count; ++i) {
        words.emplace(to_string(static_cast<call_outcome>(i)));
    }
    EXPECT_EQ(words.size(), call_outcome_count);
    EXPECT_EQ(to_string(call_outcome::dual_shape_response), "dual_shape_response");
    EXPECT_EQ(to_string(call_outcome::cost), "cost");
    EXPECT_EQ(to_string(strategy::multimodal), "multimodal");
}

}  // namespace
}  // namespace meta_model::telemetry
