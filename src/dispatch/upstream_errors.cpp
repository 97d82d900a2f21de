#include "dispatch/upstream_errors.hpp"

#include "api/json_cursor.hpp"
#include "api/wire_words.hpp"
#include "base/text.hpp"
#include "dispatch/request_context.hpp"

#include <algorithm>

namespace meta_model::dispatch {

using base::error_code_id;
using upstream::call_fault;

base::error error_of(const upstream::call_error& fault) {
    const auto make = [&](error_code_id id, std::string_view message) {
        auto e = base::make_error(id, std::string(message));
        e.origin = base::error_origin::upstream;
        e.detail = fault.detail;
        return e;
    };
    switch (fault.fault) {
        case call_fault::none:
        case call_fault::unreached:
        case call_fault::transport:
            return make(error_code_id::upstream_error, "The model server could not be reached.");
        case call_fault::misconfigured:
            return make(
                error_code_id::upstream_misconfigured,
                "The model server is not configured completely."
            );
        case call_fault::garbage:
            return make(
                error_code_id::upstream_error, "The model server's reply could not be read."
            );
        case call_fault::timeout:
            return make(error_code_id::upstream_timeout, "The model server took too long.");
        case call_fault::deadline:
            // One call that outlasts the request is, for a single upstream, that upstream's timeout.
            return make(
                error_code_id::upstream_timeout,
                "The model server did not answer in the request's time."
            );
        case call_fault::too_large:
            return make(
                error_code_id::upstream_protocol_error, "The model server's reply is too large."
            );
        case call_fault::cut:
            return make(
                error_code_id::upstream_error,
                "The model server's reply ended before it was complete."
            );
        case call_fault::unavailable: {
            auto e = make(
                error_code_id::upstream_unavailable, "The model server is left alone for a moment."
            );
            e.retry_after_s = fault.retry_after_s;
            return e;
        }
        case call_fault::unpaid:
            return make(
                error_code_id::cost_limit_exceeded,
                "The cost limit is too low for the calls that are to be made. Allow more, send "
                "less, or lower "
                "'max_tokens'."
            );
        case call_fault::cancelled:
            return make(error_code_id::client_closed, "The request was cancelled.");
    }
    return make(error_code_id::internal, "internal server error");
}

base::error error_of(const request_context& context, const upstream::call_error& fault) {
    if (fault.fault == call_fault::cancelled
        && context.cancel.reason() == base::cancel_reason::shutdown) {
        return server_draining();
    }
    return error_of(fault);
}

telemetry::call_outcome outcome_of(call_fault fault) {
    using telemetry::call_outcome;
    switch (fault) {
        case call_fault::none: return call_outcome::ok;
        case call_fault::misconfigured: return call_outcome::misconfigured;
        case call_fault::unreached:
        case call_fault::transport:
        case call_fault::garbage: return call_outcome::transport;
        case call_fault::timeout:
        case call_fault::deadline: return call_outcome::timeout;
        case call_fault::too_large: return call_outcome::too_large;
        case call_fault::cut: return call_outcome::cut;
        case call_fault::unavailable: return call_outcome::breaker_open;
        case call_fault::unpaid: return call_outcome::cost;
        case call_fault::cancelled: return call_outcome::cancelled;
    }
    return call_outcome::transport;
}

int status_of_error(std::string_view error) {
    return status_of_error(api::request_kind::chat, error);
}

int status_of_error(api::request_kind kind, std::string_view error) {
    std::int64_t status = 0;
    for (const auto* key : {"status", "code", "http_status"}) {
        if (api::to_int64(api::find_member(error, key), status) && status >= 400 && status <= 599) {
            return static_cast<int>(status);
        }
    }
    if (kind == api::request_kind::messages || kind == api::request_kind::responses) {
        const auto told = api::status_of_error_words(error);
        return told != 0 ? told : 502;
    }
    return 502;
}

telemetry::call_outcome outcome_of(const base::error& failure) {
    using telemetry::call_outcome;
    switch (failure.id) {
        case error_code_id::upstream_protocol_error: return call_outcome::non_json;
        case error_code_id::upstream_timeout: return call_outcome::timeout;
        case error_code_id::upstream_unavailable: return call_outcome::breaker_open;
        case error_code_id::upstream_misconfigured:
        case error_code_id::not_implemented: return call_outcome::misconfigured;
        case error_code_id::cost_limit_exceeded: return call_outcome::cost;
        default: return failure.status != 0 ? call_outcome::non_2xx : call_outcome::cut;
    }
}

bool holds_secret(const config::gateway_config& config, std::string_view text) {
    const auto holds = [&](const base::secret& s) {
        return !s.empty() && text.find(s.expose()) != std::string_view::npos;
    };
    return holds(config.server.bearer_token)
           || std::ranges::any_of(config.upstreams, [&](const auto& u) {
                  return holds(u.second.api_key) || holds(u.second.basic_auth_pass)
                         || std::ranges::any_of(u.second.headers, [&](const auto& h) {
                                return h.is_secret && holds(h.value);
                            });
              });
}

std::string loggable(const request_context& context, std::string_view body) {
    if (!context.config.server.log.bodies) {
        return {};
    }
    return holds_secret(context.config, body) ? "(withheld: holds a credential)"
                                              : base::clip(body, 512);
}

bool has_one_choice(const api::chat_request& request) {
    const auto* n = request.find("n");
    return n == nullptr || n->value == "1" || n->value == "null";
}

bool must_withhold(int status) {
    return status == 401 || status == 403 || status == 407 || (status >= 300 && status < 400);
}

base::error error_of_status(int status, int retry_after_s, std::string_view body) {
    base::error e;
    if (status == 401 || status == 403 || status == 407) {
        e = base::make_error(
            error_code_id::upstream_auth_failed,
            "The model server refused the gateway's credentials."
        );
    } else {
        e = base::make_error(
            error_code_id::upstream_error,
            "The model server answered with status " + std::to_string(status) + '.'
        );
        e.status = must_withhold(status) ? 502 : status;
    }
    e.origin = base::error_origin::upstream;
    e.retry_after_s = retry_after_s;
    e.detail =
        "status " + std::to_string(status) + (body.empty() ? "" : ": ") + base::clip(body, 512);
    return e;
}

base::error client_closed() {
    return base::make_error(error_code_id::client_closed, "The client closed the request.");
}

base::error server_draining() {
    return base::make_error(error_code_id::server_draining, "The gateway is shutting down.");
}

}  // namespace meta_model::dispatch
