// The gateway as a whole: built from a configuration, started, drained and stopped. The binary, tests and benchmarks
// use this and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace meta_model {

namespace config {
struct gateway_config;
}

class gateway {
public:
    explicit gateway(config::gateway_config config);
    ~gateway();
    gateway(const gateway&) = delete;
    gateway& operator=(const gateway&) = delete;

    // Binds, starts the threads and returns when every one accepts. False with `why`: the address cannot be used.
    bool start(std::string& why);

    std::uint16_t port() const;

    // Where it listens, e.g. "http://127.0.0.1:8400".
    std::string address() const;

    // Readiness turns to `draining`; everything is still served.
    void announce_drain();

    // Accepts no more; requests in progress end, at the latest after the configured time, then the threads stop.
    void drain();

    // Writes a line to the gateway's log.
    void log_info(const std::string& message);

    // Returns when every line was written.
    void flush_log();

private:
    class parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace meta_model
