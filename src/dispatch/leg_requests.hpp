// What every leg of an ensemble is asked with, whatever its part: changes to the client's own body.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

// The operator's prompt; streamed or not as the upstream is set; one choice; no tools where the profile strips them. What
// becomes of the messages (media that the upstream does not take, its window) is for the caller to say.
upstream::body_changes leg_changes(const request_context& c, const upstream::upstream_state& u);

// Lowers an explicit wish for output to what the upstream can write.
void cap_output(const request_context& c, upstream::body_changes& changes, std::int64_t max_output);

// Of the answer, whatever the client wished.
void set_max_tokens(upstream::body_changes& changes, int tokens);

// How many choices the call is to bring.
void set_choices(upstream::body_changes& changes, std::size_t count);

// The same seed would draw the same sample: each of one upstream's samples gets one of its own.
void set_seed_of_sample(const request_context& c, upstream::body_changes& changes, int sample);

// A judge is asked for a number: neither tools nor what the client wishes of the answer's form and length are for it, but
// room for a model that thinks first; notes stand in the place of media that it does not take. The question is to be
// added.
upstream::body_changes question_changes(
    const request_context& c, const upstream::upstream_state& judge, double temperature
);

// Behind the conversation.
void add_user_message(upstream::body_changes& changes, std::string_view text);

std::string number_json(double value);

}  // namespace meta_model::dispatch
