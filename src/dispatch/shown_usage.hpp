// The `usage` of an ensemble's reply: the answer's own, or with `[server] usage = "total"` that of all calls.
#pragma once

#include "dispatch/request_context.hpp"

#include <optional>

namespace meta_model::dispatch {

// The sum is what is to be told, and another one than the answer's own.
inline bool is_total_told(const request_context& c) {
    return c.config.server.usage == config::usage_scope::total && c.ledger.reports() > 1;
}

inline std::optional<api::token_usage> shown_usage(
    const request_context& c, const std::optional<api::token_usage>& own
) {
    return is_total_told(c) ? c.ledger.reported() : own;
}

}  // namespace meta_model::dispatch
