// Where an upstream is reached, and what is known of each such place at run time.
#pragma once

#include "upstream/breaker.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace meta_model::upstream {

struct endpoint {
    std::string host{};  // without brackets
    std::uint16_t port = 0;
    bool is_tls = false;
    std::string path{};         // of the base URL, without trailing '/'
    std::string query{};        // of the base URL, with its '?'; may be empty
    std::string host_header{};  // as it goes on the wire
};

// `base_url` was checked when the configuration was loaded.
endpoint parse_endpoint(const std::string& base_url);

enum class probe_state : std::uint8_t { unknown, up, down, auth_failed, misconfigured };

// What calls tell of one endpoint where there are several: one that keeps failing is passed over while another can serve, but for
// one call at a time that finds out. Thread-safe.
class endpoint_breaker {
public:
    explicit endpoint_breaker(const breaker_rules& rules) : breaker_(rules) {}

    breaker::permission ask(base::steady_time now);
    bool refuses(base::steady_time now) const;
    bool is_failing(base::steady_time now) const;
    state_change note(call_signal signal, breaker::permission granted_as, base::steady_time now);

private:
    mutable std::mutex mutex_;
    breaker breaker_;
};

// One endpoint of one upstream, shared by all threads: calls and health write it, balance and health pages read it.
struct endpoint_state {
    endpoint_state(const std::string& base_url, std::size_t i, const breaker_rules& rules);

    const endpoint where;
    const std::size_t index;       // within its upstream
    const std::uint64_t identity;  // of its URL: stays when the list around it changes

    std::uint64_t bit() const {
        return std::uint64_t{1} << index;
    }  // in a set of an upstream's endpoints

    std::atomic<std::int64_t> in_flight{0};
    std::atomic<probe_state> probe{probe_state::unknown};
    endpoint_breaker breaker;

    // Nothing speaks against it: neither its last probe nor, of late, its calls.
    bool can_serve(base::steady_time now) const;
    bool is_probe_good() const;
};

}  // namespace meta_model::upstream
