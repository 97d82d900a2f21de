#include "dispatch/cost_plan.hpp"

#include "dispatch/purse.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

namespace meta_model::dispatch {

namespace {

base::money usd(double amount) {
    return base::from_usd(amount);
}

panel_costs three(double draft, double reading, double synthesis) {
    return {
        .drafts = {usd(draft), usd(draft), usd(draft)},
        .readings = {usd(reading), usd(reading), usd(reading)},
        .synthesis = usd(synthesis)
    };
}

TEST(cost_plan, a_ceiling_takes_the_dearer_price_of_the_prompt) {
    const config::upstream_pricing cached{
        .input = base::per_token(1),
        .cached_input = base::per_token(0.5),
        .output = base::per_token(4)
    };
    const config::upstream_pricing written{
        .input = base::per_token(1),
        .cached_input = base::per_token(2),
        .output = base::per_token(4)
    };

    EXPECT_EQ(cost_ceiling(cached, 1000, 100), usd(0.0014));
    EXPECT_EQ(cost_ceiling(written, 1000, 100), usd(0.0024));
    EXPECT_EQ(cost_ceiling({}, 1000, 100), base::money{});
    auto marked = cached;
    marked.cache_write = base::per_token(1.25);
    EXPECT_EQ(cost_ceiling(marked, 1000, 100), usd(0.00165));
}

TEST(cost_plan, a_prompt_may_be_a_third_longer_than_its_estimate) {
    EXPECT_EQ(most_prompt_tokens(1000), 1300);
    EXPECT_EQ(most_prompt_tokens(1), 2);
    EXPECT_EQ(most_prompt_tokens(1000, 2.0), 2600) << "an upstream that counts more";
    EXPECT_EQ(most_prompt_tokens(1000, 0.75), 1300) << "one that counts less is not believed";
}

TEST(cost_plan, the_synthesizer_is_paid_before_the_last_draft) {
    const auto all = choose_panel(three(0.01, 0.001, 0.02), usd(0.053));
    const auto two = choose_panel(three(0.01, 0.001, 0.02), usd(0.052999));

    EXPECT_EQ(all.count, 3u);
    EXPECT_EQ(all.held, usd(0.023));
    EXPECT_EQ(two.starts, (std::vector<bool>{true, true, false}));
    EXPECT_EQ(two.held, usd(0.022));
}

// Of one upstream: the first draft pays the prompt of the call, the others only for their answers.
panel_costs of_one_call() {
    return {
        .drafts = {usd(0.01), usd(0.004), usd(0.004), usd(0.01)},
        .sharing = {false, true, true, false},
        .readings = {usd(0.001), usd(0.001), usd(0.001), usd(0.001)},
        .synthesis = usd(0.02)
    };
}

TEST(cost_plan, a_shared_call_gives_as_many_drafts_as_fit) {
    const auto all = choose_panel(of_one_call(), usd(0.052));
    const auto three = choose_panel(of_one_call(), usd(0.051));
    const auto two = choose_panel(of_one_call(), usd(0.0409));

    EXPECT_EQ(all.count, 4u);
    EXPECT_EQ(three.starts, (std::vector<bool>{true, true, true, false}));
    EXPECT_EQ(two.starts, (std::vector<bool>{true, true, false, false}));
    EXPECT_EQ(two.held, usd(0.022));
}

TEST(cost_plan, nothing_joins_a_call_that_is_not_made) {
    auto costs = of_one_call();
    costs.drafts = {usd(0.5), usd(0.004), usd(0.004), usd(0.01)};

    EXPECT_EQ(choose_panel(costs, usd(0.1)).starts, (std::vector<bool>{false, false, false, true}));
    costs.drafts[3] = usd(0.5);
    const auto none = choose_panel(costs, usd(0.1));
    EXPECT_EQ(none.count, 0u);
    EXPECT_EQ(none.cheapest, usd(0.5)) << "an answer alone costs its prompt too";
}

TEST(cost_plan, a_cheaper_generator_takes_the_place_of_one_that_does_not_fit) {
    auto costs = three(0.01, 0.001, 0.02);
    costs.drafts[1] = usd(0.5);

    const auto choice = choose_panel(costs, usd(0.05));

    EXPECT_EQ(choice.starts, (std::vector<bool>{true, false, true}));
}

TEST(cost_plan, a_generator_whose_call_cannot_be_made_is_no_draft) {
    auto costs = three(0.01, 0.001, 0.02);
    costs.drafts[0].reset();

    const auto both = choose_panel(costs, usd(0.05));
    const auto lone = choose_panel(costs, usd(0.015));
    const auto none = choose_panel(costs, usd(0.005));

    EXPECT_EQ(both.count, 2u);
    EXPECT_EQ(lone.count, 1u);
    EXPECT_EQ(lone.starts, (std::vector<bool>{true, true, false})) << "the first says so itself";
    EXPECT_EQ(none.count, 0u);
    EXPECT_EQ(none.cheapest, usd(0.01));
}

TEST(cost_plan, a_lone_draft_needs_no_synthesis) {
    const auto lone = choose_panel(three(0.01, 0.001, 0.02), usd(0.035));
    const auto none = choose_panel(three(0.01, 0.001, 0.02), usd(0.009));

    EXPECT_EQ(lone.starts, (std::vector<bool>{true, false, false}));
    EXPECT_EQ(lone.held, base::money{});
    EXPECT_EQ(none.count, 0u);
    EXPECT_EQ(none.cheapest, usd(0.01));
}

TEST(purse, what_is_set_aside_cannot_be_spent_twice) {
    purse p(usd(1));

    EXPECT_TRUE(p.take(usd(0.6)));
    EXPECT_FALSE(p.take(usd(0.5)));
    p.settle(usd(0.6), usd(0.1));
    EXPECT_EQ(p.left(), usd(0.9));
    EXPECT_TRUE(p.take(usd(0.9)));
    p.settle(usd(0.9), usd(5));  // an upstream that did not keep to what was agreed
    EXPECT_EQ(p.left(), base::money{});
    EXPECT_FALSE(p.take(usd(0.000001)));
    EXPECT_TRUE(p.take({})) << "what is free always fits";
}

// One request at random: prices, sizes, outcomes. What its calls really cost never exceeds what it may.
class random_run {
public:
    explicit random_run(unsigned seed) : random_(seed), limit_(amount()), purse_(limit_) {}

    void run_panel() {
        panel_costs costs;
        const auto n = number(1, 8);
        std::vector<std::int64_t> outputs;
        const auto reader = pricing();
        for (int i = 0; i < n; ++i) {
            outputs.push_back(number(1, 20'000));
            costs.drafts.push_back(cost_ceiling(pricing(), number(1, 200'000), outputs.back()));
            costs.readings.push_back(cost_ceiling(reader, draft_tokens(outputs.back()), 0));
        }
        costs.synthesis = cost_ceiling(reader, number(1, 200'000), number(1, 20'000));
        const auto choice = choose_panel(costs, purse_.limit());
        ASSERT_TRUE(purse_.take(choice.held));
        auto all = choice.held;
        for (std::size_t i = 0; i < costs.drafts.size(); ++i) {
            if (choice.starts[i]) {
                ASSERT_TRUE(purse_.take(*costs.drafts[i])) << "what was chosen fits";
                all += *costs.drafts[i];
            }
        }
        EXPECT_LE(all, limit_);
        for (std::size_t i = 0; i < costs.drafts.size(); ++i) {
            if (choice.starts[i]) {
                end_call(*costs.drafts[i]);
            }
        }
        purse_.settle(choice.held);
        call(choice.count > 1 ? choice.held : costs.synthesis);
    }

    // Steps, gates, voters, judges, repairs: one after the other, as far as they fit.
    void run_calls() {
        const auto n = number(1, 12);
        for (int i = 0; i < n; ++i) {
            call(cost_ceiling(pricing(), number(1, 200'000), number(1, 20'000)));
        }
    }

    void expect_within_limit() const {
        EXPECT_LE(spent_, limit_);
        EXPECT_EQ(purse_.spent(), spent_);
        EXPECT_EQ(purse_.left(), base::minus(limit_, spent_)) << "nothing stays set aside";
    }

private:
    int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    double share() { return std::uniform_real_distribution<double>(0, 1)(random_); }
    base::money amount() {
        return base::from_usd(number(0, 20) == 0 ? 0 : std::pow(10.0, 6 * share() - 5));
    }
    config::upstream_pricing pricing() {
        config::upstream_pricing out;
        if (number(0, 5) > 0) {
            out.input = base::per_token(100 * share());
            out.output = base::per_token(400 * share());
        }
        if (number(0, 1) > 0) {
            out.cached_input = base::per_token(20 * share());
        }
        return out;
    }

    void call(base::money ceiling) {
        if (purse_.take(ceiling)) {
            end_call(ceiling);
        }
    }

    // Answered, cut in the middle, refused and tried again, or failed.
    void end_call(base::money ceiling) {
        base::money cost;
        const auto outcome = number(0, 3);
        if (outcome < 3) {
            cost.pico_usd =
                static_cast<std::int64_t>(share() * static_cast<double>(ceiling.pico_usd));
            cost = std::min(number(0, 3) == 0 ? ceiling : cost, ceiling);
        }
        spent_ += cost;
        purse_.settle(ceiling, cost);
        EXPECT_LE(spent_, limit_);
    }

    std::mt19937 random_;
    const base::money limit_;
    purse purse_;
    base::money spent_{};
};

TEST(cost_plan, no_random_run_costs_more_than_it_may) {
    const char* const wish = std::getenv("META_MODEL_BUDGET_RUNS");
    const auto runs = wish != nullptr ? std::stoul(wish) : 10'000ul;
    for (unsigned seed = 0; seed < runs && !testing::Test::HasFailure(); ++seed) {
        random_run panel(seed);
        panel.run_panel();
        panel.expect_within_limit();
        random_run calls(seed + 1'000'000);
        calls.run_calls();
        calls.expect_within_limit();
    }
}

}  // namespace

}  // namespace meta_model::dispatch
