#include "dispatch/media_route.hpp"

#include "dispatch/step_result.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"

#include <algorithm>
#include <chrono>

namespace meta_model::dispatch {

namespace {

using base::error;
using base::error_code_id;
using base::maybe_error;
using config::modality;
using telemetry::call_outcome;

struct route_codes {
    error_code_id not_supported;
    error_code_id unreachable;
    error_code_id exhausted;
};

route_codes codes_of(modality route) {
    switch (route) {
        case modality::video:
            return {
                error_code_id::video_not_supported,
                error_code_id::video_cascade_unreachable,
                error_code_id::video_cascade_exhausted
            };
        case modality::audio:
            return {
                error_code_id::audio_not_supported,
                error_code_id::audio_cascade_unreachable,
                error_code_id::audio_cascade_exhausted
            };
        default:
            return {
                error_code_id::vision_not_supported,
                error_code_id::vision_cascade_unreachable,
                error_code_id::vision_cascade_exhausted
            };
    }
}

std::string table_of(modality route) {
    return '[' + std::string(name_of(route)) + "].endpoints";
}

error not_supported(const target& t, modality kind) {
    const bool is_empty = t.routes->of(kind).empty();
    return base::make_error(
        codes_of(kind).not_supported,
        "This kind of content is not served: "
            + (is_empty ? table_of(kind) + " is empty."
                        : "no upstream of " + table_of(kind)
                              + " takes all that the newest messages hold.")
    );
}

std::vector<upstream::upstream_state*> those_that_take(
    const std::vector<upstream::upstream_state*>& endpoints, media_set wanted
) {
    std::vector<upstream::upstream_state*> out;
    std::ranges::copy_if(endpoints, std::back_inserter(out), [&](const auto* u) {
        return declared_media(u->config).has_all(wanted);
    });
    return out;
}

// A kind that keeps the table of `first` from serving the turn.
modality missing_kind(const target& t, modality first, media_set turn) {
    for (const auto kind : media_kinds) {
        if (turn.has(kind) && those_that_take(t.routes->of(first), media_set(kind)).empty()) {
            return kind;
        }
    }
    return first;
}

error failed_route(const request_context& c, const leg_result& last) {
    const auto codes = codes_of(c.target.route);
    const auto name = std::string(name_of(c.target.route));
    error e;
    switch (last.reason) {
        case call_outcome::non_2xx:
        case call_outcome::non_json:
        case call_outcome::undeclared_tool:
        case call_outcome::dual_shape_response:
        case call_outcome::unusable:
            e = base::make_error(
                codes.exhausted, "No upstream of the " + name + " route gave an answer."
            );
            break;
        default:
            e = base::make_error(
                codes.unreachable, "No upstream of the " + name + " route could be reached in time."
            );
    }
    if (last.reason == call_outcome::non_2xx) {
        const auto refused = failure_of(c, last);
        e.status = refused.http_status();
        e.retry_after_s = refused.retry_after_s;
    } else if (last.retry_after_s > 0) {
        e.retry_after_s = last.retry_after_s;
    }
    e.origin = base::error_origin::upstream;
    e.detail = last.detail;
    return e;
}

// Every upstream of the route is left alone: when one of them will be asked again.
int ask_again_in(const target& t) {
    const auto now = std::chrono::steady_clock::now();
    auto until = base::no_deadline;
    for (const auto* u : t.upstreams) {
        until = std::min(until, u->availability.ask_again_at(now));
    }
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(until - now).count());
}

}  // namespace

std::string_view name_of(modality route) {
    return route == modality::video ? "video" : route == modality::audio ? "audio" : "vision";
}

base::result<media_route> route_media(const target& t, media_set turn, bool two_stage) {
    media_route out;
    const auto* const first =
        std::ranges::find_if(media_kinds, [&](auto k) { return turn.has(k); });
    const auto& endpoints = t.routes->of(*first);
    const auto rest = turn.without(media_set(modality::image));
    out.is_described_first = two_stage && *first == modality::image && !endpoints.empty()
                             && t.type == config::profile_type::moa && t.sees.has_all(rest);
    for (const auto kind : media_kinds) {
        if (!turn.has(kind)) {
            continue;
        }
        out.upstreams = those_that_take(t.routes->of(kind), turn);
        if (!out.upstreams.empty()) {
            out.kind = kind;
            return out;
        }
    }
    if (!out.is_described_first) {
        return not_supported(t, missing_kind(t, *first, turn));
    }
    out.kind = *first;
    out.upstreams = endpoints;
    return out;
}

target route_target(const target& profile, const media_route& route) {
    target out;
    out.name = profile.name;
    out.profile = profile.profile;
    out.type = config::profile_type::cascade;
    out.expose_reasoning = profile.expose_reasoning;
    out.id = profile.id;
    out.strategy = telemetry::strategy::multimodal;
    out.upstreams = route.upstreams;
    out.profile_header = profile.profile_header;
    out.routes = profile.routes;
    out.route = route.kind;
    return out;
}

std::string attempt_word(const leg& step) {
    const auto& result = step.result();
    if (result.is_answered()) {
        return std::to_string(result.status);
    }
    switch (result.reason) {
        case call_outcome::non_2xx: return std::to_string(status_of(result));
        case call_outcome::timeout: return "deadline_exceeded";
        case call_outcome::misconfigured:
            return step.upstream().config.missing_secret.empty() ? "not_configured"
                                                                 : "transport_error";
        case call_outcome::non_json:
        case call_outcome::undeclared_tool:
        case call_outcome::dual_shape_response:
        case call_outcome::unusable: return "502";
        default: return "transport_error";
    }
}

net::task<maybe_error> end_route(
    request_context& c, const attempt_list& attempts, const leg_result& last
) {
    attempts.append_headers(c.header_lines, {});
    if (last.outcome == leg_outcome::running) {
        const bool has_time = std::chrono::steady_clock::now() < c.deadline;
        leg_result unasked;
        unasked.reason = has_time ? call_outcome::breaker_open : call_outcome::timeout;
        unasked.retry_after_s = has_time ? ask_again_in(c.target) : -1;
        unasked.detail = has_time ? "every upstream is left alone" : "no time is left";
        co_return failed_route(c, unasked);
    }
    const auto status = status_of(last);
    const bool may_pass =
        last.reason == call_outcome::non_2xx && may_pass_refusal(c, status, last.body);
    if (!may_pass) {
        co_return failed_route(c, last);
    }
    if (c.sink.is_committed()) {
        co_return failure_of(c, last);
    }
    c.record.status = static_cast<std::uint16_t>(status);
    c.error_detail = last.detail;
    if (send_refusal(c, status, last.passed_headers, last.body) == write_state::pending) {
        co_await c.sink.drain();
    }
    co_return std::nullopt;
}

}  // namespace meta_model::dispatch
