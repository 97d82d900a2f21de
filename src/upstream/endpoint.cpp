#include "upstream/endpoint.hpp"

#include <boost/url/parse.hpp>

#include <functional>
#include <string_view>

namespace meta_model::upstream {

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

breaker::permission endpoint_breaker::ask(base::steady_time now) {
    const std::lock_guard lock(mutex_);
    return breaker_.ask(now);
}

bool endpoint_breaker::refuses(base::steady_time now) const {
    const std::lock_guard lock(mutex_);
    return breaker_.refuses(now);
}

bool endpoint_breaker::is_failing(base::steady_time now) const {
    const std::lock_guard lock(mutex_);
    return breaker_.is_failing(now);
}

state_change endpoint_breaker::note(
    call_signal signal, breaker::permission granted_as, base::steady_time now
) {
    const std::lock_guard lock(mutex_);
    // A call that found out nothing, because its client left, was one too many to be followed by the next at once.
    const bool is_vain = granted_as == breaker::permission::probe && signal == call_signal::neutral;
    return breaker_.note(is_vain ? call_signal::failure : signal, granted_as, now);
}

endpoint_state::endpoint_state(
    const std::string& base_url, std::size_t i, const breaker_rules& rules
)
    : where(parse_endpoint(base_url)),
      index(i),
      identity(std::hash<std::string_view>{}(base_url)),
      breaker({
          .failures = rules.failures,
          .window = rules.window,
          .open = rules.open,
          .counts_rows = true,  // it draws calls the faster it fails
      }) {
}

bool endpoint_state::is_probe_good() const {
    const auto known = probe.load(std::memory_order_relaxed);
    return known == probe_state::up || known == probe_state::unknown;
}

bool endpoint_state::can_serve(base::steady_time now) const {
    return is_probe_good() && !breaker.is_failing(now);
}

}  // namespace meta_model::upstream
