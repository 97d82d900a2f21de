#include "dispatch/run.hpp"

#include "dispatch/cascade.hpp"
#include "dispatch/chat_members.hpp"
#include "dispatch/ensemble_request.hpp"
#include "dispatch/moa.hpp"
#include "dispatch/multimodal.hpp"
#include "dispatch/passthrough.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/tokenize.hpp"
#include "dispatch/voting.hpp"

#include <memory>

namespace meta_model::dispatch {

namespace {

// Refuses what no ensemble serves, and finds the route of media that this one cannot serve itself.
base::maybe_error admit(request_context& context, std::unique_ptr<media_route>& route) {
    const auto content = scan_content(context.request);
    context.media = content.all;
    auto refusal = judge_ensemble_request(context.request, content);
    if (!refusal) {
        refusal = judge_chat(context.target, context.request, context.client_kind);
    }
    if (refusal) {
        append_plan_headers(context);
        return refusal;
    }
    if (context.target.sees.has_all(content.turn)) {
        return {};
    }
    auto found = route_media(context.target, content.turn, context.config.vision.two_stage);
    if (!found) {
        return found.error();
    }
    route = std::make_unique<media_route>(std::move(*found));
    return {};
}

net::task<base::maybe_error> run_ensemble(request_context& context) {
    using config::profile_type;
    std::unique_ptr<media_route> route;
    if (auto refusal = admit(context, route)) {
        co_return std::move(refusal);
    }
    if (route) {
        co_return co_await run_media_route(context, *route);
    }
    // Those of a panel are known when its prompts are planned.
    if (context.target.type == profile_type::cascade) {
        append_plan_headers(context);
    }
    if (context.target.type == profile_type::cascade) {
        co_return co_await run_cascade(context);
    }
    if (context.target.type == profile_type::voting) {
        co_return co_await run_voting(context);
    }
    co_return co_await run_moa(context);
}

}  // namespace

net::task<base::maybe_error> run(request_context& context) {
    if (api::is_count(context.request.shape().kind)) {
        return run_tokenize(context);
    }
    return context.target.type == config::profile_type::passthrough ? run_passthrough(context)
                                                                    : run_ensemble(context);
}

}  // namespace meta_model::dispatch
