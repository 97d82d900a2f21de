// What a run of the load generator counted, and its JSON line.
#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

namespace meta_model::bench {

struct load_report {
    std::uint64_t requests = 0;  // replies read to their end
    std::uint64_t non_2xx = 0;
    std::uint64_t bad_replies = 0;  // wrong length, wrong number of chunks, no [DONE], bad framing
    std::uint64_t errors = 0;       // connection lost, or reply not complete at the end of the run
    std::uint64_t reconnects = 0;
    std::uint64_t chunks = 0;
    std::uint64_t payload_bytes = 0;
    std::uint64_t timed_requests = 0;  // completed inside the timed part
    double timed_seconds = 0.0;        // without the warm-up and the wait for the last replies
    double total_seconds = 0.0;
    // Nanoseconds; requests begun during the warm-up are left out.
    std::vector<std::uint64_t> latencies{};     // request due or sent, to the end of the reply
    std::vector<std::uint64_t> first_tokens{};  // request sent, to the first stamped chunk
    std::vector<std::uint64_t> first_delays{};  // first chunk of a stream: sent by mock, to read
    std::vector<std::uint64_t> chunk_delays{};  // every chunk likewise

    std::uint64_t faults() const { return non_2xx + bad_replies + errors + reconnects; }
};

// One line. Percentiles are in microseconds. Reorders the vectors.
void print_json(load_report& report, std::FILE* out);

}  // namespace meta_model::bench
