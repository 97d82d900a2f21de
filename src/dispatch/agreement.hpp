// When drafts say the same (spec §3.8.3), and the canonical forms that the comparison is made of.
#pragma once

#include "api/message.hpp"

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

}  // namespace meta_model::dispatch
