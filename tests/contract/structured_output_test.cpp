// Ensembles and `response_format`: the form is restated, checked, mended once, and a draft in it is better than a fusion
// that is not.
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace meta_model::contract {

namespace {

const json schema = {
    {"type", "object"},
    {"properties", {{"age", {{"type", "integer"}}}}},
    {"required", json::array({"age"})},
};
const json wants_age = {
    {"response_format",
     {{"type", "json_schema"}, {"json_schema", {{"name", "person"}, {"schema", schema}}}}}
};
constexpr auto seven = R"({"age":7})";

std::string schema_valid(const http_reply& reply) {
    return reply.header("X-MetaModel-Schema-Valid");
}

// What each call to the synthesizer gets, in order; the last for all further ones.
reply in_turn(std::vector<std::string> texts) {
    auto next = std::make_shared<std::atomic<std::size_t>>(0);
    return [=](const recorded_request& request) {
        const auto i = std::min(next->fetch_add(1), texts.size() - 1);
        return ok(texts[i])(request);
    };
}

struct form_panel : panel {
    form_panel() {
        models.on("a", ok("I am seven."));
        models.on("b", ok(R"({"age":"seven"})"));
        models.on("c", ok("```json\n{\"age\":8}\n```"));
        models.on("s", ok(seven));
    }
};

TEST(structured_output, the_form_is_restated_and_an_answer_in_it_goes_out) {
    form_panel p;
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), wants_age));

    EXPECT_EQ(answer_text(reply), seven);
    EXPECT_EQ(schema_valid(reply), "true");
    EXPECT_EQ(decision_of(reply), "merged");
    EXPECT_NE(p.added_text().find(schema.dump()), std::string::npos) << p.added_text();
    EXPECT_EQ(p.synthesis()["response_format"], wants_age["response_format"]);
    const auto plain = chat(gateway, say(panel_name));
    EXPECT_EQ(schema_valid(plain), "");
    EXPECT_EQ(p.added_text().find("JSON"), std::string::npos);
}

TEST(structured_output, json_in_a_fence_is_taken_out_of_it) {
    form_panel p;
    p.models.on("s", ok("Here it is:\n```json\n{\"age\":7}\n```"));
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), wants_age));

    EXPECT_EQ(answer_text(reply), seven);
    EXPECT_EQ(p.models.call_count("s"), 1u) << "no repair";
}

TEST(structured_output, an_answer_in_another_form_is_repaired_once) {
    form_panel p;
    p.models.on("s", in_turn({"The age is 7.", seven}));
    const gateway_process gateway(p.config());
    const json traced = {{"x_meta_model", {{"trace", true}}}};

    const auto reply = chat(gateway, with(with(say(panel_name), wants_age), traced));

    EXPECT_EQ(answer_text(reply), seven);
    EXPECT_EQ(schema_valid(reply), "true");
    EXPECT_EQ(decision_of(reply), "merged_with_repair");
    EXPECT_EQ(reason_of(reply), "schema_repaired");
    EXPECT_EQ(p.models.call_count("s"), 2u);
    const auto asked = p.added_text();
    for (const auto& part : std::vector<std::string>{schema.dump(), "The age is 7.", "not JSON"}) {
        EXPECT_NE(asked.find(part), std::string::npos) << part << '\n' << asked;
    }
    const auto legs = reply.json()["x_meta_model"]["legs"];
    EXPECT_EQ(legs.back()["role"], "repair");
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "90") << "five calls of 18";
}

TEST(structured_output, a_draft_in_the_form_is_better_than_a_fusion_that_is_not) {
    form_panel p;
    const gateway_process gateway(p.config());
    for (const auto& bad : {in_turn({"no", "still no"}), in_turn({"no", ""})}) {
        p.models.on("s", bad);
        const auto reply = chat(gateway, with(say(panel_name), wants_age));
        EXPECT_EQ(answer_text(reply), R"({"age":8})");
        EXPECT_EQ(schema_valid(reply), "true");
        EXPECT_EQ(reason_of(reply), "schema_draft_picked");
        EXPECT_EQ(decision_of(reply), "fallback_primary");
    }
    EXPECT_EQ(p.models.call_count("s"), 4u) << "one repair each";
}

TEST(structured_output, a_repair_that_fails_leaves_the_draft_too) {
    form_panel p;
    auto calls = std::make_shared<std::atomic<int>>(0);
    p.models.on("s", [=](const recorded_request& request) {
        return calls->fetch_add(1) == 0 ? ok("no")(request) : reset_at_once()(request);
    });
    const gateway_process gateway(p.config());

    EXPECT_EQ(answer_text(chat(gateway, with(say(panel_name), wants_age))), R"({"age":8})");
}

TEST(structured_output, without_any_in_the_form_the_fusion_goes_out_and_is_called_what_it_is) {
    form_panel p;
    p.models.on("c", ok("eight"));
    p.models.on("s", ok("seven"));
    gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), wants_age));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(answer_text(reply), "seven");
    EXPECT_EQ(schema_valid(reply), "false");
    EXPECT_NE(final_log(gateway).find("not in the form"), std::string::npos);
}

TEST(structured_output, an_answer_that_its_limit_cut_is_not_repaired) {
    form_panel p;
    answer cut{.message = {{"role", "assistant"}, {"content", R"({"age":)"}}};
    cut.finish = "length";
    p.models.on("s", complete(cut));
    const gateway_process gateway(p.config());

    EXPECT_EQ(answer_text(chat(gateway, with(say(panel_name), wants_age))), R"({"age":8})");
    EXPECT_EQ(p.models.call_count("s"), 1u);
}

TEST(structured_output, a_synthesizer_that_fails_leaves_a_draft_in_the_form) {
    form_panel p;
    p.models.on("s", reset_at_once());
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), wants_age));

    EXPECT_EQ(answer_text(reply), R"({"age":8})");
    EXPECT_EQ(reason_of(reply), "synth_failed_picked_primary");
}

TEST(structured_output, agreement_and_a_lone_draft_count_only_in_the_form) {
    form_panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, ok("seven"));
    }
    const gateway_process gateway(p.config("agreement = \"canonical\"\nmin_drafts = 1"));

    const auto agreed = chat(gateway, with(say(panel_name), wants_age));
    p.models.on("a", reset_at_once());
    p.models.on("b", reset_at_once());
    const auto lone = chat(gateway, with(say(panel_name), wants_age));
    p.models.on("c", ok(R"({"age":9})"));
    const auto good = chat(gateway, with(say(panel_name), wants_age));

    EXPECT_EQ(answer_text(agreed), seven);
    EXPECT_EQ(answer_text(lone), seven);
    EXPECT_EQ(answer_text(good), R"({"age":9})");
    EXPECT_EQ(decision_of(good), "single_success");
    EXPECT_EQ(p.models.call_count("s"), 2u);
}

TEST(structured_output, a_judge_chooses_among_drafts_in_the_form) {
    form_panel p;
    p.models.on("s", ok("1"));
    const gateway_process gateway(p.config("synthesis_mode = \"best-of\""));

    const auto reply = chat(gateway, with(say(panel_name), wants_age));

    EXPECT_EQ(answer_text(reply), R"({"age":8})");
    EXPECT_EQ(p.added_text().find("candidate 2"), std::string::npos) << p.added_text();
}

TEST(structured_output, a_stream_is_mended_before_it_goes_out) {
    form_panel p;
    p.models.on("s", in_turn({"no", seven}));
    const gateway_process gateway(p.config());

    const auto streamed = stream(gateway, with(say_streamed(panel_name), wants_age));

    EXPECT_EQ(streamed.text(), seven);
    EXPECT_TRUE(streamed.has_done());
    EXPECT_EQ(schema_valid(streamed.head), "true");
}

TEST(structured_output, calls_are_no_json_and_need_not_be) {
    form_panel p;
    for (const char* name : {"a", "b", "c", "s"}) {
        p.models.on(name, complete(calling({"f"}, "{}", name)));
    }
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(with(say(panel_name), wants_age), declaring({"f"})));

    EXPECT_EQ(called(reply), names{"f"});
    EXPECT_EQ(p.models.call_count("s"), 1u);
}

TEST(structured_output, a_form_does_not_stand_in_for_a_required_call) {
    form_panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, complete(calling({"f"}, "{}", name)));
    }
    const gateway_process gateway(p.config());
    auto request = with(with(say(panel_name), wants_age), declaring({"f"}));
    request["tool_choice"] = "required";

    const auto reply = chat(gateway, request);

    EXPECT_EQ(called(reply), names{"f"}) << reply.body;
    EXPECT_EQ(p.models.call_count("s"), 1u) << "its JSON is not asked for again";
}

}  // namespace

}  // namespace meta_model::contract
