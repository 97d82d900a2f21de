#include "upstream/client.hpp"

#include "upstream/anthropic_call.hpp"
#include "upstream/test_call.hpp"

namespace meta_model::upstream {

client::client(net::event_loop& loop, net::resolver& names, const registry& upstreams)
    : loop_(loop), names_(names) {
    for (const auto& u : upstreams.all()) {
        channels_.emplace_back(u->endpoints.size());
    }
}

std::unique_ptr<call> client::make_call(upstream_state& upstream, endpoint_state* only) {
    if (upstream.config.protocol == config::wire_protocol::test) {
        return std::make_unique<test_call>(loop_, upstream);
    }
    auto call =
        std::make_unique<http_call>(loop_, names_, channels_[upstream.index], upstream, only);
    if (upstream.config.protocol == config::wire_protocol::anthropic) {
        return std::make_unique<anthropic_call>(std::move(call), upstream);
    }
    return call;
}

void client::expire_idle(base::steady_time now) {
    if (now < next_expiry_) {
        return;
    }
    next_expiry_ = now + std::chrono::seconds(1);
    for (auto& of_upstream : channels_) {
        for (auto& channel : of_upstream.endpoints) {
            channel.pool.drop_stale(now);
        }
    }
}

void client::close_idle() {
    for (auto& of_upstream : channels_) {
        for (auto& channel : of_upstream.endpoints) {
            channel.pool.clear();
        }
    }
}

}  // namespace meta_model::upstream
