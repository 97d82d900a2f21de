// What a voter's answer says: pure decisions over one draft (design of voting; W60 of the spec for yes and no).
#pragma once

#include "api/message.hpp"
#include "config/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

struct ballot_rules {
    config::ballot_kind kind = config::ballot_kind::yes_no;
    std::vector<std::string> labels{};  // label
    std::vector<std::string> tools{};   // tool_call: names that the client offers
};

struct ballot {
    std::string key{};   // equal for ballots that say the same; numbers: see agrees()
    std::string text{};  // the answer when this ballot wins
    // Numbers.
    std::string unit{};
    double value = 0;
    bool is_integer = false;
    bool is_number = false;
};

// Nothing when the draft cannot be read as such a ballot: no known word, two of them, no number, no JSON, a call of
// something that was not offered, an answer that was cut off before it came to its point.
//   yes_no, label  whole words, upper and lower case alike: the first word; else what a marked answer says; else the only
//                  one found (yes_no: in the first 32 bytes)
//   number         the first of a marked answer, else the last; thousands separators and % do not count, a unit does when it
//                  is all that stands behind the number
//   json           the whole text, or its one code fence
//   tool_call      names and canonical arguments of all calls; text without calls is a ballot for calling nothing (key "")
//   text           a marked answer, else all of it; white space, and in one line the case, do not count
std::optional<ballot> read_ballot(const api::draft& d, const ballot_rules& rules);

// A text that is JSON, or whose one code fence holds it; nothing for others.
std::optional<ballot> read_json_value(std::string_view text);

// Numbers agree when they have the same unit and differ by 1e-9 of their size at most; whole numbers only when equal.
bool agrees(const ballot& a, const ballot& b);

// Which of `labels` a text says, by the rules above; -1 for none or several. `window`: bytes that are searched.
int said_label(std::string_view text, const std::vector<std::string>& labels, std::size_t window);

}  // namespace meta_model::dispatch
