// What the kernel knows of this process.
#pragma once

#include <cstdint>
#include <string>

namespace meta_model::telemetry {

struct process_stats {
    std::string version{};          // of this program, for build_info
    std::int64_t start_time_s = 0;  // Unix time
    std::uint64_t cpu_us = 0;       // user and system
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t threads = 0;
};

// Reads /proc/self. What cannot be read stays 0. Costs some tens of microseconds, and more with many open descriptors.
process_stats read_process_stats(std::string version);

}  // namespace meta_model::telemetry
