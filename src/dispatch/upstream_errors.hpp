// What a failed upstream call means for the client and for the record.
#pragma once

#include "api/chat_request.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "telemetry/names.hpp"
#include "upstream/call.hpp"

#include <string>
#include <string_view>

namespace meta_model::dispatch {

struct request_context;

// The error of a single-upstream strategy (spec §3.4).
base::error error_of(const upstream::call_error& fault);

// The same, but a call that was cancelled tells what cancelled the request.
base::error error_of(const request_context& context, const upstream::call_error& fault);

telemetry::call_outcome outcome_of(upstream::call_fault fault);

// How a call ended whose reply began well and was then given up with `failure`.
telemetry::call_outcome outcome_of(const base::error& failure);

// The error for a reply that is not 2xx and whose body is not passed on. `body` goes to the log, and only there.
base::error error_of_status(int status, int retry_after_s, std::string_view body);

// The status that an error object in a 2xx reply or stream stands for: what it names itself, else 502. `error`: the
// raw value of `error`.
int status_of_error(std::string_view error);

// The same for an error of another wire than the chat's, whose words stand for a status too.
int status_of_error(api::request_kind kind, std::string_view error);

// True when `text` holds any credential of the configuration: servers echo keys that they refuse.
bool holds_secret(const config::gateway_config& config, std::string_view text);

// The beginning of `body` as far as the log may hold it: empty unless bodies are logged, without credentials.
std::string loggable(const request_context& context, std::string_view body);

// True when the request asks for one choice: its first finish is then the end of the answer.
bool has_one_choice(const api::chat_request& request);

// True for a status whose body must not reach a client: it speaks of our own credentials or of another place.
bool must_withhold(int status);

// Why a request ends that nothing was wrong with.
base::error client_closed();
base::error server_draining();

}  // namespace meta_model::dispatch
