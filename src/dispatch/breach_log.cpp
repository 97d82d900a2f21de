#include "dispatch/breach_log.hpp"

#include "base/text.hpp"

namespace meta_model::dispatch {

void log_breach(
    const request_context& context,
    const upstream::upstream_state& upstream,
    const contract_breach& breach
) {
    context.log.write(
        base::log_level::warning,
        "a model calls what it may not call",
        {{"id", context.request_id},
         {"profile", context.target.name},
         {"upstream", upstream.config.key},
         {"reason", telemetry::to_string(breach.reason)},
         {"call", base::clip(breach.name, 200)}}
    );
}

}  // namespace meta_model::dispatch
