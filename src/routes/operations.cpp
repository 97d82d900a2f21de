#include "routes/operations.hpp"

#include "api/json_text.hpp"
#include "http/connection.hpp"

#include <algorithm>

namespace meta_model::routes {

namespace {

using upstream::probe_state;

enum class profile_health { ok, degraded, down };

bool is_up(const upstream::upstream_state* u) {
    return u->probe() == probe_state::up;
}

// A profile can serve while one of its upstreams can: a panel answers with a lone draft when its synthesizer is down.
profile_health health_of(const dispatch::target& t) {
    bool is_any_up = false;
    bool is_all_well = t.synthesizer == nullptr || is_up(t.synthesizer);
    for (const auto* u : t.upstreams) {
        const auto* const profile = t.nested_in(*u);
        const auto health = profile != nullptr ? health_of(profile->target)
                            : is_up(u)         ? profile_health::ok
                                               : profile_health::down;
        is_any_up = is_any_up || health != profile_health::down;
        is_all_well = is_all_well && health == profile_health::ok;
    }
    if (!is_any_up) {
        return profile_health::down;
    }
    return is_all_well ? profile_health::ok : profile_health::degraded;
}

bool is_ready(const operation_services& s) {
    const auto& upstreams = s.upstreams.all();
    const auto up = [](const auto& u) { return is_up(u.get()); };
    if (s.config.server.readiness == config::readiness_rule::all) {
        return std::ranges::all_of(upstreams, up);
    }
    bool has_profile = false;
    for (const auto& t : s.catalog.targets()) {
        if (t->profile != nullptr) {
            has_profile = true;
            if (health_of(*t) != profile_health::down) {
                return true;
            }
        }
    }
    return !has_profile && std::ranges::any_of(upstreams, up);
}

std::string health_body(
    const operation_services& s,
    bool shows_profiles,
    std::string_view status,
    std::string_view reason
) {
    std::string body = R"({"status":")";
    body += status;
    body += R"(","unhealthy_upstreams":[)";
    for (const auto& u : s.upstreams.all()) {
        if (is_up(u.get())) {
            continue;
        }
        body += body.back() == '[' ? "{\"name\":" : ",{\"name\":";
        api::append_json_string(body, u->config.key);
        body += ",\"reason\":\"";
        body += health::to_string(u->probe());
        body += "\"}";
    }
    body += R"(],"version":")" META_MODEL_VERSION "\"";
    if (!reason.empty()) {
        body += ",\"reason\":\"";
        body += reason;
        body += '"';
    }
    // Which profiles there are is told only to those who may know them.
    if (shows_profiles && !s.config.profiles.empty()) {
        constexpr std::string_view names[] = {"ok", "degraded", "down"};
        body += ",\"profiles\":{";
        for (const auto& t : s.catalog.targets()) {
            if (t->profile != nullptr) {
                body += body.back() == '{' ? "" : ",";
                api::append_json_string(body, t->name);
                body += ":\"";
                body += names[static_cast<std::size_t>(health_of(*t))];
                body += '"';
            }
        }
        body += '}';
    }
    body += '}';
    return body;
}

net::task<> health(const operation_services& s, http::connection& c) {
    std::string body;
    bool is_ok = false;
    if (s.service->is_draining.load()) {
        body = health_body(s, c.is_authenticated(), "draining", {});
    } else if (s.config.is_absent) {
        body = health_body(s, c.is_authenticated(), "unhealthy", "no_monitor_configured");
    } else if (s.config.upstreams.empty()) {
        body = health_body(s, c.is_authenticated(), "unhealthy", "no_upstreams_configured");
    } else {
        co_await s.monitor.wait_fresh(c.loop());
        is_ok = is_ready(s);
        body = health_body(s, c.is_authenticated(), is_ok ? "ok" : "unhealthy", {});
    }
    c.send(is_ok ? 200 : 503, "application/json", "Cache-Control: no-store\r\n", {body});
}

net::task<> liveness(http::connection& c) {
    c.send(200, "application/json", {}, {R"({"status":"alive"})"});
    co_return;
}

net::task<> moa_metrics(const operation_services& s, http::connection& c) {
    const auto body = s.recorder.moa_json();
    c.send(200, "application/json", {}, {body});
    co_return;
}

net::task<> metrics(const operation_services& s, http::connection& c) {
    if (c.request().accept.find("application/json") != std::string_view::npos) {
        return moa_metrics(s, c);
    }
    return [](const operation_services& services, http::connection& connection) -> net::task<> {
        const auto body = services.recorder.prometheus_text();
        connection.send(200, "text/plain; version=0.0.4; charset=utf-8", {}, {body});
        co_return;
    }(s, c);
}

}  // namespace

void add_operation_routes(http::router& router, const operation_services& services) {
    using http::auth_class;
    for (const auto* path : {"/v1/health", "/health"}) {
        router.add(
            {.method = "GET",
             .path = path,
             .auth = auth_class::exempt,
             .handler = [&services](auto& c) { return health(services, c); }}
        );
    }
    router.add(
        {.method = "GET",
         .path = "/livez",
         .auth = auth_class::exempt,
         .handler = [](auto& c) { return liveness(c); }}
    );
    router.add({.method = "GET", .path = "/v1/metrics/moa", .handler = [&services](auto& c) {
                    return moa_metrics(services, c);
                }});
    router.add(
        {.method = "GET",
         .path = "/metrics",
         .auth = auth_class::exempt,
         .handler = [&services](auto& c) { return metrics(services, c); }}
    );
}

}  // namespace meta_model::routes
