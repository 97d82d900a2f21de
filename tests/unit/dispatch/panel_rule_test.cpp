#include "dispatch/panel_rule.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {
namespace {

using namespace std::chrono_literals;

const base::steady_time t0{1h};

const panel_leg running{};

panel_leg usable(base::steady_duration at) {
    return {.state = panel_leg_state::usable, .ended = t0 + at};
}

panel_leg failed(base::steady_duration at) {
    return {.state = panel_leg_state::failed, .ended = t0 + at};
}

// Of three: two drafts are enough, the others get 30 s more, the panel 120 s.
panel_limits limits() {
    return {
        .start = t0, .deadline = t0 + 120s, .grace = 30s, .min_drafts = 2, .required_drafts = 1
    };
}

panel_decision decide(
    const std::vector<panel_leg>& legs, base::steady_duration now, panel_limits l = limits()
) {
    return decide_panel(legs, l, t0 + now);
}

void expect_wait(const panel_decision& d, base::steady_duration until) {
    EXPECT_EQ(d.action, panel_action::wait);
    EXPECT_EQ(d.wait_until, t0 + until);
}

void expect_end(const panel_decision& d, panel_action action, bool as_timeout) {
    EXPECT_EQ(d.action, action);
    EXPECT_EQ(d.cancel_as_timeout, as_timeout);
}

TEST(panel_rule, moa_102_quorum_is_two_thirds_rounded_up) {
    const std::vector<int> expected{1, 2, 2, 3, 4, 4};
    for (int n = 1; n <= 6; ++n) {
        EXPECT_EQ(quorum(n), expected[static_cast<std::size_t>(n - 1)]) << n;
    }
    EXPECT_EQ(quorum(0), 1);
}

TEST(panel_rule, a_panel_whose_legs_all_ended_goes_on) {
    expect_end(decide({usable(1s), usable(2s), usable(3s)}, 3s), panel_action::proceed, false);
    expect_end(decide({failed(1s), usable(2s), failed(3s)}, 3s), panel_action::proceed, false);
    expect_end(decide({failed(1s), failed(2s), failed(3s)}, 3s), panel_action::fail, false);
}

TEST(panel_rule, nothing_is_decided_before_enough_drafts_are_in) {
    expect_wait(decide({running, running, running}, 0s), 120s);
    expect_wait(decide({usable(1s), running, running}, 60s), 120s);
}

TEST(panel_rule, moa_99_stragglers_get_the_grace_after_the_draft_that_was_enough) {
    const std::vector<panel_leg> legs{usable(7s), usable(2s), running};
    expect_wait(decide(legs, 8s), 37s);
    expect_end(decide(legs, 37s), panel_action::proceed, false);
}

TEST(panel_rule, a_third_draft_does_not_prolong_the_grace) {
    expect_wait(decide({usable(2s), usable(20s), usable(5s), running}, 21s), 35s);
}

TEST(panel_rule, moa_100_without_grace_stragglers_are_cancelled_at_once) {
    auto l = limits();
    const std::vector<panel_leg> legs{usable(1s), usable(2s), running};
    for (const auto grace : {0s, -5s}) {
        l.grace = grace;
        expect_end(decide(legs, 2s, l), panel_action::proceed, false);
    }
    l.grace = 1s;
    expect_wait(decide(legs, 2s, l), 3s);
}

panel_leg running_until(base::steady_duration patience_end) {
    return {.patience_end = t0 + patience_end};
}

TEST(panel_rule, a_leg_is_waited_for_as_long_as_its_upstream_is_known_to_need) {
    const std::vector<panel_leg> legs{usable(1s), usable(2s), running_until(8s)};
    expect_wait(decide(legs, 2s), 8s);
    expect_end(decide(legs, 8s), panel_action::proceed, false);
}

TEST(panel_rule, patience_that_is_over_ends_with_the_draft_that_is_enough) {
    const std::vector<panel_leg> legs{usable(1s), usable(9s), running_until(8s)};
    expect_end(decide(legs, 9s), panel_action::proceed, false);
}

TEST(panel_rule, before_enough_drafts_are_in_patience_does_not_count) {
    expect_wait(decide({usable(1s), running_until(2s), running_until(2s)}, 60s), 120s);
}

TEST(panel_rule, the_most_patient_leg_decides_and_the_grace_is_the_limit) {
    expect_wait(decide({usable(1s), usable(2s), running_until(4s), running_until(20s)}, 3s), 20s);
    expect_wait(decide({usable(1s), usable(2s), running_until(4s), running}, 3s), 32s);
    expect_wait(decide({usable(1s), usable(2s), running_until(500s)}, 3s), 32s);
    auto l = limits();
    l.grace = 0s;
    expect_end(
        decide({usable(1s), usable(2s), running_until(20s)}, 2s, l), panel_action::proceed, false
    );
}

TEST(panel_rule, the_panels_deadline_is_before_any_patience) {
    auto l = limits();
    l.deadline = t0 + 10s;
    const std::vector<panel_leg> legs{usable(1s), usable(2s), running_until(20s)};
    expect_wait(decide(legs, 3s, l), 10s);
    expect_end(decide(legs, 10s, l), panel_action::proceed, true);
}

TEST(panel_rule, moa_101_a_quorum_out_of_reach_waits_for_everything) {
    expect_wait(decide({failed(1s), failed(2s), running}, 50s), 120s);
    expect_wait(decide({failed(1s), usable(2s), running}, 119s), 120s);
    expect_end(decide({failed(1s), failed(2s), usable(50s)}, 50s), panel_action::proceed, false);
}

TEST(panel_rule, the_panels_deadline_ends_it_as_a_timeout) {
    expect_end(decide({usable(1s), running, running}, 120s), panel_action::proceed, true);
    expect_end(decide({failed(1s), running, running}, 121s), panel_action::fail, true);
}

TEST(panel_rule, the_deadline_cuts_the_grace_short) {
    const std::vector<panel_leg> legs{usable(1s), usable(100s), running};
    expect_wait(decide(legs, 100s), 120s);
    expect_end(decide(legs, 120s), panel_action::proceed, true);
}

TEST(panel_rule, a_grace_that_ended_first_is_the_cause_even_when_seen_late) {
    expect_end(decide({usable(1s), usable(2s), running}, 500s), panel_action::proceed, false);
}

TEST(panel_rule, too_few_of_the_required_drafts_fail) {
    auto l = limits();
    l.required_drafts = 3;
    expect_wait(decide({usable(1s), usable(2s), running}, 60s, l), 120s);
    expect_end(decide({usable(1s), usable(2s), running}, 120s, l), panel_action::fail, true);
    expect_end(decide({usable(1s), usable(2s), failed(3s)}, 3s, l), panel_action::fail, false);
    expect_end(decide({usable(1s), usable(2s), usable(3s)}, 3s, l), panel_action::proceed, false);
}

TEST(panel_rule, one_draft_can_be_enough) {
    auto l = limits();
    l.min_drafts = 1;
    l.grace = 0s;
    expect_end(decide({running, usable(1s), running}, 1s, l), panel_action::proceed, false);
}

TEST(panel_rule, without_a_deadline_only_the_legs_end_the_panel) {
    auto l = limits();
    l.deadline = base::no_deadline;
    EXPECT_EQ(decide({usable(1s), running, running}, 10h, l).wait_until, base::no_deadline);
    expect_wait(decide({usable(1s), usable(2s), running}, 10s, l), 32s);
}

TEST(panel_rule, a_required_draft_is_waited_for_until_the_panels_deadline) {
    auto needed = running;
    needed.is_required = true;
    expect_wait(decide({usable(1s), usable(2s), needed}, 100s), 120s);
    expect_end(decide({usable(1s), usable(2s), needed}, 120s), panel_action::fail, true);
    auto there = usable(50s);
    there.is_required = true;
    expect_end(decide({usable(1s), running, there}, 80s), panel_action::proceed, false);
}

TEST(panel_rule, without_a_required_draft_there_is_no_answer) {
    auto lost = failed(1s);
    lost.is_required = true;
    expect_end(decide({usable(1s), running, lost}, 1s), panel_action::fail, false);
    expect_end(decide({usable(1s), usable(1s), lost}, 2s), panel_action::fail, false);
}

}  // namespace
}  // namespace meta_model::dispatch
