// The configured upstreams with what is known of them at run time. One registry a configuration, shared by all threads.
#pragma once

#include "config/config.hpp"
#include "telemetry/names.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::upstream {

// Where an upstream is reached.
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

// Immutable but for the atomics.
struct upstream_state {
    upstream_state(const config::upstream& c, std::size_t i);

    const config::upstream& config;
    const std::size_t index;  // in the registry
    telemetry::upstream_id metric_id{};
    const upstream::endpoint endpoint;
    const std::string auth_header;  // "Authorization: Bearer …\r\n", or empty

    std::atomic<std::int64_t> in_flight{0};
    std::atomic<probe_state> probe{probe_state::unknown};

    bool is_misconfigured() const { return !config.missing_secret.empty(); }
};

class registry {
public:
    // `config` must outlive the registry.
    explicit registry(const config::gateway_config& config);

    upstream_state* find(std::string_view key) const;
    const std::vector<std::unique_ptr<upstream_state>>& all() const { return states_; }

private:
    std::vector<std::unique_ptr<upstream_state>> states_;  // sorted by key
};

}  // namespace meta_model::upstream
