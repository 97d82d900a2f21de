// How a leg ended and what it brought.
#pragma once

#include "api/message.hpp"
#include "telemetry/request_record.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace meta_model::dispatch {

enum class leg_outcome { running, answered, failed };

struct leg_result {
    leg_outcome outcome = leg_outcome::running;
    api::draft draft{};                // with `answered`; else what came before the failure
    telemetry::call_outcome reason{};  // with `failed`
    int status = 0;                    // HTTP status of the reply; 0: none came
    std::string detail{};              // log only
    std::chrono::microseconds first_byte{telemetry::not_reached};
    std::chrono::microseconds total{0};
    std::optional<api::token_usage> usage{
    };  // as reported, numbers only; stays when the draft is moved away
    bool is_cut_short =
        false;  // ended by the panel or by the request's deadline, not by its upstream
    bool is_partial = false;        // with is_cut_short: the draft is long enough to be shown
    bool is_misshapen = false;      // 2xx without a usable choice
    std::size_t content_bytes = 0;  // of the draft's text, also of one that was not kept
    std::string body{
    };  // after keep_body(): of a reply that was no stream; an error event as {"error":…}
    std::string passed_headers{};  // header lines of the reply that clients may see, each with CRLF
    int retry_after_s = -1;        // of the reply, or until it may be called; -1: it named none
    int error_status = 0;  // what an error object in a 2xx reply stands for; 0: there was none

    bool is_answered() const { return outcome == leg_outcome::answered; }
};

}  // namespace meta_model::dispatch
