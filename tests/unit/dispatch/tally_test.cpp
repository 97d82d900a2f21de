#include "dispatch/tally.hpp"

#include <gtest/gtest.h>

#include <random>

namespace meta_model::dispatch {
namespace {

using config::vote_aggregation;

// One letter a vote: y n (yes, no), Y N (failure votes), ? pending, - abstained; digits are options.
std::vector<cast_vote> votes(std::string_view text) {
    std::vector<cast_vote> out;
    for (const char c : text) {
        cast_vote v;
        v.state = c == '?'               ? cast_state::pending
                  : c == '-'             ? cast_state::abstained
                  : c == 'Y' || c == 'N' ? cast_state::stand_in
                                         : cast_state::cast;
        v.option = c == 'n' || c == 'N'   ? no_option
                   : c >= '0' && c <= '9' ? static_cast<std::size_t>(c - '0')
                                          : yes_option;
        out.push_back(v);
    }
    return out;
}

bool decided(std::string_view text, vote_aggregation aggregation, std::size_t options = 2) {
    return is_decided(votes(text), options, aggregation);
}

std::optional<std::size_t> winner(
    std::string_view text, vote_aggregation aggregation, std::size_t options = 2
) {
    return count_votes(votes(text), options, aggregation).winner;
}

TEST(tally, any_yes_and_all_yes_end_with_one_real_vote) {
    EXPECT_TRUE(decided("??y", vote_aggregation::any_yes));
    EXPECT_FALSE(decided("??n", vote_aggregation::any_yes));
    EXPECT_FALSE(decided("??Y", vote_aggregation::any_yes))
        << "a failure vote decides nothing early";
    EXPECT_TRUE(decided("??n", vote_aggregation::all_yes));
    EXPECT_FALSE(decided("??N", vote_aggregation::all_yes));
    EXPECT_EQ(winner("nnY", vote_aggregation::any_yes), yes_option);
    EXPECT_EQ(winner("nn-", vote_aggregation::any_yes), no_option);
    EXPECT_EQ(winner("yyN", vote_aggregation::all_yes), no_option);
    EXPECT_EQ(winner("yy-", vote_aggregation::all_yes), yes_option);
}

TEST(tally, a_majority_is_more_than_half) {
    EXPECT_TRUE(decided("yyy??", vote_aggregation::majority));
    EXPECT_FALSE(decided("yy???", vote_aggregation::majority));
    EXPECT_FALSE(decided("yyY??", vote_aggregation::majority));
    EXPECT_TRUE(decided("yyy?Y", vote_aggregation::majority));
    EXPECT_EQ(winner("yyn", vote_aggregation::majority), yes_option);
    EXPECT_EQ(winner("yn", vote_aggregation::majority), std::nullopt);
    EXPECT_EQ(winner("00112", vote_aggregation::majority, 3), std::nullopt);
    EXPECT_EQ(winner("001--", vote_aggregation::majority, 2), 0u) << "abstentions do not count";
}

TEST(tally, a_plurality_is_more_than_any_other) {
    EXPECT_EQ(winner("00012", vote_aggregation::plurality, 3), 0u);
    EXPECT_EQ(winner("00112", vote_aggregation::plurality, 3), std::nullopt);
    EXPECT_TRUE(decided("000??", vote_aggregation::plurality, 1));
    EXPECT_FALSE(decided("00???", vote_aggregation::plurality, 1));
    EXPECT_FALSE(decided("0001??", vote_aggregation::plurality, 2));
    EXPECT_TRUE(decided("0001?", vote_aggregation::plurality, 2));
}

TEST(tally, a_tie_names_its_leaders_and_what_a_judge_may_choose) {
    const auto plurality = count_votes(votes("00112"), 3, vote_aggregation::plurality);
    EXPECT_EQ(plurality.candidates, (std::vector<std::size_t>{0, 1}));
    const auto majority = count_votes(votes("00112"), 3, vote_aggregation::majority);
    EXPECT_EQ(majority.leaders, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(majority.candidates, (std::vector<std::size_t>{0, 1, 2}));
    const auto nobody = count_votes(votes("--"), 2, vote_aggregation::plurality);
    EXPECT_TRUE(!nobody.winner && nobody.leaders.empty());
}

TEST(tally, weights_add_up_exactly) {
    auto three = votes("011");
    three[0].weight = 3 * weight_unit / 10;
    three[1].weight = weight_unit / 10;
    three[2].weight = 2 * weight_unit / 10;
    EXPECT_EQ(count_votes(three, 2, vote_aggregation::weighted).winner, std::nullopt)
        << "0.1 + 0.2 is 0.3";
    three[0].weight += 1;
    const auto count = count_votes(three, 2, vote_aggregation::weighted);
    EXPECT_EQ(count.winner, 0u);
    EXPECT_EQ(margin_of(count, 0), 1);
}

// Whatever the rest says, the winner of a decided vote stays the winner.
TEST(tally, what_is_decided_early_is_what_all_votes_say) {
    std::mt19937 random(7);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    constexpr vote_aggregation all[] = {
        vote_aggregation::any_yes,
        vote_aggregation::all_yes,
        vote_aggregation::majority,
        vote_aggregation::plurality,
        vote_aggregation::weighted
    };
    int decided_early = 0;
    for (int round = 0; round < 20000; ++round) {
        const auto aggregation = all[below(std::size(all))];
        const bool is_yes_no =
            aggregation == vote_aggregation::any_yes || aggregation == vote_aggregation::all_yes;
        const std::size_t options = is_yes_no ? 2 : 3;
        std::vector<cast_vote> whole(2 + below(6));
        for (auto& v : whole) {
            v.state = below(5) == 0 ? cast_state::stand_in : cast_state::cast;
            v.state = !is_yes_no && below(6) == 0 ? cast_state::abstained : v.state;
            v.option = below(options);
            v.weight = aggregation == vote_aggregation::weighted
                           ? static_cast<std::int64_t>(1 + below(5)) * weight_unit
                           : weight_unit;
        }
        auto partial = whole;
        for (auto& v : partial) {
            v.state = below(2) == 0 ? cast_state::pending : v.state;
        }
        if (!is_decided(partial, options, aggregation)) {
            continue;
        }
        ++decided_early;
        const auto early = count_votes(partial, options, aggregation).winner;
        ASSERT_TRUE(early);
        ASSERT_EQ(early, count_votes(whole, options, aggregation).winner) << "round " << round;
    }
    EXPECT_GT(decided_early, 1000);
}

}  // namespace
}  // namespace meta_model::dispatch
