#include "dispatch/election.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace meta_model::dispatch {
namespace {

using config::ballot_kind;
using config::vote_aggregation;
using nlohmann::json;

// What voters said; "?" is still out, "!" failed, "~" was cancelled.
std::vector<voter_report> voters(ballot_kind kind, const std::vector<std::string>& texts) {
    std::vector<voter_report> out;
    for (const auto& text : texts) {
        auto& v = out.emplace_back();
        v.state = text == "?"   ? voter_state::pending
                  : text == "!" ? voter_state::failed
                  : text == "~" ? voter_state::cancelled
                                : voter_state::answered;
        if (v.state == voter_state::answered) {
            api::draft d;
            d.content = text;
            v.vote = read_ballot(d, {.kind = kind, .labels = {"red", "green", "blue"}});
        }
    }
    return out;
}

election elected(
    ballot_kind kind,
    vote_aggregation aggregation,
    const std::vector<std::string>& texts,
    std::optional<std::size_t> preferred = std::nullopt
) {
    return elect(voters(kind, texts), {.kind = kind, .aggregation = aggregation}, preferred);
}

TEST(election, failure_votes_stand_in_for_yes_and_no) {
    const std::vector<std::string> texts{"no", "!", "perhaps", "~"};
    const auto all = voters(ballot_kind::yes_no, texts);
    election_rules rules{.aggregation = vote_aggregation::majority};
    EXPECT_EQ(elect(all, rules).verdict, "yes");
    EXPECT_EQ(votes_json(all, rules), R"(["no","yes","yes",null])");
    rules.failure_vote = config::vote::no;
    EXPECT_EQ(elect(all, rules).verdict, "no");
    EXPECT_EQ(elect(all, rules).margin, 3 * weight_unit);
    EXPECT_EQ(elect(all, rules).tally, R"([{"value":"no","votes":3}])");
}

TEST(election, other_ballots_abstain_when_they_fail) {
    const auto result = elected(
        ballot_kind::label, vote_aggregation::majority, {"green", "!", "who knows", "green"}
    );
    EXPECT_EQ(result.verdict, "green");
    EXPECT_EQ(result.supporters, (std::vector<std::size_t>{0, 3}));
    EXPECT_FALSE(elected(ballot_kind::label, vote_aggregation::majority, {"!", "hm"}).has_result);
}

TEST(election, a_tie_goes_to_the_first_voter_or_to_whom_is_preferred) {
    const std::vector<std::string> texts{"red", "green", "green", "blue", "blue"};
    const auto first = elected(ballot_kind::label, vote_aggregation::plurality, texts);
    EXPECT_EQ(first.verdict, "green");
    EXPECT_EQ(first.tied, (std::vector<std::size_t>{1, 3}));
    EXPECT_EQ(first.margin, 0);
    const auto judged = elected(ballot_kind::label, vote_aggregation::plurality, texts, 3);
    EXPECT_EQ(judged.verdict, "blue");
    EXPECT_EQ(elected(ballot_kind::label, vote_aggregation::plurality, texts, 0).verdict, "green")
        << "red is not among the tied";
    const auto majority = elected(ballot_kind::label, vote_aggregation::majority, texts, 0);
    EXPECT_EQ(majority.verdict, "red") << "without a majority all answers are candidates";
    EXPECT_EQ(majority.margin, -weight_unit);
}

TEST(election, numbers_that_agree_are_one_answer) {
    const auto result = elected(
        ballot_kind::number, vote_aggregation::majority, {"0.5", "7", "1/2", "The answer is .50"}
    );
    EXPECT_EQ(result.verdict, "0.5");
    EXPECT_EQ(result.margin, 2 * weight_unit);
}

TEST(election, fields_of_json_are_counted_one_by_one) {
    const auto result = elected(
        ballot_kind::json,
        vote_aggregation::majority,
        {R"({"name":"Ann","age":41,"city":"Oslo"})",
         R"({"age":40,"name":"Ann"})",
         R"({"name":"Anna","age":40, "x":[1]})"}
    );
    EXPECT_EQ(json::parse(result.verdict), json::parse(R"({"name":"Ann","age":40})"));
    const auto tally = json::parse(result.tally);
    EXPECT_EQ(tally["name"][0], json::parse(R"({"value":"Ann","votes":2})"));
    EXPECT_EQ(tally["city"][0], json::parse(R"({"value":null,"votes":2})"));
    EXPECT_EQ(result.margin, weight_unit);
    EXPECT_TRUE(result.tied.empty());
}

TEST(election, tied_fields_take_the_preferred_voters_values) {
    const std::vector<std::string> texts{R"({"a":1,"b":1})", R"({"a":2,"b":2})", "~"};
    EXPECT_EQ(
        elected(ballot_kind::json, vote_aggregation::plurality, texts).verdict, R"({"a":1,"b":1})"
    );
    const auto judged = elected(ballot_kind::json, vote_aggregation::plurality, texts, 1);
    EXPECT_EQ(judged.verdict, R"({"a":2,"b":2})");
    EXPECT_EQ(judged.tied, (std::vector<std::size_t>{0, 1}));
}

TEST(election, json_that_is_no_object_is_counted_whole) {
    const auto result =
        elected(ballot_kind::json, vote_aggregation::plurality, {"[1, 2]", "[1,2]", R"({"a":1})"});
    EXPECT_EQ(result.verdict, "[1, 2]");
    EXPECT_FALSE(elected(ballot_kind::json, vote_aggregation::plurality, {"x", "!"}).has_result);
}

TEST(election, json_is_settled_by_a_majority_of_whole_values_only) {
    const election_rules rules{
        .kind = ballot_kind::json, .aggregation = vote_aggregation::plurality
    };
    const auto settled = [&](const std::vector<std::string>& texts) {
        return is_settled(voters(ballot_kind::json, texts), rules);
    };
    EXPECT_TRUE(settled({R"({"a":1})", R"({"a": 1})", "?"}));
    EXPECT_FALSE(settled({R"({"a":1})", R"({"a":1,"b":2})", "?"}));
    EXPECT_FALSE(settled({R"({"a":1})", "?", "?"}));
}

TEST(election, weights_show_in_the_tally) {
    auto all = voters(ballot_kind::label, {"red", "green", "green"});
    all[0].weight = 5 * weight_unit / 2;
    const auto result =
        elect(all, {.kind = ballot_kind::label, .aggregation = vote_aggregation::weighted});
    EXPECT_EQ(result.verdict, "red");
    EXPECT_EQ(
        result.tally,
        R"([{"value":"red","votes":1,"weight":2.5},{"value":"green","votes":2,"weight":2}])"
    );
}

}  // namespace
}  // namespace meta_model::dispatch
