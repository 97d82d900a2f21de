#include "upstream/registry.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace meta_model::upstream {

namespace {

std::string base64(std::string_view text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const auto n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(n));
    return out;
}

std::string make_auth_header(const config::upstream& c) {
    if (!c.api_key.empty()) {
        return "Authorization: Bearer " + std::string(c.api_key.expose()) + "\r\n";
    }
    if (!c.basic_auth_user.empty()) {
        const auto pair = c.basic_auth_user + ':' + std::string(c.basic_auth_pass.expose());
        return "Authorization: Basic " + base64(pair) + "\r\n";
    }
    return {};
}

}  // namespace

upstream_state::upstream_state(const config::upstream& c, std::size_t i, std::shared_ptr<const net::tls_trust> trust)
    : config(c),
      index(i),
      auth_header(make_auth_header(c)),
      tls{.trust = std::move(trust),
          .is_verified = c.tls.verify,
          .certificate_pem = c.tls.cert_pem,
          .key_pem = c.tls.key_pem.expose()},
      misconfiguration(c.missing_secret) {
    endpoints.push_back(std::make_unique<endpoint_state>(c.base_url, 0));
    const bool has_tls = std::ranges::any_of(endpoints, [](const auto& e) { return e->where.is_tls; });
    if (misconfiguration.empty() && has_tls) {
        if (!tls.trust) {
            misconfiguration = "a certificate of tls.ca_file cannot be read";
        } else {
            net::tls_context::make(tls, misconfiguration);  // a trial; each thread makes its own
        }
    }
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
    for (const auto& [key, upstream] : config.upstreams) {
        states_.push_back(std::make_unique<upstream_state>(upstream, states_.size(), trust_of(upstream)));
    }
}

// Null without TLS, and when the upstream's own authorities cannot be read.
std::shared_ptr<const net::tls_trust> registry::trust_of(const config::upstream& upstream) {
    if (!parse_endpoint(upstream.base_url).is_tls) {
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
