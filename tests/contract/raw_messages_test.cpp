// The Messages API on both sides: what the client and the upstream write passes through as it is.
#include "contract/raw_messages_words.hpp"

namespace meta_model::contract {

namespace {

TEST_F(raw_messages, both_bodies_pass_byte_for_byte) {
    models.on("a", text_reply(200, "application/json", answer_bytes));
    const gateway_process gateway(config());

    const auto reply = post(
        gateway,
        messages_path,
        "{ \"x_meta_model\":{},\"model\"  : \"a\"" + request_rest + "}",
        {{"x-api-key", "of-the-client"},
         {"anthropic-version", "2099-01-01"},
         {"anthropic-beta", "files-api-2025-04-14,new"}}
    );

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, answer_bytes);
    const auto sent = models.last_request("a");
    EXPECT_EQ(sent.target, "/u/a/v1/messages");
    EXPECT_EQ(sent.body, "{ \"model\"  : \"org/a\"" + request_rest + "}");
    EXPECT_EQ(sent.header("x-api-key"), "sk-ant-1");
    EXPECT_EQ(sent.header("anthropic-version"), "2099-01-01");
    EXPECT_EQ(sent.header("anthropic-beta"), "files-api-2025-04-14,new");
    EXPECT_EQ(sent.header("Authorization"), "");
}

TEST_F(raw_messages, without_a_version_of_the_client_the_configured_one_goes_out) {
    const gateway_process gateway(config("version = \"2023-01-01\""));

    ask(gateway, whole());

    EXPECT_EQ(models.last_request("a").header("anthropic-version"), "2023-01-01");
}

TEST_F(raw_messages, a_stream_passes_byte_for_byte_in_any_split) {
    const auto events = joined(all_events());
    const gateway_process gateway(config().passthrough("house.v1", "a"));
    for (const auto* model : {"a", "house.v1"}) {
        for (const std::size_t size : {7, 100, 100'000}) {
            models.on("a", in_pieces(size, 0ms, raw_events(all_events())));

            const auto reply = ask(gateway, streamed(model));

            EXPECT_EQ(reply.status, 200);
            EXPECT_EQ(reply.header("Content-Type"), "text/event-stream");
            EXPECT_EQ(reply.body, events);
            EXPECT_TRUE(reply.is_whole);
        }
    }
    EXPECT_EQ(models.last_request("a").body, streamed("org/a"));
}

TEST_F(raw_messages, a_reply_that_is_too_large_to_be_held_passes_too) {
    const auto text = R"({"type":"text","text":")" + std::string(3'000'000, 'x') + "\"},";
    auto large = answer_bytes;
    large.insert(large.find("[{") + 1, text);
    const gateway_process gateway(config());

    models.on("a", text_reply(200, "application/json", large));
    const auto reply = ask(gateway, whole());
    models.on("a", cut_after(1'000'000, text_reply(200, "application/json", large)));
    const auto cut = ask(gateway, whole());

    EXPECT_EQ(reply.body, large);
    EXPECT_TRUE(reply.is_whole);
    EXPECT_FALSE(cut.is_whole) << "a client must not take it for an answer";
}

TEST_F(raw_messages, what_was_used_is_in_the_books) {
    const std::string prices =
        "[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\ncached_input_usd_per_mtok = 0.1\n"
        "cache_write_usd_per_mtok = 2.0\noutput_usd_per_mtok = 10.0\n";
    const gateway_process gateway(config("", prices));
    const auto traced = R"({"model":"a","x_meta_model":{"trace":true})";

    models.on("a", text_reply(200, "application/json", answer_bytes));
    const auto reply = ask(gateway, traced + request_rest + "}");
    models.on("a", raw_events(all_events()));
    const auto stream = ask(gateway, traced + R"(,"stream":true)"s + request_rest + "}");

    // 20 at 1, 300 at 0.1, 80 at 2 and 50 at 10.
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "450");
    EXPECT_EQ(reply.header("X-MetaModel-Cost-USD"), "0.000710000") << reply.body;
    EXPECT_EQ(reply.body.rfind(answer_bytes.substr(0, answer_bytes.size() - 1), 0), 0u);
    EXPECT_EQ(reply.json()["x_meta_model"]["legs"][0]["tokens_out"], 50);
    const auto books = stream.body.find(R"({"type":"ping","x_meta_model":)");
    ASSERT_NE(books, std::string::npos);
    const auto told =
        json::parse(stream.body.substr(books, stream.body.find("\n\n", books) - books));
    EXPECT_EQ(told["x_meta_model"]["total_tokens"], 370);
    EXPECT_TRUE(stream.body.ends_with(message_stop)) << "the books come before the last event";
    const auto metrics = get(gateway, "/metrics").body;
    const auto tokens = R"(tokens_total{profile="a",direction="out"} 100)";
    EXPECT_NE(metrics.find(tokens), std::string::npos) << metrics;
}

TEST_F(raw_messages, a_facade_name_takes_the_place_of_the_model_in_whole_and_streamed_replies) {
    const gateway_process gateway(config().server("model_name = \"house-1\""));

    models.on("a", text_reply(200, "application/json", answer_bytes));
    const auto reply = ask(gateway, whole());
    models.on("a", in_pieces(50, 0ms, raw_events(all_events())));
    const auto stream = ask(gateway, streamed("a"));

    const auto replaced = [](std::string text) {
        const auto at = text.find("claude-real");
        return text.replace(at, 11, "house-1");
    };
    EXPECT_EQ(reply.body, replaced(answer_bytes));
    EXPECT_EQ(stream.body, replaced(joined(all_events())));
}

TEST_F(raw_messages, only_what_the_operator_sets_changes_the_body) {
    const gateway_process gateway(
        config(
            "thinking = \"enabled\"\nbudget_tokens = 2000",
            "request_overrides = { service_tier = \"auto\" }\n"
        )
            .upstream(
                "adaptive",
                anthropic_lines
                    + "[upstreams.adaptive.anthropic]\nthinking = \"adaptive\"\neffort = \"low\""s
            )
            .server("system_prompt = \"Obey.\"")
    );
    models.on("adaptive", anthropic_text("x"));
    const json plain = {
        {"model", "a"}, {"max_tokens", 3000}, {"messages", {{{"role", "user"}, {"content", "q"}}}}
    };
    const auto sent = [&](const json& body) {
        EXPECT_EQ(ask(gateway, body.dump()).status, 200);
        return models.last_request(body["model"]).json;
    };

    const auto first = sent(plain);
    EXPECT_EQ(first["service_tier"], "auto");
    EXPECT_EQ(first["system"], "Obey.");
    EXPECT_EQ(first["thinking"], (json{{"type", "enabled"}, {"budget_tokens", 2000}}));
    EXPECT_EQ(first["max_tokens"], 3000);
    const auto own =
        sent(with(plain, {{"thinking", {{"type", "disabled"}}}, {"system", "Be \"kind\"."}}));
    EXPECT_EQ(own["thinking"]["type"], "disabled") << "the client's own word holds";
    EXPECT_EQ(own["system"], "Obey.\n\nBe \"kind\".");
    const auto forced = sent(with(
        plain, {{"tool_choice", {{"type", "any"}}}, {"system", json::array({text_block("S")})}}
    ));
    EXPECT_FALSE(forced.contains("thinking")) << "the API refuses it beside a forced call";
    EXPECT_EQ(forced["system"], json::array({text_block("Obey."), text_block("S")}));
    const auto adaptive =
        sent(with(plain, {{"model", "adaptive"}, {"output_config", {{"format", 1}}}}));
    EXPECT_EQ(adaptive["thinking"], (json{{"type", "adaptive"}}));
    EXPECT_EQ(adaptive["output_config"], (json{{"effort", "low"}, {"format", 1}}));
}

TEST_F(raw_messages, tools_that_a_profile_strips_do_not_go_out) {
    const gateway_process gateway(
        config().moa("bare.v1", {"a"}, "a", "strip_tools = true\nexpose_reasoning = true")
    );
    const json body = {
        {"model", "bare.v1"},
        {"max_tokens", 9},
        {"messages", {{{"role", "user"}, {"content", "q"}}}}
    };
    const json tools = {
        {"tools", {{{"name", "f"}, {"input_schema", {{"type", "object"}}}}}},
        {"tool_choice", {{"type", "auto"}}},
        {"mcp_servers", {{{"type", "url"}, {"url", "https://m"}}}},
        {"container", "container_1"}
    };

    EXPECT_EQ(ask(gateway, with(body, tools).dump()).status, 200);
    EXPECT_EQ(models.last_request("a").json, with(body, {{"model", "org/a"}}));
}

TEST_F(raw_messages, an_ensemble_and_hidden_reasoning_are_served_by_the_translation) {
    const gateway_process gateway(
        config().cascade("steps.v1", {"a"}).passthrough("quiet.v1", "a", "expose_reasoning = false")
    );
    for (const std::string model : {"steps.v1", "quiet.v1"}) {
        const auto reply = ask(gateway, whole(model));
        EXPECT_EQ(reply.status, 400) << "a chat has no new kinds of blocks";
        EXPECT_EQ(reply.json()["error"]["type"], "invalid_request_error");
    }
    EXPECT_EQ(models.call_count("a"), 0u);
}

TEST_F(raw_messages, prompt_caching_marks_what_a_next_request_begins_with) {
    const gateway_process gateway(
        config("prompt_caching = true").server("system_prompt = \"Obey.\"")
    );
    const json mark = {{"cache_control", {{"type", "ephemeral"}}}};
    const json tool = {{"name", "f"}, {"input_schema", {{"type", "object"}}}};
    const auto sent = [&](const json& messages, const json& more) {
        const json body = {{"model", "a"}, {"max_tokens", 9}, {"messages", messages}};
        EXPECT_EQ(ask(gateway, with(body, more).dump()).status, 200);
        return models.last_request("a").json;
    };

    const auto plain =
        sent({{{"role", "user"}, {"content", "q \"x\""}}}, {{"tools", json::array({tool, tool})}});
    EXPECT_EQ(plain["system"], json::array({with(text_block("Obey."), mark)}));
    EXPECT_EQ(plain["tools"], json::array({tool, with(tool, mark)}));
    EXPECT_EQ(plain["messages"][0]["content"], json::array({with(text_block("q \"x\""), mark)}));
    const json result = {{"type", "tool_result"}, {"tool_use_id", "t"}, {"content", "r"}};
    const auto blocks = sent(
        {{{"role", "user"}, {"content", {text_block("q"), result}}}},
        {{"system", {text_block("S"), text_block("T")}},
         {"tools", json::array({with(tool, {{"defer_loading", true}})})}}
    );
    EXPECT_EQ(
        blocks["system"],
        json::array({text_block("Obey."), text_block("S"), with(text_block("T"), mark)})
    );
    EXPECT_EQ(blocks["messages"][0]["content"], json::array({text_block("q"), with(result, mark)}));
    EXPECT_FALSE(blocks["tools"][0].contains("cache_control")) << "the API refuses it there";
    const json prefill = {
        {{"role", "user"}, {"content", "q"}}, {{"role", "assistant"}, {"content", "a"}}
    };
    EXPECT_EQ(sent(prefill, json::object())["messages"], prefill);
    const json own = {{{"role", "user"}, {"content", {with(text_block("q"), mark)}}}};
    const auto kept = sent(own, {{"tools", json::array({tool})}});
    EXPECT_EQ(kept["messages"], own);
    EXPECT_EQ(kept["tools"], json::array({tool})) << "the client chose its own marks";
}

TEST_F(raw_messages, a_whole_message_where_a_stream_was_asked_for_is_told_in_events) {
    models.on("a", text_reply(200, "application/json", answer_bytes));
    const gateway_process gateway(config());

    const auto reply = ask(gateway, streamed("a"));
    const gateway_process unstreamed(config("", "stream = false\n"));
    EXPECT_EQ(ask(unstreamed, streamed("a")).body, reply.body);
    EXPECT_EQ(models.last_request("a").body.find("\"stream\""), std::string::npos);
    models.on("a", html());
    const auto page = ask(gateway, streamed("a"));

    EXPECT_EQ(page.status, 502);
    const auto wanted = json::parse(answer_bytes);
    json told;
    std::size_t at = 0;
    while (at < reply.body.size()) {
        const auto end = reply.body.find("\n\n", at);
        const auto data = reply.body.find("\ndata: ", at) + 7;
        const auto event = json::parse(reply.body.substr(data, end - data));
        EXPECT_EQ(
            reply.body.substr(at, data - 7 - at), "event: " + event["type"].get<std::string>()
        );
        at = end + 2;
        if (event["type"] == "message_start") {
            told = event["message"];
            EXPECT_EQ(told["stop_reason"], nullptr);
        } else if (event["type"] == "content_block_start") {
            EXPECT_EQ(event["index"], told["content"].size());
            told["content"].push_back(event["content_block"]);
        } else if (event["type"] == "content_block_delta") {
            auto& block = told["content"][event["index"].get<std::size_t>()];
            const auto& delta = event["delta"];
            if (delta["type"] == "input_json_delta") {
                block["input"] = json::parse(delta["partial_json"].get<std::string>());
            } else {
                const auto type = delta["type"].get<std::string>();
                const auto key = type.substr(0, type.size() - 6);
                block[key] = block[key].get<std::string>() + delta[key].get<std::string>();
            }
        } else if (event["type"] == "message_delta") {
            told["stop_reason"] = event["delta"]["stop_reason"];
            told["usage"] = event["usage"];
        }
    }
    EXPECT_EQ(told, wanted);
    EXPECT_TRUE(reply.body.ends_with(message_stop));
}

TEST_F(raw_messages, a_cost_limit_bounds_the_answer) {
    const std::string prices =
        "[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 10.0\n";
    const gateway_process gateway(config("", prices));
    const auto limited = [&](const char* usd) {
        const json body = {
            {"model", "a"},
            {"max_tokens", 99},
            {"x_meta_model", {{"max_cost_usd", json::parse(usd)}}},
            {"messages", {{{"role", "user"}, {"content", "q"}}}}
        };
        return ask(gateway, body.dump());
    };

    EXPECT_EQ(limited("0.0009").status, 402);
    EXPECT_EQ(models.call_count("a"), 0u);
    EXPECT_EQ(limited("0.01").status, 200);
    const json source = {
        {"type", "base64"}, {"media_type", "image/png"}, {"data", std::string(400'000, 'A')}
    };
    const json image = {{"type", "image"}, {"source", source}};
    const json result = {{"type", "tool_result"}, {"tool_use_id", "t"}, {"content", {image}}};
    const json seen = {
        {"model", "a"},
        {"max_tokens", 9},
        {"x_meta_model", {{"max_cost_usd", 0.02}}},
        {"messages", {{{"role", "user"}, {"content", {image, result}}}}}
    };
    EXPECT_EQ(ask(gateway, seen.dump()).status, 200) << "an image is not so many letters";
}

TEST_F(raw_messages, a_wrong_type_is_a_400_that_names_the_field) {
    const gateway_process gateway(config());
    for (const std::string field : {"max_tokens", "system", "stream", "tools", "thinking"}) {
        const json body =
            with({{"model", "a"}, {"max_tokens", 9}, {"messages", json::array()}}, {{field, -1.5}});

        const auto reply = ask(gateway, body.dump());

        EXPECT_EQ(reply.status, 400) << field;
        EXPECT_NE(reply.body.find('"' + field + ": must be"), std::string::npos) << reply.body;
    }
    const auto broken = R"({"model":"a","max_tokens":9,"messages":[{"role":"user","content":")"s
                        + "\xff" + R"("}]})";
    EXPECT_EQ(ask(gateway, broken).status, 400) << "no UTF-8";
    EXPECT_EQ(models.call_count("a"), 0u);
}

}  // namespace

}  // namespace meta_model::contract
