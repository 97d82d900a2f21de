// Requests at random with a cost limit: what `meta-model explain` leaves out is what the gateway leaves out, and nothing
// else. META_MODEL_BUDGET_RUNS sets the number of requests.
#include "contract/billing_models.hpp"

#include <cstdlib>
#include <map>

namespace meta_model::contract {

namespace {

constexpr unsigned long usual_runs = 180;
constexpr int runs_of_a_plan = 60;

struct seat_counts {
    int asked = 0;
    int left_out = 0;

    bool operator==(const seat_counts&) const = default;
};

using panel_counts = std::map<std::string, seat_counts>;

void PrintTo(const seat_counts& counts, std::ostream* out) {
    *out << counts.asked << " asked, " << counts.left_out << " left out";
}

// Drafts and ballots by upstream, of a plan's calls or of a trace.
panel_counts counts_of(const json& calls) {
    panel_counts out;
    for (const auto& call : calls) {
        if (call["role"] != "generator" && call["role"] != "voter") {
            continue;
        }
        auto& counts = out[call["upstream"]];
        const bool is_left_out = call.value("reason", "") == "cost_limit";
        (is_left_out ? counts.left_out : counts.asked) += call.value("samples", 1);
    }
    return out;
}

json call_of(const json& calls, const json& upstream) {
    for (const auto& call : calls) {
        if (call["upstream"] == upstream) {
            return call;
        }
    }
    return json::object();
}

// Panels within panels begin together. Steps are left out by what those before them did cost, which no plan knows.
void expect_same(const json& plan, const json& legs, const std::string& which) {
    EXPECT_EQ(counts_of(plan["calls"]), counts_of(legs)) << which << plan << legs;
    for (const auto& call : plan["calls"]) {
        const bool is_planned = call["state"] == "planned" && call.contains("plan");
        if (is_planned && call["plan"]["strategy"] != "cascade") {
            const auto line = call_of(legs, call["upstream"]);
            expect_same(call["plan"], line.value("legs", json::array()), which);
        }
    }
}

struct totals {
    int refused = 0;
    int left_out = 0;  // requests that were answered without some of their calls
};

void run_plan(unsigned seed, totals& all) {
    billing_models m(seed, manners::faithful);
    const auto config = m.config();
    const gateway_process gateway(config);
    const temporary_folder folder;
    const auto file = folder.write("meta-model.toml", config.text());
    const std::array names{
        "panel.v1", "best.v1", "vote.v1", "layers.v1", "samples.v1", "poll.v1", "deep.v1"
    };
    for (int i = 0; i < runs_of_a_plan && !testing::Test::HasFailure(); ++i) {
        const auto limit =
            static_cast<std::int64_t>(std::pow(10.0, 8.5 + m.number(0, 250) / 100.0));
        auto body = random_request(m, limit);
        body["model"] = names[static_cast<std::size_t>(m.number(0, int(names.size()) - 1))];
        const auto request = folder.write("body.json", body.dump());
        const auto which = "seed " + std::to_string(seed) + ", run " + std::to_string(i) + ": ";

        const auto explained =
            run_gateway({{"explain", "--config", file, "--body", request, "--json"}, {}, {}});
        const auto plan = json::parse(explained.standard_output);
        const auto reply = ask(gateway, body);

        const bool is_refused = !plan["refusal"].is_null();
        if (is_refused) {
            EXPECT_EQ(plan["refusal"]["status"], reply.status) << which << plan;
        } else {
            EXPECT_EQ(reply.status, 200) << which << plan;
        }
        if (reply.trace.is_object()) {
            expect_same(plan, reply.trace["legs"], which);
            all.left_out += plan.dump().find("cost_limit") != std::string::npos ? 1 : 0;
        }
        all.refused += is_refused ? 1 : 0;
    }
}

TEST(plan_runs, what_a_plan_leaves_out_is_what_the_gateway_leaves_out) {
    const char* const wish = std::getenv("META_MODEL_BUDGET_RUNS");
    const auto runs = wish != nullptr ? std::stoul(wish) : usual_runs;
    totals all;
    unsigned seed = 40;
    for (unsigned long done = 0; done < runs && !testing::Test::HasFailure(); ++seed) {
        run_plan(seed, all);
        done += runs_of_a_plan;
    }
    EXPECT_GT(all.refused, static_cast<int>(runs / 30));
    EXPECT_GT(all.left_out, static_cast<int>(runs / 10));
    RecordProperty("refused", all.refused);
    RecordProperty("left_out", all.left_out);
}

}  // namespace

}  // namespace meta_model::contract
