// The configured upstreams with what is known of them at run time. One registry a configuration, shared by all threads.
#pragma once

#include "config/config.hpp"
#include "net/tls_context.hpp"
#include "telemetry/names.hpp"
#include "upstream/availability.hpp"
#include "upstream/endpoint.hpp"
#include "upstream/token_ratio.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::upstream {

// Immutable but for the atomics.
struct upstream_state {
    upstream_state(
        const config::upstream& c, std::size_t i, std::shared_ptr<const net::tls_trust> trust
    );

    const config::upstream& config;
    const std::size_t index;  // in the registry
    telemetry::upstream_id metric_id{};
    const std::string own_headers;   // credential and configured headers, each with CRLF
    const std::string version_line;  // anthropic-version, unless a call names its own; may be empty
    const net::tls_options tls;      // of its https endpoints; views of `config`

    const std::vector<std::unique_ptr<endpoint_state>> endpoints;  // at least one
    std::atomic<std::int64_t> in_flight{0};
    std::atomic<std::uint64_t> turn{0};  // counts choices of an endpoint
    upstream::availability availability;
    token_ratio tokens_per_estimate;
    std::atomic<bool> takes_choices{true};  // nothing says that it does not know `n`

    // Why every call fails: a secret or a file is missing or cannot be used. Empty: nothing of that kind.
    std::string misconfiguration{};

    // The endpoint for a call by the upstream's rule, or null when `tried` (see endpoint_state::bit) holds them all. Those in
    // `avoided`, and those whose probe or calls failed, serve only when no other is left.
    endpoint_state* choose_endpoint(
        std::uint64_t tried, std::uint64_t avoided, std::uint64_t affinity, base::steady_time now
    );

    // Up when one endpoint is; else what is known of the first that was probed.
    probe_state probe() const;
};

class registry {
public:
    // `config` must outlive the registry.
    explicit registry(const config::gateway_config& config);

    upstream_state* find(std::string_view key) const;
    const std::vector<std::unique_ptr<upstream_state>>& all() const { return states_; }

private:
    std::shared_ptr<const net::tls_trust> trust_of(const config::upstream& upstream);

    std::shared_ptr<const net::tls_trust> system_trust_;   // once an upstream needs it
    std::vector<std::unique_ptr<upstream_state>> states_;  // sorted by key
};

}  // namespace meta_model::upstream
