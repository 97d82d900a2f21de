// When drafts say the same (spec §3.8.3), and the canonical forms that the comparison is made of.
#pragma once

#include "api/message.hpp"
#include "config/config.hpp"

#include <string>
#include <vector>

namespace meta_model::dispatch {

// The parts of a draft that count. Ids do not; white space in text does not.
struct draft_signature {
    std::string text{};
    std::string calls{};     // JSON list of [name, canonical arguments]
    std::string function{};  // JSON pair, or "null"

    friend bool operator==(const draft_signature&, const draft_signature&) = default;
};

draft_signature signature_of(const api::draft& d);

// Arguments that are JSON in one spelling (canonical_json), others as they are.
std::string canonical_arguments(const std::string& arguments);

// True when all say the same, and say something: drafts without text and calls agree on nothing.
bool all_agree(const std::vector<const api::draft*>& drafts);

// True when all come to the same (design §4.4). What a draft comes to, the first that there is:
//   calls    their names and canonical arguments, in order; the text beside them does not count
//   JSON     an object or a list that is the whole text, or its one code fence: its value
//   answer   a marked answer (`\boxed{}`, `ANSWER:`), else the text when it is one line, else the last line when that is
//            nothing but a number or a letter: numbers as numbers (dispatch::agrees), letters without brackets, other
//            answers without Markdown's marks and without case
//   text     all of it but white space
// A draft that its output limit cut off before its answer comes to nothing, and agrees with none.
bool all_agree_canonically(const std::vector<const api::draft*>& drafts);

// By the profile's rule.
bool all_agree(const std::vector<const api::draft*>& drafts, config::agreement_rule rule);

}  // namespace meta_model::dispatch
