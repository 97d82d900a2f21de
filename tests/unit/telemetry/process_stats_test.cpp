#include "telemetry/process_stats.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace meta_model::telemetry {
namespace {

TEST(process_stats, the_kernel_knows_this_process) {
    const auto stats = read_process_stats("1.2.3");
    EXPECT_EQ(stats.version, "1.2.3");
    EXPECT_GT(stats.resident_bytes, 100'000u);
    EXPECT_GE(stats.open_fds, 3u);
    EXPECT_LT(stats.open_fds, 100'000u);
    EXPECT_GE(stats.threads, 1u);
    // The kernel counts in hundredths of a second from a boot time in whole seconds.
    EXPECT_GT(stats.start_time_s, 1'500'000'000);
    EXPECT_LE(stats.start_time_s, std::time(nullptr) + 2);
}

}  // namespace
}  // namespace meta_model::telemetry
