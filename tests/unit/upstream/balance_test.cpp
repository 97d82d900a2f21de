#include "upstream/balance.hpp"

#include "upstream/affinity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

namespace meta_model::upstream {
namespace {

using config::balance_rule;

std::vector<candidate> endpoints(const std::vector<std::int64_t>& in_flight) {
    std::vector<candidate> out;
    for (const auto n : in_flight) {
        out.push_back({.identity = 1000 + out.size(), .in_flight = n});
    }
    return out;
}

std::vector<std::size_t> choices(balance_rule rule, const std::vector<candidate>& all, int count) {
    std::vector<std::size_t> out;
    for (int turn = 0; turn < count; ++turn) {
        out.push_back(choose(rule, all, static_cast<std::uint64_t>(turn), 0).value());
    }
    return out;
}

using order = std::vector<std::size_t>;

TEST(balance, round_robin_takes_turns) {
    EXPECT_EQ(
        choices(balance_rule::round_robin, endpoints({9, 0, 0}), 6), (order{0, 1, 2, 0, 1, 2})
    );
}

TEST(balance, least_in_flight_takes_the_idlest_and_equals_take_turns) {
    EXPECT_EQ(choices(balance_rule::least_in_flight, endpoints({3, 1, 2}), 3), (order{1, 1, 1}));
    EXPECT_EQ(choices(balance_rule::least_in_flight, endpoints({0, 0, 0}), 4), (order{0, 1, 2, 0}));
    EXPECT_EQ(choices(balance_rule::prefix_affinity, endpoints({3, 1, 2}), 3), (order{1, 1, 1}))
        << "nothing to go by";
}

TEST(balance, the_unhealthy_serve_only_when_no_other_is_left) {
    for (const auto rule :
         {balance_rule::round_robin, balance_rule::least_in_flight, balance_rule::prefix_affinity
         }) {
        auto all = endpoints({5, 0, 5});
        all[1].is_healthy = false;
        for (std::uint64_t turn = 0; turn < 10; ++turn) {
            EXPECT_NE(choose(rule, all, turn, turn), 1u);
        }
        all[0].is_excluded = all[2].is_excluded = true;
        EXPECT_EQ(choose(rule, all, 7, 7), 1u);
        all[1].is_excluded = true;
        EXPECT_EQ(choose(rule, all, 7, 7), std::nullopt);
    }
}

TEST(balance, equal_prefixes_go_to_the_same_endpoint_and_others_spread) {
    const auto all = endpoints({0, 0, 0, 0});
    std::map<std::size_t, int> counts;
    for (std::uint64_t prefix = 1; prefix <= 1000; ++prefix) {
        const auto chosen = choose(balance_rule::prefix_affinity, all, prefix * 7, prefix).value();
        ++counts[chosen];
        EXPECT_EQ(choose(balance_rule::prefix_affinity, all, 0, prefix), chosen);
    }
    for (const auto& [endpoint, count] : counts) {
        EXPECT_NEAR(count, 250, 60) << endpoint;
    }
}

TEST(balance, an_endpoint_that_goes_takes_no_other_prefix_with_it) {
    const auto all = endpoints({0, 0, 0, 0});
    auto fewer = all;
    fewer[2].is_healthy = false;
    for (std::uint64_t prefix = 1; prefix <= 200; ++prefix) {
        const auto before = choose(balance_rule::prefix_affinity, all, 0, prefix).value();
        const auto after = choose(balance_rule::prefix_affinity, fewer, 0, prefix).value();
        if (before != 2) {
            EXPECT_EQ(before, after);
        }
    }
}

TEST(balance, one_hot_prefix_never_loads_an_endpoint_far_above_the_mean) {
    auto all = endpoints({0, 0, 0, 0});
    const auto home = choose(balance_rule::prefix_affinity, all, 0, 77).value();
    for (int calls = 1; calls <= 400; ++calls) {
        ++all[choose(balance_rule::prefix_affinity, all, 0, 77).value()].in_flight;
        const double mean = calls / 4.0;
        for (const auto& e : all) {
            EXPECT_LE(e.in_flight, std::ceil(load_bound * mean));
        }
    }
    EXPECT_EQ(all[home].in_flight, 125) << "as many as the bound allows";
}

std::uint64_t affinity(const std::string& body) {
    api::chat_request request;
    EXPECT_FALSE(request.parse(body, 64).has_error()) << body;
    return affinity_of(request);
}

TEST(affinity, is_the_cache_key_else_the_user_else_the_first_turn) {
    const std::string hello =
        R"("messages":[{"role":"system","content":"s"},{"role":"user","content":"hello"}])";
    const std::string later =
        R"("messages":[{"role":"system","content":"s"},{"role":"user","content":"hello"},)"
        R"({"role":"assistant","content":"x"},{"role":"user","content":"more"}])";
    const std::string other =
        R"("messages":[{"role":"system","content":"s"},{"role":"user","content":"other"}])";
    const auto of = [](const std::string& messages, const std::string& more = "") {
        return affinity(R"({"model":"m",)" + messages + more + "}");
    };

    EXPECT_EQ(of(hello), of(later));
    EXPECT_NE(of(hello), of(other));
    EXPECT_EQ(of(hello, R"(,"user":"ada")"), of(other, R"(,"user":"ada")"));
    EXPECT_NE(of(hello, R"(,"user":"ada")"), of(hello, R"(,"user":"bob")"));
    EXPECT_EQ(
        of(hello, R"(,"user":"ada","prompt_cache_key":"k")"),
        of(other, R"(,"prompt_cache_key":"k")")
    );
    EXPECT_EQ(of(hello, R"(,"user":"")"), of(hello)) << "an empty name is none";
}

}  // namespace
}  // namespace meta_model::upstream
