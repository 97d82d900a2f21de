// What all connections share: the configuration in force, the routes, the limits' counters; and what those of one
// thread share.
#pragma once

#include "base/log.hpp"
#include "config/config.hpp"
#include "http/auth.hpp"
#include "http/route.hpp"
#include "net/event_loop.hpp"
#include "telemetry/recorder.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_set>

namespace meta_model::http {

// Shared by all threads. Immutable but for the atomics.
struct service {
    const config::gateway_config& config;
    const http::router& router;
    const key_store& keys;
    base::logger& log;
    telemetry::recorder& recorder;

    std::atomic<std::int64_t> connections{0};
    std::atomic<std::int64_t> in_flight{0};
    std::atomic<std::int64_t> in_flight_bytes{0};
    std::atomic<bool> is_draining{false
    };  // told to load balancers; replies close their connections
    std::atomic<bool> is_stopping{false};  // nothing new is begun
};

class connection;

// Confined to its thread.
struct thread_service {
    net::event_loop& loop;
    telemetry::thread_shard& shard;
    std::string access_lines{};
    std::unordered_set<connection*> connections{};  // the open ones
    std::string date_line{};                        // "Date: …\r\n", made anew each second
    std::int64_t date_second = 0;

    static constexpr std::size_t max_access_bytes = 1u << 20;
};

}  // namespace meta_model::http
