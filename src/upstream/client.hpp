// One thread's way to all upstreams: its connection pools and the choice of the transport. Confined to its thread.
#pragma once

#include "net/event_loop.hpp"
#include "net/resolver.hpp"
#include "upstream/call.hpp"
#include "upstream/http_call.hpp"
#include "upstream/registry.hpp"

#include <memory>
#include <vector>

namespace meta_model::upstream {

class client {
public:
    client(net::event_loop& loop, net::resolver& names, const registry& upstreams);
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    // A call that has not started yet; `only`: to this endpoint of the upstream and no other.
    std::unique_ptr<call> make_call(upstream_state& upstream, endpoint_state* only = nullptr);

    // Closes connections that have rested too long. Called on the loop's tick.
    void expire_idle(base::steady_time now);
    void close_idle();

private:
    net::event_loop& loop_;
    net::resolver& names_;
    std::vector<upstream_channels> channels_;  // by upstream_state::index
    base::steady_time next_expiry_{};
};

}  // namespace meta_model::upstream
