// Group J: which calls a panel may make, and who decides about them.
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

namespace meta_model::contract {

namespace {

// A panel whose three drafts call what is given, or say it when it is empty.
void let_panel_call(panel& p, const names& a, const names& b, const names& c) {
    const std::pair<const char*, names> drafts[] = {{"a", a}, {"b", b}, {"c", c}};
    for (const auto& [name, calls] : drafts) {
        if (!calls.empty()) {
            p.models.on(name, complete(calling(calls, "{}", name)));
        }
    }
}

TEST(tools, moa_134_ensembles_refuse_what_is_no_function) {
    panel p;
    const gateway_process gateway(p.config()
                                      .cascade("steps.v1", {"a", "b"})
                                      .raw("[features]\nvoting = true")
                                      .voting("vote.v1", {"a", "b"}));
    const json custom = {{"type", "custom"}, {"custom", {{"name", "c"}}}};
    const std::vector<json> wishes{
        {{"tools", json::array({custom})}},
        {{"allowed_tools", {{"mode", "auto"}}}},
        with(declaring({"f"}), {{"tool_choice", custom}}),
    };

    for (const char* model : {panel_name, "steps.v1", "vote.v1"}) {
        for (const auto& wish : wishes) {
            const auto reply = chat(gateway, with(say(model), wish));
            expect_envelope(reply, 400);
            EXPECT_EQ(reply.error_code(), "feature_not_supported_in_v1") << model << wish;
        }
    }
    EXPECT_TRUE(p.models.requests().empty());
}

TEST(tools, moa_135_malformed_tools_are_refused_in_streams_too) {
    panel p;
    const gateway_process gateway(p.config());
    const std::vector<json> wishes{
        {{"tools", json::array({{{"function", {{"name", "f"}}}}})}},
        {{"tools", json::array({{{"type", "function"}}})}},
        {{"tools", json::array({{{"type", "function"}, {"function", nullptr}}})}},
        with(declaring({"f"}), {{"tool_choice", {{"function", {{"name", "f"}}}}}}),
        with(declaring({"f"}), {{"tool_choice", {{"type", "function"}}}}),
        with(declaring({"f"}), {{"tool_choice", "must_call"}}),
        {{"tool_choice", "required"}},
    };

    for (const auto& wish : wishes) {
        const auto reply = chat(gateway, with(say(panel_name), wish));
        expect_envelope(reply, 400);
        EXPECT_EQ(reply.error_code(), "invalid_request_error") << wish;
        const auto streamed = stream(gateway, with(say_streamed(panel_name), wish));
        expect_envelope(streamed.head, 400);
    }
    EXPECT_TRUE(p.models.requests().empty());
}

TEST(tools, moa_136_a_forced_name_must_be_declared) {
    panel p;
    const gateway_process gateway(p.config());

    const auto none = chat(gateway, with(say(panel_name), choosing("f")));
    const auto other = chat(gateway, with(with(say(panel_name), declaring({"g"})), choosing("f")));

    expect_error(none, {400, "invalid_request_error", "invalid_request_error", "tool_choice"});
    expect_error(other, {400, "invalid_request_error", "invalid_request_error", "tool_choice"});
    EXPECT_NE(none.body.find("no tools declared"), std::string::npos);
    EXPECT_NE(other.body.find("not in declared tools"), std::string::npos);
}

TEST(tools, moa_137_a_draft_with_an_undeclared_call_does_not_count) {
    panel p;
    gateway_process gateway(p.config());
    const auto request = with(say(panel_name), declaring({"f"}));

    for (const auto& rogue :
         {calling({"rogue"}), legacy_calling("rogue"), calling({"f", "rogue"})}) {
        p.models.on("b", complete(rogue));
        const auto reply = chat(gateway, request);
        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(failed_generators(reply), "b:undeclared_tool");
        EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
        EXPECT_EQ(reply.header("X-MetaModel-Degraded"), "true");
        EXPECT_EQ(reason_of(reply), "reduced_quorum");
        EXPECT_EQ(reply.body.find("rogue"), std::string::npos);
        EXPECT_EQ(p.added_text().find("rogue"), std::string::npos) << "it is no candidate";
    }
    const auto streamed = stream(gateway, with(say_streamed(panel_name), declaring({"f"})));
    EXPECT_EQ(streamed.text(), "the fused answer");
    EXPECT_EQ(failed_generators(streamed.head), "b:undeclared_tool");
    EXPECT_NE(final_log(gateway).find("rogue"), std::string::npos) << "only the log names it";
}

TEST(tools, moa_138_calls_in_two_shapes_do_not_count) {
    panel p;
    auto dual = calling({"f"});
    dual.message["function_call"] = {{"name", "f"}, {"arguments", "{}"}};
    dual.always_json = true;
    p.models.on("a", complete(dual));
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f"})));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(failed_generators(reply), "a:dual_shape_response");
}

TEST(tools, moa_139_without_a_lawful_draft_there_is_no_quorum) {
    panel p;
    let_panel_call(p, {"rogue"}, {"rogue"}, {"rogue"});
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f"})));

    expect_envelope(reply, 503);
    EXPECT_EQ(reply.error_code(), "no_quorum_after_constraint");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "0");
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "3");
    EXPECT_EQ(failed_generators(reply), "a:undeclared_tool,b:undeclared_tool,c:undeclared_tool");
    EXPECT_EQ(p.models.call_count("s"), 0u);
    const auto profile = get(gateway, "/v1/metrics/moa").json()["profiles"][panel_name];
    EXPECT_NE(profile.dump().find("no_quorum_after_constraint"), std::string::npos) << profile;
}

TEST(tools, moa_139_in_a_stream_it_is_a_json_error) {
    panel p;
    let_panel_call(p, {"rogue"}, {"rogue"}, {"rogue"});
    const gateway_process gateway(p.config());

    const auto streamed = stream(gateway, say_streamed(panel_name));

    expect_envelope(streamed.head, 503);
    EXPECT_EQ(streamed.head.error_code(), "no_quorum_after_constraint") << "no tools: no calls";
}

TEST(tools, moa_140_drafts_without_calls_are_merged_as_text) {
    panel p;
    const gateway_process gateway(p.config());
    const auto request = with(with(say(panel_name), declaring({"f"})), {{"tool_choice", "auto"}});

    const auto reply = chat(gateway, request);

    EXPECT_EQ(decision_of(reply), "merged");
    EXPECT_EQ(failed_generators(reply), "");
    EXPECT_EQ(p.synthesis()["tool_choice"], "none") << "it cannot call";
    EXPECT_EQ(p.synthesis()["tools"], request["tools"]) << "so that its prefix is the generators'";
    EXPECT_EQ(p.added_text().find("Tool calls"), std::string::npos);
}

TEST(tools, moa_140_such_a_synthesizer_streams_live) {
    panel p;
    const auto gate = make_gate();
    p.models.on("s", held_after(3, gate, ok("the fused answer")));
    const gateway_process gateway(p.config());

    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(with(say_streamed(panel_name), declaring({"f"})).dump())));
    client.read_head();
    sse_reader events(client);
    std::string seen;
    while (seen.empty()) {
        const auto chunk = events.next_data()->json();
        seen = chunk["choices"][0]["delta"].value("content", "");
    }
    EXPECT_EQ(seen, "the") << "before the synthesizer has ended";
    gate->open();
}

TEST(tools, moa_141_control_tokens_in_names_are_removed) {
    panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, complete(calling({"exec<|channel|>commentary"})));
    }
    const gateway_process gateway(p.config("fastpath_on_agreement = true").moa("one.v1", {"a"}, "s")
    );

    for (const char* model : {panel_name, "one.v1"}) {
        const auto reply = chat(gateway, with(say(model), declaring({"exec"})));
        EXPECT_EQ(failed_generators(reply), "");
        EXPECT_EQ(called(reply), names{"exec"}) << reply.body;
        const auto streamed = stream(gateway, with(say_streamed(model), declaring({"exec"})));
        EXPECT_EQ(called(streamed), names{"exec"});
        EXPECT_EQ(streamed.finish_reason(), "tool_calls");
    }
}

TEST(tools, moa_142_under_arbitration_the_synthesizer_has_the_tools_as_they_were_sent) {
    panel p;
    let_panel_call(p, {"f"}, {}, {});
    const gateway_process gateway(p.config());
    const json wish = {{"tool_choice", "auto"}, {"parallel_tool_calls", false}};
    const auto request = with(with(say(panel_name), declaring({"f", "g"})), wish);

    ASSERT_EQ(chat(gateway, request).status, 200);
    const auto seen = p.synthesis();
    const auto added = p.added_text();
    const auto required = with(request, {{"tool_choice", "required"}});
    p.models.on("s", calls("g"));
    ASSERT_EQ(chat(gateway, required).status, 200);

    for (const char* field : {"tools", "tool_choice", "parallel_tool_calls"}) {
        EXPECT_EQ(seen[field], request[field]) << field;
    }
    EXPECT_NE(added.find("one call at most"), std::string::npos) << added;
    EXPECT_EQ(p.synthesis()["tool_choice"], "required");
}

TEST(tools, moa_143_one_stray_call_does_not_beat_the_synthesizers_judgement) {
    panel p;
    let_panel_call(p, {"f"}, {}, {});
    const gateway_process gateway(p.config());
    const auto request = with(say(panel_name), declaring({"f"}));

    const auto stray = chat(gateway, request);
    let_panel_call(p, {"f"}, {"f"}, {});
    const auto majority = chat(gateway, request);

    EXPECT_EQ(decision_of(stray), "merged");
    EXPECT_EQ(answer_text(stray), "the fused answer");
    EXPECT_EQ(decision_of(majority), "tool_preserved");
    EXPECT_EQ(reason_of(majority), "none");
    EXPECT_EQ(called(majority), names{"f"});
    EXPECT_EQ(message_of(majority)["tool_calls"][0]["id"], "a_0");
    EXPECT_EQ(finish_of(majority), "tool_calls");
}

TEST(tools, the_synthesizers_own_call_is_the_answer) {
    panel p;
    let_panel_call(p, {"f"}, {}, {});
    p.models.on("s", calls("g", R"({"city":"Oslo"})"));
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f", "g"})));
    const auto streamed = stream(gateway, with(say_streamed(panel_name), declaring({"f", "g"})));

    EXPECT_EQ(decision_of(reply), "merged");
    EXPECT_EQ(called(reply), names{"g"});
    EXPECT_EQ(message_of(reply)["tool_calls"][0]["function"]["arguments"], R"({"city":"Oslo"})");
    EXPECT_EQ(called(streamed), names{"g"});
    EXPECT_EQ(streamed.finish_reason(), "tool_calls");
    EXPECT_TRUE(streamed.has_done());
}

TEST(tools, moa_144_a_lone_text_is_repaired_by_the_synthesizer) {
    panel p;
    p.models.on("s", calls("f"));
    const gateway_process gateway(p.config().moa("one.v1", {"a"}, "s"));
    const auto wish = with(declaring({"f"}), {{"tool_choice", "required"}});

    const auto lone = chat(gateway, with(say("one.v1"), wish));
    p.models.on("b", reset_at_once());
    p.models.on("c", reset_at_once());
    const auto left_over = chat(gateway, with(say(panel_name), wish));
    const auto streamed = stream(gateway, with(say_streamed("one.v1"), wish));

    for (const auto* reply : {&lone, &left_over}) {
        EXPECT_EQ(called(*reply), names{"f"}) << reply->body;
        EXPECT_EQ(decision_of(*reply), "merged");
        EXPECT_EQ(reply->header("X-MetaModel-Fastpath"), "false");
    }
    EXPECT_EQ(reason_of(lone), "none");
    EXPECT_EQ(reason_of(left_over), "reduced_quorum");
    EXPECT_EQ(called(streamed), names{"f"});
    EXPECT_NE(p.added_text().find("draft of a"), std::string::npos);
    EXPECT_NE(p.added_text().find("must call"), std::string::npos);
}

TEST(tools, moa_145_when_nobody_makes_the_required_call_it_is_an_error) {
    panel p;
    const gateway_process gateway(p.config());
    const auto wish = with(declaring({"f"}), {{"tool_choice", "required"}});

    const auto reply = chat(gateway, with(say(panel_name), wish));
    const auto streamed = stream(gateway, with(say_streamed(panel_name), wish));
    p.models.on("s", html());
    const auto failed = chat(gateway, with(say(panel_name), wish));

    for (const auto* answer : {&reply, &streamed.head, &failed}) {
        expect_envelope(*answer, 502);
        EXPECT_EQ(answer->error_code(), "synthesis_failed");
        EXPECT_NE(answer->body.find("tool_required_unmet"), std::string::npos);
    }
}

TEST(tools, an_undeclared_call_that_nobody_can_replace_is_an_error) {
    panel p;
    p.models.on("s", calls("rogue"));
    const gateway_process gateway(p.config());
    const auto wish = with(declaring({"f"}), {{"tool_choice", "required"}});

    const auto reply = chat(gateway, with(say(panel_name), wish));

    expect_envelope(reply, 502);
    EXPECT_NE(reply.body.find("undeclared_tool_unrepairable"), std::string::npos) << reply.body;
    EXPECT_EQ(reply.body.find("rogue"), std::string::npos);
}

TEST(tools, moa_155_a_lone_draft_never_shows_an_undeclared_call) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).upstreams({"a", "s"}).moa("one.v1", {"a"}, "s")
    );
    const auto request = with(say("one.v1"), declaring({"f"}));
    auto spoken = calling({"rogue"});
    spoken.message["content"] = "It is 21 degrees.";

    models.on("a", complete(calling({"rogue"})));
    const auto silent = chat(gateway, request);
    const auto untooled = chat(gateway, say("one.v1"));
    models.on("a", complete(spoken));
    const auto with_text = chat(gateway, request);
    const auto streamed = stream(gateway, with(say_streamed("one.v1"), declaring({"f"})));

    expect_envelope(silent, 502);
    EXPECT_EQ(silent.error_code(), "synthesis_failed");
    EXPECT_NE(silent.body.find("undeclared_tool_unrepairable"), std::string::npos);
    expect_envelope(untooled, 502);
    EXPECT_EQ(answer_text(with_text), "It is 21 degrees.");
    EXPECT_EQ(finish_of(with_text), "stop");
    EXPECT_EQ(reason_of(with_text), "undeclared_tool_repaired");
    EXPECT_EQ(streamed.text(), "It is 21 degrees.");
    for (const auto* body : {&silent.body, &untooled.body, &with_text.body}) {
        EXPECT_EQ(body->find("rogue"), std::string::npos) << *body;
    }
    EXPECT_TRUE(called(streamed).empty());
}

TEST(tools, a_draft_of_eight_megabytes_of_arguments_is_shown_cut_and_answers_whole) {
    panel p;
    const auto arguments = R"({"text":")" + std::string(8u << 20, 'x') + "\"}";
    auto large = calling({"f"}, arguments);
    large.always_json = true;  // in a stream such an event is too large
    p.models.on("a", complete(large));
    p.models.on("b", complete(calling({"f"}, "{}")));
    const gateway_process gateway(p.config().moa("one.v1", {"a"}, "s"));

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f"})));
    const auto lone = chat(gateway, with(say("one.v1"), declaring({"f"})));

    EXPECT_EQ(reply.status, 200);
    EXPECT_LT(p.models.last_request("s").body.size(), 1u << 20);
    EXPECT_NE(p.added_text().find("elided"), std::string::npos);
    ASSERT_EQ(lone.status, 200);
    EXPECT_EQ(message_of(lone)["tool_calls"][0]["function"]["arguments"], arguments);
}

TEST(tools, arguments_that_are_no_json_are_shown_and_passed_on_as_they_are) {
    panel p;
    const std::string broken = R"({"city": "Par)";
    p.models.on("a", complete(calling({"f"}, broken)));
    const gateway_process gateway(p.config().moa("one.v1", {"a"}, "s"));

    ASSERT_EQ(chat(gateway, with(say(panel_name), declaring({"f"}))).status, 200);
    const auto lone = chat(gateway, with(say("one.v1"), declaring({"f"})));

    EXPECT_NE(p.added_text().find(R"({\"city\": \"Par)"), std::string::npos) << p.added_text();
    EXPECT_EQ(message_of(lone)["tool_calls"][0]["function"]["arguments"], broken);
}

TEST(tools, a_synthesizer_that_is_cut_while_it_calls_is_no_answer) {
    panel p;
    let_panel_call(p, {"f"}, {"f"}, {"f"});
    auto half = calling({"f"}, R"({"city":"Os)", "s");
    half.finish = "length";
    const gateway_process gateway(p.config());
    const std::vector<reply> faults{
        cut_after_sends(3, complete(calling({"f"}, R"({"city":"Os)", "s"))),
        reset_after_sends(3, complete(calling({"f"}, "{}", "s"))),
        complete(half),
    };

    for (const auto& fault : faults) {
        p.models.on("s", fault);
        const auto reply = chat(gateway, with(say(panel_name), declaring({"f"})));
        ASSERT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(decision_of(reply), "fallback_primary");
        EXPECT_EQ(message_of(reply)["tool_calls"][0]["id"], "a_0");
        const auto streamed = stream(gateway, with(say_streamed(panel_name), declaring({"f"})));
        EXPECT_EQ(called(streamed), names{"f"});
        EXPECT_TRUE(streamed.has_done());
        EXPECT_EQ(streamed.error(), json(nullptr));
    }
}

TEST(tools, heartbeats_fill_the_time_of_a_buffered_synthesis) {
    panel p;
    let_panel_call(p, {"f"}, {"f"}, {"f"});
    p.models.on("s", delayed(1500ms, calls("f")));
    const gateway_process gateway(p.config("", "keepalive_secs = 1"));

    auto request = with(say_streamed(panel_name), declaring({"f"}));
    request["x_meta_model"] = {{"progress", true}};
    const auto streamed = stream(gateway, request);

    EXPECT_FALSE(streamed.comments.empty());
    EXPECT_EQ(called(streamed), names{"f"});
}

}  // namespace

}  // namespace meta_model::contract
