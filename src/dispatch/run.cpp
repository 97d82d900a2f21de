#include "dispatch/run.hpp"

#include "dispatch/cascade.hpp"
#include "dispatch/ensemble_request.hpp"
#include "dispatch/moa.hpp"
#include "dispatch/passthrough.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/voting.hpp"

namespace meta_model::dispatch {

namespace {

net::task<base::maybe_error> run_ensemble(request_context& context) {
    using config::profile_type;
    // Those of a moa are known when its prompts are planned.
    const bool is_moa = context.target.type == profile_type::moa;
    if (!is_moa) {
        append_plan_headers(context);
    }
    if (auto refusal = judge_ensemble_request(context)) {
        if (is_moa) {
            append_plan_headers(context);
        }
        co_return std::move(refusal);
    }
    if (context.target.type == profile_type::cascade && !context.target.has_pending_parts) {
        co_return co_await run_cascade(context);
    }
    if (context.target.type == profile_type::voting) {
        co_return co_await run_voting(context);
    }
    if (context.target.type == profile_type::moa) {
        co_return co_await run_moa(context);
    }
    co_return base::make_error(
        base::error_code_id::not_implemented,
        "Cascade steps that use a profile are not available yet."
    );
}

}  // namespace

net::task<base::maybe_error> run(request_context& context) {
    return context.target.type == config::profile_type::passthrough ? run_passthrough(context)
                                                                    : run_ensemble(context);
}

}  // namespace meta_model::dispatch
