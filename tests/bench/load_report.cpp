#include "load_report.hpp"

#include <algorithm>

namespace meta_model::bench {

namespace {

double percentile_us(std::vector<std::uint64_t>& values, double share) {
    if (values.empty()) return 0.0;
    const auto wanted = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    const auto index = std::min(wanted, values.size() - 1);
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(index);
    std::nth_element(values.begin(), at, values.end());
    return static_cast<double>(*at) / 1000.0;
}

void print_count(std::FILE* out, const char* name, std::uint64_t value) {
    std::fprintf(out, "\"%s\":%llu,", name, static_cast<unsigned long long>(value));
}

void print_percentiles(std::FILE* out, const char* name, std::vector<std::uint64_t>& values) {
    for (const int percent : {50, 90, 99}) {
        const double us = percentile_us(values, percent / 100.0);
        std::fprintf(out, "\"%s_p%d_us\":%.1f,", name, percent, us);
    }
}

}  // namespace

void print_json(load_report& report, std::FILE* out) {
    std::fputc('{', out);
    print_count(out, "requests", report.requests);
    print_count(out, "non_2xx", report.non_2xx);
    print_count(out, "bad_replies", report.bad_replies);
    print_count(out, "errors", report.errors);
    print_count(out, "reconnects", report.reconnects);
    print_count(out, "faults", report.faults());
    print_count(out, "chunks", report.chunks);
    print_count(out, "payload_bytes", report.payload_bytes);
    print_percentiles(out, "latency", report.latencies);
    print_percentiles(out, "first_token", report.first_tokens);
    print_percentiles(out, "first_delay", report.first_delays);
    print_percentiles(out, "chunk_delay", report.chunk_delays);
    const double rate = static_cast<double>(report.timed_requests) / report.timed_seconds;
    std::fprintf(out, "\"requests_per_second\":%.1f,", rate);
    std::fprintf(out, "\"seconds\":%.3f}\n", report.total_seconds);
    std::fflush(out);
}

}  // namespace meta_model::bench
