#include "upstream/latency_window.hpp"

#include <gtest/gtest.h>

namespace meta_model::upstream {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

const base::steady_time t0{100h};

// True when `got` is `exact` or at most an eighth above it.
::testing::AssertionResult is_about(microseconds got, microseconds exact) {
    const bool ok = got >= exact && got <= exact + exact / 8 + 256us;
    return ok ? ::testing::AssertionSuccess()
              : ::testing::AssertionFailure() << got.count() << " us";
}

TEST(latency_window, quantiles_are_an_eighth_too_long_at_most) {
    latency_window w;
    EXPECT_EQ(w.quantile(0.5, t0), 0us);
    for (int i = 1; i <= 100; ++i) {
        w.add(std::chrono::milliseconds(10 * i), t0);
    }
    EXPECT_EQ(w.count(t0), 100u);
    EXPECT_TRUE(is_about(w.quantile(0.5, t0), 500ms));
    EXPECT_TRUE(is_about(w.quantile(0.9, t0), 900ms));
    EXPECT_TRUE(is_about(w.quantile(1.0, t0), 1000ms));
    EXPECT_TRUE(is_about(w.quantile(0.0, t0), 10ms));
}

TEST(latency_window, any_duration_has_its_bucket) {
    for (const auto d :
         {microseconds(0),
          microseconds(1),
          microseconds(127),
          microseconds(1023),
          microseconds(1024),
          microseconds(5ms),
          microseconds(1s),
          microseconds(590s),
          microseconds(3600s)}) {
        latency_window w;
        w.add(d, t0);
        EXPECT_TRUE(is_about(w.quantile(0.5, t0), d)) << d.count();
    }
    latency_window w;
    w.add(microseconds(1000h), t0);
    EXPECT_GT(w.quantile(0.5, t0), 1h);
}

TEST(latency_window, what_is_older_than_an_hour_is_forgotten) {
    latency_window w;
    w.add(1s, t0);
    w.add(5s, t0 + 30min);
    EXPECT_EQ(w.count(t0 + 49min), 2u);
    EXPECT_EQ(w.count(t0 + 61min), 1u);
    EXPECT_TRUE(is_about(w.quantile(0.1, t0 + 61min), 5s));
    w.add(2s, t0 + 61min);
    EXPECT_EQ(w.count(t0 + 61min), 2u);
    EXPECT_EQ(w.count(t0 + 10h), 0u);
}

TEST(latency_window, the_mean_follows_the_newest_samples) {
    latency_window w;
    w.add(100ms, t0);
    EXPECT_EQ(w.mean(), 100ms);
    w.add(200ms, t0);
    EXPECT_EQ(w.mean(), 120ms);
    for (int i = 0; i < 50; ++i) {
        w.add(1s, t0);
    }
    EXPECT_GT(w.mean(), 999ms);
}

}  // namespace
}  // namespace meta_model::upstream
