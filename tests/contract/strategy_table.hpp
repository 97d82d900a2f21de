// Every strategy in a small scene, and what happens to it: the rows and columns of strategy_faults_test.cpp.
#pragma once

#include "contract/strategy_books.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

// What happens to a, which the others stand beside; or to all; or to who chooses, judges or fuses.
enum class mishap {
    hangs,
    calls_what_is_not_declared,
    sends_broken_json,
    says_something_else,
    sends_an_error_object,
    drops_in_the_middle,
    answers_8_megabytes,
    all_fail,
    chooser_is_cut,
};

std::string name_of(mishap which);
std::vector<mishap> all_mishaps();

enum class ending_kind {
    answers,  // whole, with the text
    fails,    // an error with this status and code
    breaks,   // some text, then an error event
};

struct expected_ending {
    ending_kind kind = ending_kind::answers;
    std::string text{};  // "calls f" for a call; a part of it, if `is_part`
    bool is_part = false;
    int status = 0;
    std::string code{};
};

struct endings {
    expected_ending whole{};
    expected_ending streamed{};
};

inline constexpr milliseconds hang_limit{400};  // that is configured for who hangs

// a is the upstream that things happen to, b, c and d are good, s chooses. The profile is "it.v1".
class strategy_scene {
public:
    explicit strategy_scene(std::string name) : name_(std::move(name)) {}

    // The strategies that a mishap can happen to; the rest are without a chooser.
    static std::vector<std::string> names();
    bool can_have(mishap which) const;

    void prepare(booking_models& m, mishap which) const;
    std::string config(const booking_models& m, mishap which) const;
    json request(mishap which) const;
    endings expected(mishap which) const;
    // Calls may be ended before they have told what they cost.
    bool may_end_early() const { return is_vote(); }
    bool is_relay() const { return name_.starts_with("relayed"); }

private:
    bool is_vote() const { return name_.starts_with("vote_"); }
    bool is_blind() const;  // nobody looks at what a says
    bool has_panel_limit() const;
    endings expected_of_blind(mishap which) const;
    answer good(const std::string& upstream) const;
    answer wrong() const;
    std::string right_text() const;
    std::string profile_lines(mishap which) const;
    void prepare_good(booking_models& m) const;

    std::string name_;
};

// The 8 MB that are answered.
const std::string& long_text();

}  // namespace meta_model::contract
