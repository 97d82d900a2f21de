// Every fault of fault_table.cpp in every role that an upstream has: a typed error or the complete answer, never a cut
// stream that looks complete, and the gateway goes on serving with nothing of the fault left in it.
#include "contract/fault_day.hpp"
#include "contract/tool_words.hpp"

#include <algorithm>

namespace meta_model::contract {

namespace {

constexpr auto fused = "the fused answer";
constexpr auto next_answer = "the draft of b";

class fault_matrix : public testing::TestWithParam<std::string> {
protected:
    const fault& which = fault_named(GetParam());
    bad_day day{which};

    void passthrough_whole();
    void passthrough_streamed();
    void generator_of_three();
    void synthesizer_whole();
    void synthesizer_streamed();
    void cascade_step_whole();
    void cascade_step_streamed();
    void cascade_step_resumed();
    void voter_of_three();
    void judge_of_a_tie();
    void judge_of_best_of();
    void arbiter();
    void sight_whole();
    void sight_streamed();
};

void fault_matrix::passthrough_whole() {
    SCOPED_TRACE("passthrough_whole");
    const auto reply = day.whole(role::relayed_whole);

    expect_whole(reply, which);
}

void fault_matrix::passthrough_streamed() {
    SCOPED_TRACE("passthrough_streamed");
    const auto result = day.streamed(role::relayed_stream);

    expect_streamed(result, which);
}

void fault_matrix::generator_of_three() {
    SCOPED_TRACE("generator_of_three");
    const auto reply = day.whole(role::generator);

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), fused);
    if (which.leg_reasons.empty()) {
        EXPECT_EQ(failed_generators(reply), "");
        EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3");
        return;
    }
    const auto is_told = [&](const std::string& reason) {
        return failed_generators(reply) == "generator:" + reason;
    };
    EXPECT_TRUE(std::any_of(which.leg_reasons.begin(), which.leg_reasons.end(), is_told))
        << failed_generators(reply);
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(reply.header("X-MetaModel-Degraded"), "true");
}

void fault_matrix::synthesizer_whole() {
    SCOPED_TRACE("synthesizer_whole");
    const auto reply = day.whole(role::synthesizer_whole);

    ASSERT_EQ(reply.status, 200) << reply.body;
    const bool is_merged = which.leg_reasons.empty();
    EXPECT_EQ(
        reply.header("X-MetaModel-Synth-Decision"), is_merged ? "merged" : "fallback_primary"
    );
    if (is_merged) {
        EXPECT_EQ(answer_text(reply), which.text);
    } else {
        EXPECT_NE(answer_text(reply).find("draft of"), std::string::npos) << reply.body;
    }
}

void fault_matrix::synthesizer_streamed() {
    SCOPED_TRACE("synthesizer_streamed");
    const auto result = day.streamed(role::synthesizer_stream);

    if (which.leg_reasons.empty()) {
        expect_complete_stream(result, which.text);
    } else if (which.streamed.kind == outcome_kind::breaks) {
        expect_broken_stream(result);
    } else {
        expect_complete_stream(result, result.text());
        EXPECT_NE(result.text().find("draft of"), std::string::npos);
    }
}

// Another step answers whatever the fault is, unless every step would refuse the request.
void fault_matrix::cascade_step_whole() {
    SCOPED_TRACE("cascade_step_whole");
    const auto bad = bad_day::name_of(role::step_whole);
    const auto reply = day.whole(role::step_whole);

    if (which.whole.kind == outcome_kind::complete || which.is_callers_mistake) {
        expect_whole(reply, which);
        EXPECT_EQ(reply.header("X-MetaModel-Cascade-Tried"), bad);
        return;
    }
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), next_answer);
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Tried"), bad + ",b");
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Winner"), "b");
}

// Until the client has a word of it.
void fault_matrix::cascade_step_streamed() {
    SCOPED_TRACE("cascade_step_streamed");
    const auto bad = bad_day::name_of(role::step_stream);
    const auto result = day.streamed(role::step_stream);

    if (which.streamed.kind != outcome_kind::fails || which.is_callers_mistake) {
        EXPECT_EQ(result.head.header("X-MetaModel-Cascade-Tried"), bad);
    }
    if (which.streamed.kind == outcome_kind::breaks) {
        expect_broken_stream(result);
        EXPECT_NE(result.error().value("code", ""), "") << result.error();
        return;
    }
    if (which.streamed.kind == outcome_kind::complete || which.is_callers_mistake) {
        expect_streamed(result, which);
        return;
    }
    expect_complete_stream(result, next_answer);
    EXPECT_EQ(result.head.header("X-MetaModel-Cascade-Tried"), bad + ",b");
    EXPECT_EQ(result.head.header("X-MetaModel-Cascade-Winner"), "b");
}

// With on_cut = "resume" also behind it.
void fault_matrix::cascade_step_resumed() {
    SCOPED_TRACE("cascade_step_resumed");
    if (which.streamed.kind == outcome_kind::breaks) {
        day.models().on("b", ok(which.text));
    }
    const auto result = day.streamed(role::resumed_step);

    switch (which.streamed.kind) {
        case outcome_kind::complete: expect_streamed(result, which); break;
        case outcome_kind::breaks: expect_complete_stream(result, which.text); break;
        case outcome_kind::fails:
            if (which.is_callers_mistake) {
                expect_streamed(result, which);
            } else {
                expect_complete_stream(result, next_answer);
            }
    }
}

// Three answers, or two, are a tie, which the first of them wins: a voter is heard or not, and the others always are.
void fault_matrix::voter_of_three() {
    SCOPED_TRACE("voter_of_three");
    const auto reply = day.whole(role::voter);

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.header("X-MetaModel-Voters"), "3");
    const auto votes = reply.json()["x_meta_model"]["votes"];
    EXPECT_EQ(answer_text(reply), votes[0].is_null() ? next_answer : which.text);
    EXPECT_EQ(votes[1], next_answer);
    EXPECT_EQ(votes[2], "this is the draft of c");
    if (which.leg_reasons.empty()) {
        EXPECT_FALSE(votes[0].is_null());
    }
}

// Whatever the judge does, the tie is broken.
void fault_matrix::judge_of_a_tie() {
    SCOPED_TRACE("judge_of_a_tie");
    const auto reply = day.whole(role::judge);

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), next_answer);
    EXPECT_EQ(reply.json()["x_meta_model"]["tie_break"], "first");
}

// Whatever the judge does, a draft answers.
void fault_matrix::judge_of_best_of() {
    SCOPED_TRACE("judge_of_best_of");
    const auto reply = day.whole(role::best_of_judge);

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(decision_of(reply), "fallback_primary");
    EXPECT_NE(answer_text(reply).find("draft of"), std::string::npos) << reply.body;
}

// Whatever the synthesizer does, the draft that calls answers, and no stream is broken: it begins with a whole answer.
void fault_matrix::arbiter() {
    SCOPED_TRACE("arbiter");
    const auto reply = day.whole(role::arbiter_whole);
    const auto streamed = day.streamed(role::arbiter_stream);

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(called(reply), names{"f"}) << reply.body;
    EXPECT_EQ(reason_of(reply), "tool_required_repaired");
    EXPECT_EQ(
        decision_of(reply), which.leg_reasons.empty() ? "merged_with_repair" : "fallback_primary"
    );
    EXPECT_EQ(called(streamed), names{"f"});
    expect_complete_stream(streamed, "");
}

// Of a route of media the next one answers, also where the fault is told to be the caller's.
void fault_matrix::sight_whole() {
    SCOPED_TRACE("sight_whole");
    const auto reply = day.whole(role::sight_whole);
    const auto attempts = reply.header("X-MetaModel-Multimodal-Attempts");

    if (which.whole.kind == outcome_kind::complete) {
        expect_whole(reply, which);
        EXPECT_EQ(attempts, "sight_whole:200");
        return;
    }
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), next_answer);
    EXPECT_TRUE(attempts.starts_with("sight_whole:")) << attempts;
    EXPECT_TRUE(attempts.ends_with(",b:200")) << attempts;
    EXPECT_EQ(attempts.find("sight_whole:200"), std::string::npos) << attempts;
}

void fault_matrix::sight_streamed() {
    SCOPED_TRACE("sight_streamed");
    const auto result = day.streamed(role::sight_stream);

    switch (which.streamed.kind) {
        case outcome_kind::breaks:
            expect_broken_stream(result);
            EXPECT_NE(result.error().value("code", ""), "") << result.error();
            break;
        case outcome_kind::complete: expect_streamed(result, which); break;
        case outcome_kind::fails:
            expect_complete_stream(result, next_answer);
            EXPECT_EQ(result.head.header("X-MetaModel-Multimodal-Upstream"), "b");
    }
}

TEST_P(fault_matrix, sight) {
    sight_whole();
    sight_streamed();
}

TEST_P(fault_matrix, calls) {
    judge_of_best_of();
    arbiter();
}

TEST_P(fault_matrix, vote) {
    voter_of_three();
    judge_of_a_tie();
}

TEST_P(fault_matrix, passthrough) {
    passthrough_whole();
    passthrough_streamed();
}

TEST_P(fault_matrix, panel) {
    generator_of_three();
    synthesizer_whole();
    synthesizer_streamed();
}

TEST_P(fault_matrix, cascade) {
    cascade_step_whole();
    cascade_step_streamed();
    cascade_step_resumed();
}

const auto shown_name = [](const auto& info) { return info.param; };
INSTANTIATE_TEST_SUITE_P(untimed, fault_matrix, testing::ValuesIn(fault_names(false)), shown_name);
INSTANTIATE_TEST_SUITE_P(timed, fault_matrix, testing::ValuesIn(fault_names(true)), shown_name);

}  // namespace

}  // namespace meta_model::contract
