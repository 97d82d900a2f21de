#include "dispatch/multimodal.hpp"

#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/cascade.hpp"
#include "dispatch/image_description.hpp"
#include "dispatch/live_answer.hpp"
#include "dispatch/moa.hpp"
#include "dispatch/nested_request.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace meta_model::dispatch {

namespace {

using base::maybe_error;
using std::chrono::steady_clock;
using telemetry::call_outcome;

net::task<maybe_error> run_route(request_context& c, const media_route& route) {
    const auto served = route_target(c.target, route);
    c.record.strategy = served.strategy;
    c.header_lines += served.profile_header;
    nested_request nested(c, served, c.request);
    auto failure = co_await run_cascade(nested.context());
    co_return std::move(failure);
}

// What a model said, without its reasoning; reasoning only where it said nothing else.
std::string description_in(const leg_result& result) {
    const auto& d = result.draft;
    for (const auto& text :
         {d.content ? api::strip_in_band_reasoning(*d.content) : std::string(),
          d.reasoning_content,
          d.reasoning}) {
        if (const auto visible = base::trim(text); !visible.empty()) {
            return base::clip(visible, most_description_bytes);
        }
    }
    return {};
}

void note_description(request_context& c, const leg& step, bool is_useful) {
    auto record = step.record();
    auto reason = step.result().reason;
    if (step.result().is_answered() && !is_useful) {
        record.state = telemetry::leg_state::failed;
        reason = call_outcome::unusable;
    }
    c.record.legs.push_back(record);
    if (!is_useful) {
        c.record.failures.push_back({.upstream = step.upstream().metric_id, .reason = reason});
    }
}

// Stage one. Empty when no upstream of [vision] has described the images in time.
net::task<std::string> describe_images(request_context& c, const image_selection& images) {
    const auto now = steady_clock::now();
    const auto share = std::min<base::steady_duration>((c.deadline - now) / 2, longest_description);
    const auto deadline = std::min(c.deadline, now + share);
    const auto& upstreams = c.target.routes->vision;
    for (auto* u : upstreams) {
        if (c.cancel.is_cancelled() || steady_clock::now() >= deadline) {
            break;
        }
        if (!u->availability.may_be_called(steady_clock::now())) {
            c.record.legs.push_back(
                {.upstream = u->metric_id, .state = telemetry::leg_state::skipped}
            );
            continue;
        }
        leg step(c, *u);
        step.set_role(leg_role::describer);
        if (u == upstreams.back()) {
            step.allow_retries();
        }
        const auto changes = description_changes(c.request, images, c.config.vision, u->config);
        co_await step.run(changes, deadline);
        auto text = step.result().is_answered() ? description_in(step.result()) : std::string();
        note_description(c, step, !text.empty());
        if (!text.empty()) {
            co_return text;
        }
    }
    co_return std::string();
}

std::int64_t count_characters(std::string_view utf8) {
    return std::ranges::count_if(utf8, [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
    });
}

// Stage two: the profile answers a conversation in which the description stands for the images.
net::task<maybe_error> run_described(
    request_context& c, const image_selection& images, std::string description
) {
    const auto body = body_with_description(c.request, images, description);
    api::chat_request request;
    if (const auto parsed = request.parse(body, c.config.server.limits.max_json_depth); !parsed) {
        co_return parsed.error();
    }
    nested_request nested(c, c.target, request);
    auto& inner = nested.context();
    inner.media = scan_content(request).all;
    append_header(inner.header_lines, "X-MetaModel-Vision-Path", "describe_then_moa");
    append_header(
        inner.header_lines, "X-MetaModel-Vision-Describe-Chars", count_characters(description)
    );
    auto failure = co_await run_moa(inner);
    co_return std::move(failure);
}

net::task<std::string> run_first_stage(request_context& c, const image_selection& images) {
    // A head that must go out before the profile's work began has no more to tell.
    const auto header_bytes = c.header_lines.size();
    c.header_lines += c.target.profile_header;
    const stream_keepalive keepalive(c, c.request.stream());
    auto text = co_await describe_images(c, images);
    c.header_lines.resize(header_bytes);
    co_return text;
}

}  // namespace

net::task<maybe_error> run_media_route(request_context& c, const media_route& route) {
    if (!route.is_described_first) {
        auto failure = co_await run_route(c, route);
        co_return std::move(failure);
    }
    const auto images = select_images(c.request, c.config.vision.describe_image_cap);
    auto text = co_await run_first_stage(c, images);
    if (c.cancel.reason() == base::cancel_reason::client_gone) {
        co_return client_closed();
    }
    maybe_error failure;
    if (text.empty()) {
        failure = co_await run_route(c, route);
    } else {
        failure = co_await run_described(c, images, std::move(text));
    }
    // The first stage may have opened the stream, and the second one be refused before it begins.
    co_return co_await end_committed(c, std::move(failure));
}

}  // namespace meta_model::dispatch
