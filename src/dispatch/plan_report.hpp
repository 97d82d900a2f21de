// What a request would do, told without calling anybody: `meta-model explain`.
#pragma once

#include "dispatch/request_context.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

struct plan_report;

struct planned_call {
    std::string_view upstream{};  // its key
    leg_role role{};
    std::string when{};                 // "at once", "when step 1 gives no answer", …
    int window = 0;                     // tokens
    std::int64_t prompt_tokens = 0;     // at most
    std::int64_t output_tokens = 0;     // at most
    std::chrono::milliseconds time{0};  // from the request's start to the end of this call, at most
    base::money ceiling{};
    std::size_t samples = 1;  // drafts or ballots that it is to bring; tokens and money are of all
    bool is_started = true;   // or may be, later on
    std::string_view reason{};                 // why it is not: cost_limit, too_large
    std::shared_ptr<const plan_report> sub{};  // where a profile answers; its ceiling is the call's
};

struct plan_report {
    std::string_view profile{};
    std::string_view strategy{};
    std::int64_t estimated_tokens = 0;  // of the request's messages and tools
    std::optional<base::money> limit{
    };  // what it may cost; within another profile what that leaves
    std::string_view route{};  // "vision", "video" or "audio": the table that serves the media
    std::vector<std::string_view> endpoints{
    };  // its upstreams, in the order in which they are asked
    bool is_described_first = false;  // they describe the images for the profile
    std::vector<planned_call> calls{};
    base::money ceiling{};        // of all that would be started; of two ways, the dearer one
    base::maybe_error refusal{};  // with which it would be answered before any call
};

// `context` is that of a request that is not served: nothing is sent, its record and headers are of no use afterwards.
plan_report report_plan(request_context& context);

// For people, and as one JSON object.
std::string to_text(const plan_report& plan);
std::string to_json(const plan_report& plan);

}  // namespace meta_model::dispatch
