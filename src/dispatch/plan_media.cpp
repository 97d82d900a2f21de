#include "dispatch/cost_plan.hpp"
#include "dispatch/nested_request.hpp"
#include "dispatch/planner.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace meta_model::dispatch {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Puts the calls of a part behind the others. `first`: when those are made that the part makes at once.
void planner::adopt(plan_report part, std::string_view first) {
    for (auto& call : part.calls) {
        if (call.when == "at once") {
            call.when = first;
        }
        out_.calls.push_back(std::move(call));
    }
    if (part.refusal) {
        out_.refusal = std::move(part.refusal);
    }
}

void planner::plan_media(const media_route& route) {
    out_.route = name_of(route.kind);
    out_.is_described_first = route.is_described_first;
    for (const auto* u : route.upstreams) {
        out_.endpoints.push_back(u->config.key);
    }
    if (route.is_described_first) {
        plan_described(route);
        return;
    }
    out_.strategy = telemetry::to_string(telemetry::strategy::multimodal);
    plan_route(route, "at once");
}

void planner::plan_route(const media_route& route, std::string_view first) {
    const auto served = route_target(c_.target, route);
    nested_request nested(c_, served, c_.request);
    planner steps(nested.context());
    steps.plan_cascade();
    adopt(std::move(steps.out_), first);
}

// Two ways from the description on: the panel, or without one the route. What it costs at most is the dearer one.
void planner::plan_described(const media_route& route) {
    const auto images = select_images(c_.request, c_.config.vision.describe_image_cap);
    const auto tokens = plan_descriptions(images);
    if (tokens == 0) {
        plan_route(route, "at once");
        return;
    }
    const auto calls_cost = [this](std::size_t from) {
        base::money sum;
        for (auto i = from; i < out_.calls.size(); ++i) {
            sum += out_.calls[i].is_started ? out_.calls[i].ceiling : base::money{};
        }
        return sum;
    };
    const auto give_back = [this](base::money before) {
        const auto taken = base::minus(before, left());
        if (c_.purse != nullptr) {
            c_.purse->settle(taken);
        }
        return taken;
    };
    const auto before = left();
    const auto described = out_.calls.size();
    plan_described_panel(images, tokens);
    const auto by_panel = calls_cost(described);
    auto taken = give_back(before);
    auto refusal = std::exchange(out_.refusal, {});
    const auto route_from = out_.calls.size();
    plan_route(route, "when nobody describes the images");
    const auto by_route = calls_cost(route_from);
    taken = std::max(taken, give_back(before));
    if (c_.purse != nullptr) {
        c_.purse->take(taken);
    }
    not_both_ = std::min(by_panel, by_route);
    out_.refusal = std::move(refusal);
}

milliseconds planner::describing_time() const {
    return std::min<milliseconds>(whole() / 2, longest_description);
}

// Returns the tokens of the longest description; 0: nobody can be asked for one.
std::int64_t planner::plan_descriptions(const image_selection& images) {
    std::string when = "at once";
    std::int64_t longest = 0;
    for (const auto* u : c_.target.routes->vision) {
        auto changes = description_changes(c_.request, images, c_.config.vision, u->config);
        const auto bound = bound_call(c_, *u, std::move(changes));
        auto& call = add(*u, leg_role::describer, when, bound);
        call.time = describing_time();
        take_in_order(call);
        if (call.is_started) {
            longest = std::max(longest, bound.output_tokens);
            when = "when " + u->config.key + " gave no description";
        }
    }
    return longest;
}

void planner::plan_described_panel(const image_selection& images, std::int64_t tokens) {
    // As long as it can be: 2.8 bytes a token.
    const auto bytes =
        std::min<std::size_t>(static_cast<std::size_t>(tokens) * 28 / 10, most_description_bytes);
    const auto body = body_with_description(c_.request, images, std::string(bytes, 'x'));
    api::chat_request request;
    if (const auto parsed = request.parse(body, c_.config.server.limits.max_json_depth); !parsed) {
        out_.refusal = parsed.error();
        return;
    }
    nested_request nested(c_, c_.target, request);
    nested.context().media = scan_content(request).all;
    planner panel(nested.context());
    panel.plan_moa();
    for (auto& call : panel.out_.calls) {
        call.time = std::min(whole(), call.time + describing_time());
    }
    adopt(std::move(panel.out_), "when the images are described");
}

}  // namespace meta_model::dispatch
