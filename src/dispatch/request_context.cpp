#include "dispatch/request_context.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::dispatch {

base::steady_time request_deadline(
    const config::gateway_config& config, const api::chat_request& request, base::steady_time start
) {
    using std::chrono::duration_cast;
    constexpr std::int64_t longest_ms = 86'400'000;
    auto time = duration_cast<base::steady_duration>(config.server.request_timeout);
    if (const auto wish = request.envelope().deadline_ms) {
        const std::chrono::milliseconds wished(std::min(*wish, longest_ms));
        time = std::min(time, duration_cast<base::steady_duration>(wished));
    }
    return start + time;
}

std::shared_ptr<purse> purse_of(
    const target& target, const api::chat_request& request, std::shared_ptr<purse> outer
) {
    if (request.shape().kind == api::request_kind::input_tokens) {
        return outer;  // a count is free
    }
    auto limit = request.envelope().max_cost;
    if (target.profile != nullptr && target.profile->max_cost) {
        limit = std::min(limit.value_or(*target.profile->max_cost), *target.profile->max_cost);
    }
    return limit ? std::make_shared<purse>(*limit, std::move(outer)) : outer;
}

request_context inner_context(
    request_context& outer,
    const target& target,
    api::chat_request& request,
    answer_sink& sink,
    base::cancel_source& cancel,
    telemetry::request_record& record
) {
    return {
        .loop = outer.loop,
        .client = outer.client,
        .shard = outer.shard,
        .log = outer.log,
        .config = outer.config,
        .target = target,
        .request = request,
        .sink = sink,
        .cancel = cancel,
        .record = record,
        .request_id = outer.request_id,
        .upstream_header_lines = outer.upstream_header_lines,
        .start = outer.start,
        .deadline = outer.deadline,
        .client_kind = outer.client_kind
    };
}

}  // namespace meta_model::dispatch
