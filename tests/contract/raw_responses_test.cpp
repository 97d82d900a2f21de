// The Responses API on both sides: what the client and the upstream write passes through as it is.
#include "contract/raw_responses_words.hpp"

namespace meta_model::contract {

namespace {

using namespace raw_response_words;

TEST_F(raw_responses, both_bodies_pass_byte_for_byte) {
    const gateway_process gateway(config().passthrough("house.v1", "a"));
    for (const auto* model : {"a", "house.v1"}) {
        const auto reply = post(
            gateway,
            responses_path,
            "{ \"x_meta_model\":{},\"model\"  : \""s + model + '"' + request_rest + "}",
            {{"OpenAI-Beta", "responses_multi_agent=v1"}}
        );

        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(reply.body, answer_bytes);
        const auto sent = models.last_request("a");
        EXPECT_EQ(sent.target, "/u/a/v1/responses");
        EXPECT_EQ(sent.body, "{ \"model\"  : \"org/a\"" + request_rest + "}");
        EXPECT_EQ(sent.header("Authorization"), "Bearer sk-1");
        EXPECT_EQ(sent.header("OpenAI-Beta"), "responses_multi_agent=v1");
    }
}

TEST_F(raw_responses, a_stream_passes_byte_for_byte_in_any_split) {
    const gateway_process gateway(config());
    for (const std::string end : {"completed", "incomplete"}) {
        for (const std::size_t size : {7, 100, 100'000}) {
            models.on("a", in_pieces(size, 0ms, raw_events(all_events(end))));

            const auto reply = ask(gateway, streamed());

            EXPECT_EQ(reply.status, 200);
            EXPECT_EQ(reply.body, joined(all_events(end)));
            EXPECT_TRUE(reply.is_whole);
        }
    }
    EXPECT_EQ(models.last_request("a").body, streamed("org/a"));
}

TEST_F(raw_responses, events_with_an_image_pass_in_any_split) {
    const auto image = event_text(
        "response.output_item.done",
        R"({"type":"response.output_item.done","item":{"type":"image_generation_call","result":")"
            + std::string(3'000'000, 'A') + R"("}})"
    );
    const auto before = image.substr(0, image.size() - 1);
    const auto last = lifecycle("completed", 5, usage);
    const gateway_process gateway(config());
    const gateway_process renaming(config().server("model_name = \"house-1\""));
    for (const auto& events : std::vector<std::vector<std::string>>{
             {lifecycle("created", 0), image, last},
             {lifecycle("created", 0) + before, "\n" + image + last.substr(0, 40), last.substr(40)},
         }) {
        models.on("a", raw_events(events));

        const auto reply = ask(gateway, streamed());
        const auto renamed = ask(renaming, streamed());

        EXPECT_TRUE(reply.body == joined(events)) << reply.body.substr(0, 300);
        EXPECT_EQ(renamed.body.size(), reply.body.size() - 2) << "two shorter names";
    }
}

TEST_F(raw_responses, what_was_used_is_in_the_books) {
    const gateway_process gateway(
        config("[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\n"
               "cached_input_usd_per_mtok = 0.5\noutput_usd_per_mtok = 10.0\n")
    );
    const auto traced = R"({"model":"a","x_meta_model":{"trace":true})"s;

    const auto reply = ask(gateway, traced + request_rest + "}");
    models.on("a", raw_events(all_events()));
    const auto stream = ask(gateway, traced + R"(,"stream":true)" + request_rest + "}");

    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "130");
    EXPECT_EQ(reply.header("X-MetaModel-Cost-USD"), "0.000380000");
    EXPECT_EQ(reply.json()["x_meta_model"]["legs"][0]["tokens_in"], 100);
    const auto last = lifecycle("completed", 5, usage);
    const auto begun = last.substr(0, last.size() - 4) + R"(,"x_meta_model":)";
    const auto at = stream.body.find(begun);
    ASSERT_NE(at, std::string::npos) << "clients refuse events of a type that they do not know";
    EXPECT_EQ(stream.body.substr(0, at), joined(all_events()).substr(0, at));
    const auto told = json::parse(stream.body.substr(stream.body.find('{', at)));
    EXPECT_EQ(told["response"]["x_meta_model"]["total_tokens"], 130);
    models.on("a", text_reply(200, "application/json", answer_bytes));
    const auto replayed = ask(gateway, traced + R"(,"stream":true)" + request_rest + "}");
    const auto end = json::parse(replayed.body.substr(replayed.body.rfind("\ndata: ") + 7));
    EXPECT_EQ(end["response"]["x_meta_model"]["total_tokens"], 130);
    EXPECT_EQ(replayed.body.find("x_meta_model"), replayed.body.rfind("x_meta_model"));
}

TEST_F(raw_responses, a_facade_name_takes_the_place_of_the_model_everywhere) {
    const gateway_process gateway(config().server("model_name = \"house-1\""));

    const auto reply = ask(gateway, whole());
    models.on("a", in_pieces(50, 0ms, raw_events(all_events())));
    const auto stream = ask(gateway, streamed());

    const auto replaced = [](std::string text) {
        for (auto at = text.find("gpt-real"); at != std::string::npos; at = text.find("gpt-real")) {
            text.replace(at, 8, "house-1");
        }
        return text;
    };
    EXPECT_EQ(reply.body, replaced(answer_bytes));
    EXPECT_EQ(stream.body, replaced(joined(all_events())));
}

TEST_F(raw_responses, only_what_the_operator_sets_changes_the_body) {
    const gateway_process gateway(
        config("request_overrides = { service_tier = \"flex\" }\n"
               "[upstreams.a.openai]\nreasoning_effort = \"low\"\ndrop_params = [\"truncation\"]\n")
            .server("system_prompt = \"Obey.\"")
    );
    const auto sent = [&](const json& more) {
        EXPECT_EQ(ask(gateway, with({{"model", "a"}, {"input", "q"}}, more).dump()).status, 200);
        return models.last_request("a").json;
    };

    EXPECT_EQ(
        sent(json::object()),
        (json{
            {"model", "org/a"},
            {"input", "q"},
            {"instructions", "Obey."},
            {"reasoning", {{"effort", "low"}}},
            {"service_tier", "flex"}
        })
    );
    const auto own = sent(
        {{"instructions", "Be \"kind\"."},
         {"truncation", "auto"},
         {"reasoning", {{"effort", "high"}, {"summary", "auto"}}}}
    );
    EXPECT_EQ(own["instructions"], "Obey.\n\nBe \"kind\".");
    EXPECT_EQ(own["reasoning"], (json{{"effort", "low"}, {"summary", "auto"}}));
    EXPECT_FALSE(own.contains("truncation"));
}

TEST_F(raw_responses, a_whole_response_where_a_stream_was_asked_for_is_told_in_events) {
    const gateway_process gateway(config());

    const auto reply = ask(gateway, streamed());
    const gateway_process unstreamed(config("stream = false\n"));
    EXPECT_EQ(ask(unstreamed, streamed()).body, reply.body);
    EXPECT_EQ(models.last_request("a").body.find("\"stream\""), std::string::npos);
    models.on("a", json_reply(200, {{"status", "queued"}, {"output", json::array()}}));
    const auto unfinished = ask(gateway, streamed());

    EXPECT_EQ(unfinished.status, 502);
    std::string types;
    std::string text;
    json last;
    int sequence = 0;
    for (std::size_t at = 0; at < reply.body.size();) {
        const auto end = reply.body.find("\n\n", at);
        const auto data = reply.body.find("\ndata: ", at) + 7;
        last = json::parse(reply.body.substr(data, end - data));
        EXPECT_EQ(
            reply.body.substr(at, data - 7 - at), "event: " + last["type"].get<std::string>()
        );
        EXPECT_EQ(last["sequence_number"], sequence++);
        types += last["type"].get<std::string>().substr(9) + ' ';
        text +=
            last["type"] == "response.output_text.delta" ? last["delta"].get<std::string>() : "";
        at = end + 2;
    }
    EXPECT_EQ(
        types,
        "created in_progress output_item.added output_item.done output_item.added output_item.done "
        "output_item.added content_part.added output_text.delta output_text.done content_part.done "
        "output_item.done completed "
    );
    EXPECT_EQ(text, "hé");
    EXPECT_EQ(last["response"], json::parse(answer_bytes));
}

TEST_F(raw_responses, a_cost_limit_bounds_the_answer) {
    const gateway_process gateway(
        config("[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 10.0\n")
    );

    const auto reply =
        ask(gateway, R"({"model":"a","input":"q","x_meta_model":{"max_cost_usd":1.0}})");

    EXPECT_EQ(reply.status, 200);
    EXPECT_GT(models.last_request("a").json.value("max_output_tokens", 0), 0)
        << "nothing else makes the ceiling true";
    EXPECT_EQ(
        ask(gateway, R"({"model":"a","input":"q","x_meta_model":{"max_cost_usd":0.00001}})").status,
        402
    );
    const json short_one = {
        {"model", "a"},
        {"input", "q"},
        {"max_output_tokens", 1},
        {"x_meta_model", {{"max_cost_usd", 0.001}}}
    };
    EXPECT_EQ(ask(gateway, short_one.dump()).status, 200);
    const auto next = with(short_one, {{"previous_response_id", "resp_1"}});
    EXPECT_EQ(ask(gateway, next.dump()).status, 402) << "nobody here knows how long it is by now";
}

TEST_F(raw_responses, its_input_is_counted_where_its_conversation_is_kept) {
    const gateway_process gateway(config("request_overrides = { service_tier = \"flex\" }\n"));
    const auto counted = R"({"object":"response.input_tokens","input_tokens":42, "x":1})"s;
    const auto rest = R"(,"previous_response_id":"resp_1", "input":[{"type":"new_item"}]})"s;
    models.on("a", text_reply(200, "application/json", counted));

    const auto reply = post(gateway, "/v1/responses/input_tokens", R"({"model":"a")" + rest);

    EXPECT_EQ(reply.body, counted);
    EXPECT_EQ(models.last_request("a").target, "/u/a/v1/responses/input_tokens");
    EXPECT_EQ(models.last_request("a").body, R"({"model":"org/a")" + rest);
}

TEST_F(raw_responses, a_count_has_no_events_and_costs_nothing) {
    const gateway_process gateway(
        config("[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 10.0\n")
    );
    const json counted = {{"object", "response.input_tokens"}, {"input_tokens", 42}};
    models.on("a", json_reply(200, counted));

    const auto reply = post(
        gateway,
        "/v1/responses/input_tokens",
        R"({"model":"a","input":"q","stream":true,"x_meta_model":{"max_cost_usd":0.0000001}})"
    );

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json(), counted);
    EXPECT_EQ(reply.header("Content-Type"), "application/json");
}

TEST_F(raw_responses, such_an_upstream_takes_no_chats) {
    const gateway_process gateway(config().passthrough("house.v1", "a"));
    for (const auto* model : {"a", "house.v1"}) {
        expect_error(chat(gateway, say(model)), {501, "api_error", "not_implemented", "model"});
    }
    const auto completion = post(gateway, "/v1/completions", R"({"model":"a","prompt":"x"})");
    EXPECT_EQ(completion.status, 501);
    EXPECT_EQ(models.requests().size(), 0u);
}

TEST_F(raw_responses, a_wrong_type_is_a_400_that_names_the_field) {
    const gateway_process gateway(config());
    for (const std::string field :
         {"input", "instructions", "stream", "tools", "max_output_tokens"}) {
        const auto reply =
            ask(gateway, with({{"model", "a"}, {"input", "q"}}, {{field, -1.5}}).dump());

        EXPECT_EQ(reply.status, 400) << field;
        EXPECT_NE(reply.body.find("'" + field + "'"), std::string::npos) << reply.body;
    }
    EXPECT_EQ(models.requests().size(), 0u);
}

TEST_F(raw_responses, what_nobody_could_poll_is_not_begun) {
    const gateway_process gateway(config("stream = false\n"));
    const json asked = {{"model", "a"}, {"input", "q"}, {"background", true}};
    for (const bool is_streamed : {false, true}) {
        expect_error(
            ask(gateway, with(asked, {{"stream", is_streamed}}).dump()),
            {501, "invalid_request_error", "unsupported_responses_param", "background"}
        );
    }
    EXPECT_EQ(models.requests().size(), 0u);
    EXPECT_EQ(ask(gateway, with(asked, {{"background", nullptr}}).dump()).status, 200);
}

}  // namespace

}  // namespace meta_model::contract
