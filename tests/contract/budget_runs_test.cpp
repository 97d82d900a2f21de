// Requests at random against profiles of every kind: what the upstreams bill for a request never exceeds what it may
// cost, and what the reply tells is what they billed. META_MODEL_BUDGET_RUNS sets the number of requests.
#include "contract/billing_models.hpp"

#include <cmath>
#include <cstdlib>
#include <map>

namespace meta_model::contract {

namespace {

constexpr unsigned usual_runs = 300;
constexpr unsigned runs_of_a_plan = 100;

struct run_totals {
    std::map<int, int> statuses{};
    int compared = 0;
    int shared_calls = 0;
    int late_errors = 0;
};

// Requests to a gateway whose profiles, prices and upstreams are as this seed has them.
void run_plan(unsigned seed, unsigned long runs, run_totals& totals) {
    billing_models m(seed);
    const gateway_process gateway(m.config());
    for (unsigned long i = 0; i < runs && !testing::Test::HasFailure(); ++i) {
        // From what buys nothing to what buys everything.
        const auto limit = static_cast<std::int64_t>(std::pow(10.0, 7 + m.number(0, 400) / 100.0));
        const auto body = random_request(m, limit);
        const auto which = "seed " + std::to_string(seed) + ", run " + std::to_string(i) + ": ";

        const auto reply = ask(gateway, body);

        const auto bill = m.bill_of(reply.id);
        ++totals.statuses[reply.status];
        EXPECT_LE(bill.pico_usd, limit) << which << body["model"] << ' ' << reply.trace;
        if (reply.status == 402) {
            EXPECT_EQ(bill.tokens, 0) << which;
        }
        const auto& told = reply.trace;
        if (!bill.is_told && told.is_object()) {
            EXPECT_EQ(told["usage_source"], "estimated") << which << told;
        }
        if (bill.is_told && told.is_object() && told["usage_source"] == "reported") {
            EXPECT_EQ(told["total_tokens"], bill.tokens) << which << told;
            EXPECT_NEAR(
                told["cost_usd"].get<double>() * 1e12, static_cast<double>(bill.pico_usd), 1001
            );
            ++totals.compared;
        }
    }
    totals.shared_calls += m.shared_calls;
    totals.late_errors += m.late_errors;
}

TEST(budget_runs, nothing_at_random_costs_more_than_it_may) {
    const char* const wish = std::getenv("META_MODEL_BUDGET_RUNS");
    const auto runs = wish != nullptr ? std::stoul(wish) : usual_runs;
    run_totals totals;
    unsigned seed = 20;
    for (unsigned long done = 0; done < runs && !testing::Test::HasFailure(); ++seed) {
        const auto next = std::min<unsigned long>(runs_of_a_plan, runs - done);
        run_plan(seed, next, totals);
        done += next;
    }
    EXPECT_GT(totals.statuses[200], static_cast<int>(runs / 10));
    EXPECT_GT(totals.statuses[402], static_cast<int>(runs / 20));
    EXPECT_GT(totals.compared, static_cast<int>(runs / 20));
    EXPECT_GT(totals.shared_calls, static_cast<int>(runs / 20));
    EXPECT_GT(totals.late_errors, static_cast<int>(runs / 20));
    RecordProperty("plans", static_cast<int>(seed - 20));
    RecordProperty("answered", totals.statuses[200]);
    RecordProperty("refused", totals.statuses[402]);
    RecordProperty("compared", totals.compared);
    RecordProperty("shared_calls", totals.shared_calls);
}

}  // namespace

}  // namespace meta_model::contract
