#include "telemetry/process_stats.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace meta_model::telemetry {

namespace {

std::string content_of(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::int64_t boot_time_s() {
    const auto stat = content_of("/proc/stat");
    constexpr std::string_view key = "\nbtime ";
    const auto at = stat.find(key);
    return at == std::string::npos ? 0 : std::strtoll(stat.c_str() + at + key.size(), nullptr, 10);
}

// proc(5), /proc/pid/stat. The second field is the program's name in parentheses and may hold anything.
void read_stat(process_stats& stats) {
    const auto text = content_of("/proc/self/stat");
    const auto name_end = text.rfind(')');
    const auto ticks_per_s = ::sysconf(_SC_CLK_TCK);
    if (name_end == std::string::npos || ticks_per_s <= 0) {
        return;
    }
    std::istringstream fields(text.substr(name_end + 1));
    std::string state;
    fields >> state;  // field 3
    std::uint64_t value = 0;
    std::uint64_t cpu_ticks = 0;
    for (int field = 4; field <= 22 && fields >> state; ++field) {
        value = std::strtoull(state.c_str(), nullptr, 10);
        if (field == 14 || field == 15) {
            cpu_ticks += value;
        } else if (field == 20) {
            stats.threads = value;
        } else if (field == 22) {
            stats.start_time_s = boot_time_s() + static_cast<std::int64_t>(value) / ticks_per_s;
        }
    }
    stats.cpu_us = cpu_ticks * 1'000'000 / static_cast<std::uint64_t>(ticks_per_s);
}

std::uint64_t resident_bytes() {
    std::istringstream fields(content_of("/proc/self/statm"));
    std::uint64_t total_pages = 0;
    std::uint64_t resident_pages = 0;
    fields >> total_pages >> resident_pages;
    return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_fds() {
    std::error_code failure;
    std::filesystem::directory_iterator entry("/proc/self/fd", failure);
    std::uint64_t count = 0;
    while (!failure && entry != std::filesystem::directory_iterator()) {
        ++count;
        entry.increment(failure);
    }
    // One of them was the folder that was being read.
    return count > 0 ? count - 1 : 0;
}

}  // namespace

process_stats read_process_stats(std::string version) {
    process_stats stats;
    stats.version = std::move(version);
    read_stat(stats);
    stats.resident_bytes = resident_bytes();
    stats.open_fds = open_fds();
    return stats;
}

}  // namespace meta_model::telemetry
