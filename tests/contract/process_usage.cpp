#include "contract/process_usage.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace meta_model::contract {

namespace {

std::filesystem::path folder_of(pid_t process) {
    return "/proc/" + std::to_string(process);
}

}  // namespace

std::size_t resident_bytes(pid_t process) {
    std::ifstream file(folder_of(process) / "statm");
    std::size_t all_pages = 0;
    std::size_t resident_pages = 0;
    file >> all_pages >> resident_pages;
    return resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t peak_resident_bytes(pid_t process) {
    const std::string mark = "VmHWM:";
    std::ifstream file(folder_of(process) / "status");
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with(mark)) {
            return std::stoul(line.substr(mark.size())) * 1024;
        }
    }
    throw std::runtime_error("no such process");
}

std::size_t descriptor_count(pid_t process) {
    const std::filesystem::directory_iterator open(folder_of(process) / "fd");
    return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

support::milliseconds cpu_time(pid_t process) {
    std::ifstream file(folder_of(process) / "stat");
    std::string text;
    std::getline(file, text);
    // The name in parentheses may hold blanks; the times are the 12th and 13th field behind it.
    std::size_t at = text.rfind(')') + 2;
    for (int skipped = 0; skipped < 11; ++skipped) {
        at = text.find(' ', at) + 1;
    }
    std::size_t read = 0;
    const auto user = std::stol(text.substr(at), &read);
    const auto system = std::stol(text.substr(at + read));
    return support::milliseconds((user + system) * 1000 / ::sysconf(_SC_CLK_TCK));
}

void limit_descriptors(pid_t process, std::size_t most) {
    rlimit limit{};
    ::prlimit(process, RLIMIT_NOFILE, nullptr, &limit);
    limit.rlim_cur = most;
    if (::prlimit(process, RLIMIT_NOFILE, &limit, nullptr) != 0) {
        throw std::runtime_error("prlimit failed");
    }
}

void raise_own_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace meta_model::contract
