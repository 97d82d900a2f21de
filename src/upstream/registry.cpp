#include "upstream/registry.hpp"

#include <boost/url/parse.hpp>
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

endpoint parse_endpoint(const std::string& base_url) {
    endpoint out;
    const auto parsed = boost::urls::parse_uri(base_url);
    if (!parsed) {
        return out;  // only protocol = "test" has no URL
    }
    const auto& url = *parsed;
    out.is_tls = url.scheme_id() == boost::urls::scheme::https;
    out.host = url.host_address();
    const auto default_port = static_cast<std::uint16_t>(out.is_tls ? 443 : 80);
    out.port = url.has_port() && url.port_number() != 0 ? url.port_number() : default_port;
    out.path = std::string(url.encoded_path());
    while (!out.path.empty() && out.path.back() == '/') {
        out.path.pop_back();
    }
    if (url.has_query()) {
        out.query = '?' + std::string(url.encoded_query());
    }
    out.host_header = std::string(url.encoded_host());
    if (out.port != default_port) {
        out.host_header += ':' + std::to_string(out.port);
    }
    return out;
}

upstream_state::upstream_state(const config::upstream& c, std::size_t i)
    : config(c), index(i), endpoint(parse_endpoint(c.base_url)), auth_header(make_auth_header(c)) {}

registry::registry(const config::gateway_config& config) {
    for (const auto& [key, upstream] : config.upstreams) {
        states_.push_back(std::make_unique<upstream_state>(upstream, states_.size()));
    }
}

upstream_state* registry::find(std::string_view key) const {
    const auto key_of = [](const auto& s) -> std::string_view { return s->config.key; };
    const auto it = std::ranges::lower_bound(states_, key, {}, key_of);
    return it != states_.end() && key_of(*it) == key ? it->get() : nullptr;
}

}  // namespace meta_model::upstream
