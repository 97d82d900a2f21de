// Group M: images, video and audio that a profile's own models do not take.
#include "contract/media_profiles.hpp"

namespace meta_model::contract {

namespace {

TEST(multimodal, moa_176_the_first_vision_upstream_serves_an_image) {
    media_profiles m;
    const gateway_process gateway(m.config());

    for (const auto& profile : ensembles) {
        const auto request = with(shows(profile, {image_part()}), {{"odd", {{"kept", true}}}});
        const auto reply = chat(gateway, request);

        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(answer_text(reply), "answer of a");
        EXPECT_EQ(path(reply), "vision");
        EXPECT_EQ(served_by(reply), "a");
        EXPECT_EQ(attempts(reply), "a:200");
        for (const char* name :
             {"X-MetaModel-Cascade-Tried",
              "X-MetaModel-Cascade-Winner",
              "X-MetaModel-Generators",
              "X-MetaModel-Prompt-Tokens-In",
              "X-MetaModel-Compacted-N",
              "X-MetaModel-Vision-Path"}) {
            EXPECT_FALSE(reply.has(name)) << name;
        }
        auto sent = request;
        sent["model"] = fake_upstream::model_id("a");
        EXPECT_EQ(m.models.last_request("a").json, sent) << "the client's own body";
    }
    EXPECT_EQ(m.calls_of_profiles(), 0u);
    EXPECT_EQ(m.models.call_count("b"), 0u);
}

TEST(multimodal, moa_177_the_next_one_serves_when_the_first_fails) {
    media_profiles m;
    m.models.on("a", busy());
    const gateway_process gateway(m.config());

    const auto reply = chat(gateway, shows("panel.v1", {image_part()}));

    EXPECT_EQ(answer_text(reply), "answer of b");
    EXPECT_EQ(attempts(reply), "a:503,b:200");
    EXPECT_EQ(served_by(reply), "b");
    EXPECT_EQ(m.calls_of_profiles(), 0u);
}

TEST(multimodal, moa_178_when_all_refuse_the_last_ones_body_is_the_reply) {
    media_profiles m;
    m.models.on("a", busy(500));
    const json error = {{"message", "no eyes today"}, {"code", "dark"}, {"extra", 1.5}};
    m.models.on("b", refusal(502, error));
    const gateway_process gateway(m.config());

    const auto reply = chat(gateway, shows("panel.v1", {image_part()}));

    EXPECT_EQ(reply.status, 502);
    EXPECT_EQ(reply.json(), (json{{"error", error}}));
    EXPECT_EQ(attempts(reply), "a:500,b:502");
    EXPECT_EQ(served_by(reply), "");
    EXPECT_EQ(path(reply), "vision");
    EXPECT_EQ(reply.header("X-MetaModel-Profile"), "panel.v1");
}

TEST(multimodal, a_refusal_of_one_upstream_is_no_refusal_of_all) {
    media_profiles m;
    const gateway_process gateway(m.config());

    for (const int status : {400, 413, 422, 401, 429}) {
        m.models.next("a", refusal(status, {{"message", "this format is not supported"}}));
        const auto reply = chat(gateway, shows("panel.v1", {image_part()}));
        EXPECT_EQ(answer_text(reply), "answer of b") << status;
        EXPECT_EQ(attempts(reply), "a:" + std::to_string(status) + ",b:200");
    }
}

TEST(multimodal, moa_179_without_endpoints_media_are_not_supported) {
    media_profiles m;
    const gateway_process gateway(m.config(""));
    const std::vector<std::pair<json, std::string>> kinds{
        {image_part(), "vision"}, {video_part(), "video"}, {audio_part(), "audio"}
    };

    for (const auto& profile : ensembles) {
        for (const auto& [part, kind] : kinds) {
            const auto reply = chat(gateway, shows(profile, {part}));
            expect_error(
                reply, {501, "invalid_request_error", kind + "_not_supported", std::nullopt}
            );
            const auto message = reply.json()["error"]["message"].get<std::string>();
            EXPECT_NE(message.find("[" + kind + "].endpoints"), std::string::npos) << message;
            EXPECT_FALSE(reply.has("X-MetaModel-Profile"));
            EXPECT_FALSE(reply.has("X-MetaModel-Multimodal-Path"));
            EXPECT_TRUE(reply.has("X-MetaModel-Request-Id"));
        }
    }
    EXPECT_EQ(m.models.requests().size(), 0u);
}

TEST(multimodal, moa_180_each_kind_has_its_path_and_text_has_none) {
    media_profiles m;
    const gateway_process gateway(
        m.config().raw("[video]\nendpoints = [\"film\"]").raw("[audio]\nendpoints = [\"ears\"]")
    );

    const auto video = chat(gateway, shows("panel.v1", {video_part()}));
    const auto audio = chat(gateway, shows("panel.v1", {audio_part()}));
    const auto text = chat(gateway, say("panel.v1"));

    EXPECT_EQ(path(video), "video");
    EXPECT_EQ(answer_text(video), "answer of film");
    EXPECT_EQ(path(audio), "audio");
    EXPECT_EQ(answer_text(audio), "answer of ears");
    EXPECT_EQ(answer_text(text), "answer of s");
    for (const auto& header : text.headers) {
        EXPECT_EQ(header.first.find("Multimodal"), std::string::npos) << header.first;
    }
}

TEST(multimodal, moa_181_an_unknown_model_is_not_found_with_an_image_too) {
    media_profiles m;
    const gateway_process gateway(m.config());

    const auto reply = chat(gateway, shows("nobody", {image_part()}));

    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.error_code(), "model_not_found");
}

TEST(multimodal, moa_182_the_reply_names_the_profile) {
    media_profiles m;
    answer what;
    what.message["content"] = "seen";
    what.model = "some/vision-model";
    m.models.on("a", complete(what));
    const gateway_process gateway(m.config());
    const gateway_process house(m.config().server("model_name = \"house\""));

    for (const auto& profile : ensembles) {
        const auto reply = chat(gateway, shows(profile, {image_part()}));
        EXPECT_EQ(reply.json()["model"], profile);
        EXPECT_EQ(reply.header("X-MetaModel-Profile"), profile);
        const auto streamed =
            stream(gateway, with(shows(profile, {image_part()}), {{"stream", true}}));
        EXPECT_EQ(streamed.chunks().front()["model"], profile);
    }
    EXPECT_EQ(chat(house, shows("panel.v1", {image_part()})).json()["model"], "house");
}

TEST(multimodal, moa_183_unknown_parts_are_refused_before_a_stream_opens) {
    media_profiles m;
    const gateway_process gateway(m.config());
    const json file = {{"type", "input_file"}, {"input_file", {{"file_id", "f"}}}};
    const json audio = {{"type", "audio_url"}, {"audio_url", {{"url", "http://x/1.mp3"}}}};

    for (const auto& profile : ensembles) {
        const auto whole = chat(gateway, shows(profile, {file, image_part()}));
        const auto streamed =
            chat(gateway, with(shows(profile, {audio, file, audio}), {{"stream", true}}));
        for (const auto& reply : {whole, streamed}) {
            expect_error(
                reply, {400, "invalid_request_error", "unsupported_content_part", "messages"}
            );
        }
        const auto message = streamed.json()["error"]["message"].get<std::string>();
        EXPECT_NE(message.find("audio_url, input_file."), std::string::npos) << message;
    }
    EXPECT_EQ(m.models.requests().size(), 0u);
}

TEST(multimodal, moa_184_malformed_parts_are_named_in_any_message) {
    media_profiles m;
    const gateway_process gateway(m.config());
    const json messages = json::array(
        {user_parts({{{"type", "image_url"}, {"image_url", "http://x/1.png"}}}),
         {{"role", "assistant"}, {"content", "seen"}},
         user_parts(
             {{{"type", "image_url"}, {"image_url", json::object()}},
              {{"type", "text"}, {"text", 7}}}
         )}
    );

    const auto reply = chat(gateway, asks("panel.v1", messages));

    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.error_code(), "unsupported_content_part");
    const auto message = reply.json()["error"]["message"].get<std::string>();
    EXPECT_NE(
        message.find("image_url_malformed, image_url_missing_url, text_malformed"),
        std::string::npos
    ) << message;
}

TEST(multimodal, moa_185_slow_vision_upstreams_share_one_deadline) {
    media_profiles m;
    m.models.on("a", hang());
    m.models.on("b", hang());
    const gateway_process gateway(m.config().server("request_timeout_secs = 0.6"));

    const auto start = clock::now();
    const auto reply = chat(gateway, shows("panel.v1", {image_part()}));
    const auto took = clock::now() - start;

    expect_error(reply, {502, "api_error", "vision_cascade_unreachable", std::nullopt});
    EXPECT_EQ(attempts(reply), "a:deadline_exceeded");
    EXPECT_GE(took, 600ms);
    EXPECT_LT(took, 600ms + cancel_limit) << "not twice the time";
    EXPECT_TRUE(m.models.wait_for_peer_close("a", cancel_limit));
}

TEST(multimodal, what_is_no_answer_does_not_win) {
    media_profiles m;
    const gateway_process gateway(m.config());
    const std::vector<std::pair<reply, std::string>> useless{
        {html(), "a:502,b:200"},
        {json_array(), "a:502,b:200"},
        {json_reply(200, {{"choices", json::array()}}), "a:502,b:200"},
        {ok("  \n "), "a:502,b:200"},
        {refusal(200, {{"message", "overloaded"}, {"code", 529}}), "a:529,b:200"},
        {garbage(), "a:transport_error,b:200"},
        {reset_at_once(), "a:transport_error,b:200"},
        {cut_after(200, ok_as_json("half")), "a:transport_error,b:200"},
    };

    for (const auto& [lie, told] : useless) {
        m.models.on("a", lie);
        const auto reply = chat(gateway, shows("panel.v1", {image_part()}));
        EXPECT_EQ(reply.status, 200) << told << reply.body;
        EXPECT_EQ(answer_text(reply), "answer of b") << told;
        EXPECT_EQ(attempts(reply), told);
    }
}

TEST(multimodal, what_failed_last_decides_the_error) {
    media_profiles m;
    m.models.on("a", busy(500));
    const gateway_process gateway(m.config());
    struct fate {
        reply last{};
        int status = 0;
        std::string code{};
    };
    const std::vector<fate> fates{
        {html(), 502, "vision_cascade_exhausted"},
        {ok(" "), 502, "vision_cascade_exhausted"},
        {text_reply(503, "text/plain", "down"), 503, "vision_cascade_exhausted"},
        {refusal(401, {{"message", "bad key sk-up"}}), 502, "vision_cascade_exhausted"},
        {reset_at_once(), 502, "vision_cascade_unreachable"},
    };

    for (const auto& f : fates) {
        m.models.on("b", f.last);
        const auto reply = chat(gateway, shows("panel.v1", {image_part()}));
        EXPECT_EQ(reply.status, f.status) << reply.body;
        EXPECT_EQ(reply.error_code(), f.code) << reply.body;
        EXPECT_EQ(reply.body.find("sk-up"), std::string::npos);
        EXPECT_EQ(path(reply), "vision");
    }
}

TEST(multimodal, upstreams_that_cannot_be_called_are_passed_over) {
    media_profiles m;
    const gateway_process gateway(
        m.config("endpoints = [\"keyless\", \"foreign\", \"b\"]")
            .upstream("foreign", "modalities = [\"text\", \"image\"]\nprotocol = \"anthropic\"")
            .upstream(
                "keyless", "modalities = [\"text\", \"image\"]\napi_key_env = \"NO_SUCH_VARIABLE\""
            )
    );

    const auto reply = chat(gateway, shows("panel.v1", {image_part()}));

    EXPECT_EQ(answer_text(reply), "answer of b");
    EXPECT_EQ(attempts(reply), "keyless:transport_error,foreign:404,b:200");
}

TEST(multimodal, several_kinds_go_to_an_upstream_that_takes_all) {
    media_profiles m;
    const gateway_process gateway(
        m.config("endpoints = [\"a\"]").raw("[video]\nendpoints = [\"film\"]")
    );

    const auto both = chat(gateway, shows("panel.v1", {image_part(), video_part()}));
    const auto unheard = chat(gateway, shows("panel.v1", {image_part(), audio_part()}));

    EXPECT_EQ(answer_text(both), "answer of film");
    EXPECT_EQ(path(both), "video");
    EXPECT_EQ(unheard.status, 501);
    EXPECT_EQ(unheard.error_code(), "audio_not_supported") << "nobody takes both";
    EXPECT_EQ(m.models.call_count("a"), 0u);
}

TEST(multimodal, tools_reach_the_upstream_and_undeclared_calls_do_not_come_back) {
    media_profiles m;
    m.models.on("a", calls("stray"));
    m.models.on("b", calls("look"));
    const gateway_process gateway(m.config());
    const json tool = {{"type", "function"}, {"function", {{"name", "look"}}}};

    const auto reply =
        chat(gateway, with(shows("panel.v1", {image_part()}), {{"tools", json::array({tool})}}));

    EXPECT_EQ(m.models.last_request("a").json["tools"], json::array({tool}));
    EXPECT_EQ(attempts(reply), "a:502,b:200");
    EXPECT_EQ(reply.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "look");
}

TEST(multimodal, it_streams_as_it_comes) {
    media_profiles m;
    const auto gate = make_gate();
    m.models.on("a", busy());
    m.models.on("b", held_after(3, gate, ok("first second")));
    const gateway_process gateway(m.config());
    http_client client(gateway.port());
    const auto request = with(shows("panel.v1", {image_part()}), {{"stream", true}});
    client.send(request_bytes(chat_parts(request.dump())));
    const auto head = client.read_head();
    sse_reader reader(client);

    EXPECT_EQ(next_content(reader), "first");
    EXPECT_FALSE(m.models.last_request("b").replied) << "it still writes";
    EXPECT_EQ(path(head), "vision");
    EXPECT_EQ(served_by(head), "b");
    EXPECT_EQ(attempts(head), "a:503,b:200");
    gate->open();
}

TEST(multimodal, a_stream_that_fails_before_its_first_word_is_an_error) {
    media_profiles m;
    m.models.on("a", html());
    m.models.on("b", refusal(429, {{"message", "slowly"}}));
    const gateway_process gateway(m.config());
    const auto request = with(shows("panel.v1", {image_part()}), {{"stream", true}});

    const auto refused = stream(gateway, request);
    EXPECT_EQ(refused.head.status, 429);
    EXPECT_EQ(refused.head.json()["error"]["message"], "slowly");

    const gateway_process eager(m.config().server("stream_commit_secs = 0.0"));
    const auto gate = make_gate();
    m.models.on("b", held(gate, refusal(429, {{"message", "slowly"}})));
    http_client client(eager.port());
    client.send(request_bytes(chat_parts(request.dump())));
    const auto head = client.read_head();
    gate->open();
    sse_reader reader(client);
    const auto event = reader.next_data();
    ASSERT_TRUE(event);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(event->json()["error"]["code"], "upstream_error");
    EXPECT_EQ(event->json()["error"]["type"], "rate_limit_error");
    EXPECT_FALSE(reader.next_data()) << "no [DONE]";
}

TEST(multimodal, a_cut_stream_ends_with_an_error) {
    media_profiles m;
    m.models.on("a", cut_after_sends(4, ok("one two three four five six seven eight nine ten")));
    const gateway_process gateway(m.config());

    const auto result =
        stream(gateway, with(shows("panel.v1", {image_part()}), {{"stream", true}}));

    EXPECT_FALSE(result.text().empty());
    EXPECT_FALSE(result.error().is_null());
    EXPECT_FALSE(result.has_done());
    EXPECT_EQ(m.models.call_count("b"), 0u);
}

TEST(multimodal, a_client_that_leaves_ends_the_call_and_starts_no_other) {
    media_profiles m;
    m.models.on("a", hang());
    const gateway_process gateway(m.config());

    expect_leaving_ends_the_call(m.models, gateway, shows("panel.v1", {image_part()}));
}

TEST(multimodal, it_is_recorded_like_every_other_strategy) {
    media_profiles m;
    m.models.on("a", busy());
    const gateway_process gateway(m.config());

    const auto reply = chat(
        gateway, with(shows("panel.v1", {image_part()}), {{"x_meta_model", {{"trace", true}}}})
    );

    const auto trace = reply.json()["x_meta_model"];
    EXPECT_EQ(trace["strategy"], "multimodal");
    ASSERT_EQ(trace["legs"].size(), 2u);
    EXPECT_EQ(trace["legs"][0]["state"], "failed");
    EXPECT_EQ(trace["legs"][1]["role"], "step");
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "18");
    const auto profile = get(gateway, "/v1/metrics/moa").json()["profiles"]["panel.v1"];
    EXPECT_EQ(profile["calls"], 1);
    EXPECT_EQ(profile["failures_by_upstream"]["a"], (json{{"non_2xx", 1}}));
    EXPECT_EQ(profile["legs"]["b"]["states"], (json{{"done", 1}}));
    EXPECT_NE(
        get(gateway, "/metrics").body.find("strategy=\"multimodal\",status=\"2xx\",code=\"ok\"} 1"),
        std::string::npos
    );
}

TEST(multimodal, a_large_recording_passes_and_a_larger_one_is_refused) {
    media_profiles m;
    const gateway_process gateway(m.config()
                                      .raw("[audio]\nendpoints = [\"ears\"]")
                                      .server_table("limits", "max_body_bytes = 3000000"));
    const auto sound = [](std::size_t bytes) {
        json part = audio_part();
        part["input_audio"]["data"] = std::string(bytes, 'A');
        return shows("panel.v1", {part});
    };

    const auto large = chat(gateway, sound(2'900'000));
    const auto larger = chat(gateway, sound(3'100'000));

    EXPECT_EQ(answer_text(large), "answer of ears");
    EXPECT_GT(m.models.last_request("ears").body.size(), 2'900'000u);
    EXPECT_EQ(larger.status, 413);
    EXPECT_EQ(m.models.call_count("ears"), 1u);
}

constexpr auto priced =
    "\n[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\n[upstreams.b.pricing]\n"
    "input_usd_per_mtok = 1.0\n[upstreams.g.pricing]\ninput_usd_per_mtok = 1.0\n"
    "[upstreams.h.pricing]\ninput_usd_per_mtok = 1.0";

json limited(double usd) {
    return {{"x_meta_model", {{"max_cost_usd", usd}}}};
}

TEST(multimodal, a_route_that_costs_too_much_is_402) {
    media_profiles m;
    auto config = m.config();
    config.raw(priced);
    const gateway_process gateway(config);

    const auto reply = chat(gateway, with(shows("panel.v1", {image_part()}), limited(0)));

    EXPECT_EQ(reply.status, 402) << reply.body;
    EXPECT_EQ(reply.json()["error"]["code"], "cost_limit_exceeded");
    EXPECT_EQ(m.models.call_count("a"), 0u);
}

TEST(multimodal, an_image_that_is_not_sent_makes_no_text_cheaper) {
    media_profiles m;
    auto config = m.config();
    config.raw(priced);
    const gateway_process gateway(config);
    const auto picture = "data:image/png;base64," + std::string(1u << 20, 'A');
    const auto request = asks(
        "vote.v1",
        json::array(
            {user_parts({image_part(picture)}),
             {{"role", "assistant"}, {"content", "seen"}},
             {{"role", "user"}, {"content", std::string(60'000, 'x')}}}
        )
    );

    const auto reply = chat(gateway, with(request, limited(0.01)));

    EXPECT_EQ(reply.status, 402) << "21,000 tokens of text and a third more cost 0.028";
    EXPECT_EQ(chat(gateway, with(request, limited(0.1))).status, 200);
}

TEST(multimodal, more_parts_than_anybody_sends_are_refused) {
    media_profiles m;
    const gateway_process gateway(m.config());
    const std::vector<json> many(2001, image_part());
    const std::vector<json> fewer(2000, image_part());

    const auto refused = chat(gateway, shows("panel.v1", many));

    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json()["error"]["code"], "unsupported_content_part");
    EXPECT_EQ(chat(gateway, shows("panel.v1", fewer)).status, 200);
}

}  // namespace

}  // namespace meta_model::contract
