// What broken servers send: scripts for the fake upstream, most of them an answer with something wrong in it.
#pragma once

#include "contract/contract_test.hpp"

#include <string>

namespace meta_model::contract {

// The answer of every script that has one.
inline const std::string fault_text = "alpha beta gamma";

step ending(step_kind kind);
step sending(std::string bytes);
std::string chunked_head(const recorded_request& request);

// The head, then `kind`.
reply head_then(step_kind kind);
// About half of the answer, then `kind`.
reply half_then(step_kind kind);

enum class half_end { inside_chunk, between_chunks, last_chunk };
// Half of the answer in chunks, then the end of the connection.
reply half_in_chunks(half_end end);

enum class stated_length { too_long, too_short };
reply wrong_length(stated_length which);

// One byte each 20 ms, from the beginning or from behind the head.
reply drip(bool is_head_whole);

// A finished answer without [DONE], and with no end of the body either.
reply finished_but_open();
reply without_done();
// Gzip that nobody asked for: 258 bytes for each repetition.
reply encoded(std::size_t repeats);
reply early_refusal();

std::string content_event(const std::string& content);
inline const std::string finish_event =
    R"({"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
std::string repeated(const std::string& bytes, int times);
// An error object with this code.
json coded_error(const std::string& code);

}  // namespace meta_model::contract
