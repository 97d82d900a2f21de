// What the mock upstream answers: the plan a request's path asks for, and the reply texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::bench {

// The first segment of the path is a list of actions separated by dots; numbers that follow an
// action are its further arguments. A gateway forwards no header of ours, but it keeps the path of
// its base URL.
//
//   j<bytes>                      JSON chat completion, a body of that many bytes
//   d<ms>                         waits before the reply that another action names: /d20.j1024/
//   s<chunks>.<interval ms>       SSE, one send per chunk; interval 0: as fast as the loop turns
//   b<chunks>                     SSE, all chunks in one send
//   m<bytes>.<ms>.<chunks>        a draft of that much text, complete after ms; streamed in evenly
//                                 spaced chunks when the request has "stream":true, else JSON
//
// Any path that ends in /models is the model list; a path without actions (/v1/...) is j1024.
enum class reply_kind { not_found, models, json, stream, burst, draft };

struct reply_plan {
    reply_kind kind = reply_kind::not_found;
    std::uint64_t bytes = 1024;  // whole body (json) or text (draft)
    std::uint64_t chunks = 1;
    std::uint64_t interval_ns = 0;
    std::uint64_t delay_ns = 0;
};

reply_plan plan_for(std::string_view target);

// Whether the request body has "stream":true outside of a string value.
bool asks_for_stream(std::string_view body);

// Complete replies, head and body.
std::string not_found_reply();
std::string models_reply();
std::string json_reply(std::uint64_t body_bytes);
// Drafts with different numbers begin differently.
std::string draft_reply(std::uint64_t text_bytes, std::uint64_t number);

// Parts of a chunked SSE reply. `append_event` carries `@<CLOCK_MONOTONIC ns>;` at the start of the
// content, so that it survives both a relay and a re-encoding, and the load generator can tell how
// long the chunk travelled.
enum class event_position { first, later };
void append_stream_head(std::string& out);
void append_event(std::string& out, std::uint64_t stamp_ns, event_position position);
void append_draft_event(
    std::string& out, std::uint64_t text_bytes, std::uint64_t number, event_position position
);
void append_stream_end(std::string& out);

}  // namespace meta_model::bench
