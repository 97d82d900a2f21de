// The command line of the load generator.
#pragma once

#include "chat_request.hpp"

#include <cstdint>

namespace meta_model::bench {

enum class load_mode {
    closed,  // each connection sends its next request when the reply is complete
    open,    // requests are due at a fixed rate; latency counts from the due time
    hold,    // every connection sends one request and then stays as it is
};

struct load_options {
    load_mode mode = load_mode::closed;
    std::uint16_t port = 0;
    std::size_t connections = 1;
    double seconds = 1.0;
    double rate = 0.0;      // requests per second, open loop
    double spread_s = 0.0;  // closed loop: first requests are spread evenly over this time
    chat_request_options request{};
    // What every reply must be; 0: anything.
    std::uint64_t expected_bytes = 0;   // payload of a JSON reply
    std::uint64_t expected_chunks = 0;  // stamps in a stream
};

// Ends the process with a message when the command line makes no sense.
load_options parse_command_line(int argc, char** argv);

}  // namespace meta_model::bench
