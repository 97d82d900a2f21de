#include "upstream/registry.hpp"

#include "upstream/balance.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>

namespace meta_model::upstream {

namespace {

std::string base64(std::string_view text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const auto n = EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(out.data()),
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size())
    );
    out.resize(static_cast<std::size_t>(n));
    return out;
}

std::string make_own_headers(const config::upstream& c) {
    std::string out;
    if (c.protocol == config::wire_protocol::anthropic) {
        if (!c.api_key.empty()) {
            out = "x-api-key: " + std::string(c.api_key.expose()) + "\r\n";
        }
    } else if (!c.api_key.empty()) {
        out = "Authorization: Bearer " + std::string(c.api_key.expose()) + "\r\n";
    } else if (!c.basic_auth_user.empty()) {
        const auto pair = c.basic_auth_user + ':' + std::string(c.basic_auth_pass.expose());
        out = "Authorization: Basic " + base64(pair) + "\r\n";
    }
    for (const auto& h : c.headers) {
        out.append(h.name).append(": ").append(h.value.expose()).append("\r\n");
    }
    return out;
}

std::string make_version_line(const config::upstream& c) {
    return c.protocol != config::wire_protocol::anthropic
               ? std::string()
               : "anthropic-version: " + c.anthropic.value_or(config::anthropic_options{}).version
                     + "\r\n";
}

std::vector<std::unique_ptr<endpoint_state>> make_endpoints(const config::upstream& c) {
    std::vector<std::unique_ptr<endpoint_state>> out;
    for (const auto& url : c.base_urls) {
        out.push_back(std::make_unique<endpoint_state>(url, out.size(), rules_of(c.breaker)));
    }
    if (out.empty()) {
        // Of a simulated upstream.
        out.push_back(std::make_unique<endpoint_state>(std::string(), 0, rules_of(c.breaker)));
    }
    return out;
}

}  // namespace

upstream_state::upstream_state(
    const config::upstream& c, std::size_t i, std::shared_ptr<const net::tls_trust> trust
)
    : config(c),
      index(i),
      own_headers(make_own_headers(c)),
      version_line(make_version_line(c)),
      tls{.trust = std::move(trust),
          .is_verified = c.tls.verify,
          .certificate_pem = c.tls.cert_pem,
          .key_pem = c.tls.key_pem.expose()},
      endpoints(make_endpoints(c)),
      availability(c.breaker, c.retry.budget_ratio),
      misconfiguration(c.missing_secret) {
    const bool has_tls =
        std::ranges::any_of(endpoints, [](const auto& e) { return e->where.is_tls; });
    if (misconfiguration.empty() && has_tls) {
        if (!tls.trust) {
            misconfiguration = "a certificate of tls.ca_file cannot be read";
        } else {
            net::tls_context::make(tls, misconfiguration);  // a trial; each thread makes its own
        }
    }
}

endpoint_state* upstream_state::choose_endpoint(
    std::uint64_t tried, std::uint64_t avoided, std::uint64_t affinity, base::steady_time now
) {
    if (endpoints.size() == 1) {
        return tried == 0 ? endpoints.front().get() : nullptr;
    }
    std::array<candidate, config::max_endpoints> candidates;
    for (const auto& e : endpoints) {
        candidates[e->index] = {
            .identity = e->identity,
            .in_flight = e->in_flight.load(std::memory_order_relaxed),
            .is_healthy =
                e->is_probe_good() && (avoided & e->bit()) == 0 && !e->breaker.refuses(now),
            .is_excluded = (tried & e->bit()) != 0
        };
    }
    const auto chosen = choose(
        config.balance,
        std::span(candidates).first(endpoints.size()),
        turn.fetch_add(1, std::memory_order_relaxed),
        affinity
    );
    return chosen ? endpoints[*chosen].get() : nullptr;
}

probe_state upstream_state::probe() const {
    auto found = probe_state::unknown;
    for (const auto& e : endpoints) {
        const auto state = e->probe.load(std::memory_order_acquire);
        if (state == probe_state::up) {
            return state;
        }
        found = found == probe_state::unknown ? state : found;
    }
    return found;
}

registry::registry(const config::gateway_config& config) {
    std::map<std::string, std::shared_ptr<cool_down>> groups;
    for (const auto& [key, upstream] : config.upstreams) {
        states_.push_back(
            std::make_unique<upstream_state>(upstream, states_.size(), trust_of(upstream))
        );
        if (!upstream.quota_group.empty()) {
            auto& group = groups[upstream.quota_group];
            group = group ? group : std::make_shared<cool_down>();
            states_.back()->availability.share(group);
        }
    }
}

// Null without TLS, and when the upstream's own authorities cannot be read.
std::shared_ptr<const net::tls_trust> registry::trust_of(const config::upstream& upstream) {
    const auto is_tls = [](const std::string& url) { return parse_endpoint(url).is_tls; };
    if (std::ranges::none_of(upstream.base_urls, is_tls)) {
        return nullptr;
    }
    if (!upstream.tls.ca_pem.empty()) {
        return net::tls_trust::of_certificates(upstream.tls.ca_pem);
    }
    if (!system_trust_) {
        system_trust_ = net::tls_trust::of_system();
    }
    return system_trust_;
}

upstream_state* registry::find(std::string_view key) const {
    const auto key_of = [](const auto& s) -> std::string_view { return s->config.key; };
    const auto it = std::ranges::lower_bound(states_, key, {}, key_of);
    return it != states_.end() && key_of(*it) == key ? it->get() : nullptr;
}

}  // namespace meta_model::upstream
