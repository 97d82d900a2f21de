// The Responses API on both sides: what the client and the upstream write passes through as it is.
#include "contract/raw_wire_words.hpp"

namespace meta_model::contract {

namespace {

using namespace std::string_literals;

const auto request_rest =
    R"(, "input":[ {"role":"user","content":"caf\u00e9 \/"},{"type":"reasoning","id":"rs_1","encrypted_content":"AA+/","summary":[]},)"
    R"({"type":"new_item","x":[1.50,1e400]}],"tools":[],"include":["reasoning.encrypted_content"],"previous_response_id":"resp_0","store":true,"background":true,"conversation":{"id":"conv_1"}, "unknown":{"z":123456789012345678901} )"s;

const auto answer_bytes =
    R"({ "id":"resp_1","object":"response","created_at":1,"status":"completed","model":"gpt-real",)"
    R"("output":[{"type":"reasoning","id":"rs_2","encrypted_content":"AA"},{"type":"new_item","x":1.50},)"
    R"({"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"h\u00e9","annotations":[]}]}],)"
    R"("usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":130},"error":null})"s;

std::string lifecycle(const std::string& name, int sequence, const std::string& more = "") {
    return event_text(
        "response." + name,
        R"({"type":"response.)" + name + R"(","sequence_number":)" + std::to_string(sequence)
            + R"(,"response":{"id":"resp_1","object":"response","model":"gpt-real","output":[])"
            + more + "}}"
    );
}

std::string text_delta(int sequence) {
    return event_text(
        "response.output_text.delta",
        R"({"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"h\u00e9","sequence_number":)"
            + std::to_string(sequence) + R"(,"obfuscation":"xyz"})"
    );
}

const auto usage =
    R"(,"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":30,"total_tokens":130})"s;

std::vector<std::string> all_events(const std::string& end = "completed") {
    return {
        lifecycle("created", 0),
        lifecycle("in_progress", 1),
        event_text(
            "response.output_item.added",
            R"({"type":"response.output_item.added","output_index":0,"item":{"type":"new_item","x":1.50},"sequence_number":2})"
        ),
        ": a comment\n\n",
        event_text(
            "response.new_kind", R"({"type":"response.new_kind","sequence_number":3,"x":[1e400]})"
        ),
        text_delta(4),
        lifecycle(end, 5, usage),
    };
}

json last_error(const std::string& body) {
    const auto at = body.rfind("event: error\ndata: ");
    if (at == std::string::npos) {
        ADD_FAILURE() << body;
        return {};
    }
    return json::parse(body.substr(at + 19));
}

class raw_responses : public testing::Test {
protected:
    fake_upstream models{};

    config_text config(const std::string& lines = "") {
        config_text out(models);
        out.upstream("a", "api_key = \"sk-1\"\nwire = \"responses\"\n" + lines);
        return out;
    }

    http_reply ask(const gateway_process& gateway, const std::string& body) {
        return post(gateway, responses_path, body);
    }

    std::string whole(const std::string& model = "a") {
        return R"({"model":")" + model + '"' + request_rest + "}";
    }
    std::string streamed(const std::string& model = "a") {
        return R"({"model":")" + model + R"(","stream":true)" + request_rest + "}";
    }

    void SetUp() override { models.on("a", text_reply(200, "application/json", answer_bytes)); }
};

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

TEST_F(raw_responses, what_is_no_response_is_a_502) {
    const std::vector<reply> replies{
        html(),
        json_array(),
        json_reply(200, {{"id", "x"}}),
        json_reply(403, {{"error", {{"message", "key sk-1 is bad"}}}}),
        text_reply(200, "text/event-stream", lifecycle("created", 0)),
        garbage(),
    };
    for (std::size_t i = 0; i < replies.size(); ++i) {
        const gateway_process gateway(config("[upstreams.a.retry]\nmax_attempts = 1\n"));
        models.on("a", replies[i]);

        const auto reply = ask(gateway, whole());

        EXPECT_EQ(reply.status, 502) << i;
        EXPECT_EQ(reply.body.find("sk-1"), std::string::npos) << i;
    }
}

TEST_F(raw_responses, refusals_and_failed_responses_keep_their_words) {
    const gateway_process gateway(config("[upstreams.a.retry]\nmax_attempts = 1\n"));
    const json refusal = {
        {"error",
         {{"message", "m"}, {"type", "invalid_request_error"}, {"code", "x"}, {"param", "input"}}}
    };
    const json failed = {
        {"object", "response"},
        {"status", "failed"},
        {"output", json::array()},
        {"error", {{"code", "server_error"}}}
    };

    models.on("a", json_reply(400, refusal));
    const auto refused = ask(gateway, streamed());
    models.on("a", json_reply(200, failed));
    const auto reply = ask(gateway, whole());
    models.on("a", json_reply(200, {{"error", {{"code", "rate_limit_exceeded"}}}}));
    const auto limited = ask(gateway, whole());

    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json(), refusal);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json(), failed);
    EXPECT_EQ(limited.status, 429);
    const auto metrics = get(gateway, "/metrics").body;
    EXPECT_EQ(metrics.find(R"(code="ok"} 1)"), std::string::npos)
        << "a failed response: " << metrics;
}

TEST_F(raw_responses, an_error_as_the_first_event_has_its_status_and_later_ones_pass) {
    const gateway_process gateway(config("[upstreams.a.retry]\nmax_attempts = 1\n"));
    const auto error = event_text(
        "error",
        R"({"type":"error","code":"server_error","message":"m","param":null,"sequence_number":1})"
    );
    const auto failed = lifecycle("failed", 1, R"(,"error":{"code":"server_error","message":"m"})");

    models.on("a", raw_events({error}));
    EXPECT_EQ(ask(gateway, streamed()).status, 500);
    for (const auto& last : {error, failed}) {
        models.on("a", raw_events({lifecycle("created", 0), last, text_delta(9)}));
        const auto reply = ask(gateway, streamed());
        EXPECT_EQ(reply.body, lifecycle("created", 0) + last);
        EXPECT_TRUE(reply.is_whole);
    }
}

TEST_F(raw_responses, a_stream_that_is_cut_ends_with_a_numbered_error_event) {
    const gateway_process gateway(config());
    const auto begun = lifecycle("created", 0) + text_delta(4);
    const std::vector<reply> replies{
        raw_events({lifecycle("created", 0), text_delta(4)}),
        cut_after_sends(3, raw_events({lifecycle("created", 0), text_delta(4), text_delta(5)})),
        raw_events({lifecycle("created", 0), text_delta(4), "data: [DONE]\n\n"}),
    };
    for (const auto& r : replies) {
        models.on("a", r);

        const auto reply = ask(gateway, streamed());

        EXPECT_EQ(reply.body.rfind(begun, 0), 0u) << reply.body;
        const auto error = last_error(reply.body);
        EXPECT_EQ(error["type"], "error");
        EXPECT_EQ(error["code"], "upstream_error");
        EXPECT_EQ(error["param"], nullptr);
        EXPECT_EQ(error["sequence_number"], 5);
    }
}

TEST_F(raw_responses, an_event_above_a_mebibyte_ends_the_stream) {
    const auto large = event_text("response.x", R"({"x":")" + std::string(1'100'000, 'x') + "\"}");
    const gateway_process gateway(config());

    models.on("a", raw_events({lifecycle("created", 0), large}));

    const auto reply = ask(gateway, streamed());
    EXPECT_EQ(reply.body.rfind(lifecycle("created", 0), 0), 0u);
    EXPECT_EQ(last_error(reply.body)["code"], "upstream_protocol_error");
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

TEST_F(raw_responses, silence_is_filled_with_comments_and_hides_no_late_error) {
    models.on("a", delayed(400ms, raw_events(all_events())));
    const gateway_process gateway(config().server("stream_commit_secs = 0.1\nkeepalive_secs = 0.1")
    );

    const auto reply = ask(gateway, streamed());
    models.on("a", delayed(400ms, json_reply(429, {{"error", {{"message", "m"}}}})));
    const auto late = ask(gateway, streamed());

    EXPECT_EQ(reply.body.rfind(": heartbeat\n\n", 0), 0u);
    EXPECT_EQ(without_heartbeats(reply.body), joined(all_events()));
    EXPECT_EQ(late.status, 200);
    EXPECT_EQ(last_error(late.body)["sequence_number"], 0);
}

TEST_F(raw_responses, an_upstream_that_hangs_is_given_up) {
    const gateway_process gateway(config(
        "[upstreams.a.timeouts]\nfirst_byte_secs = 0.3\nfirst_token_secs = 0.3\nidle_secs = 0.3\n"
        "[upstreams.a.retry]\nmax_attempts = 1\n"
    ));

    models.on("a", hang());
    EXPECT_EQ(ask(gateway, whole()).status, 504);
    models.on("a", hang_after_sends(3, raw_events(all_events())));
    EXPECT_EQ(last_error(ask(gateway, streamed()).body)["code"], "upstream_timeout");
}

TEST_F(raw_responses, a_client_that_leaves_ends_the_call) {
    models.on("a", hang_after_sends(3, raw_events(all_events())));
    const gateway_process gateway(config());
    http_client client(gateway.port());
    client.send(request_bytes(post_parts(responses_path, streamed())));
    client.read_head();
    sse_reader reader(client);
    ASSERT_TRUE(reader.next());

    client.close();

    EXPECT_TRUE(models.wait_for_peer_close("a", cancel_limit));
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

}  // namespace

}  // namespace meta_model::contract
