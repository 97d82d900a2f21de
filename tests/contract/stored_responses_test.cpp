// Responses that are kept: read again, continued, listed, deleted, evicted.
#include "contract/stored_responses.hpp"

namespace meta_model::contract {

namespace {

using clock = std::chrono::steady_clock;

const std::string drop_all = "[responses]\nstore = false\n";

std::vector<std::string> texts_of(const json& messages) {
    std::vector<std::string> out;
    for (const auto& m : messages) {
        out.push_back(m["role"].get<std::string>() + ": " + m["content"].get<std::string>());
    }
    return out;
}

struct kept {
    fake_upstream models;
    gateway_process gateway;

    explicit kept(const std::string& more = "", const std::string& server = "")
        : gateway(config_text(models).server(server).upstream("a").raw(more)) {
        models.on("a", ok("It is a frog."));
    }
    json answer(const json& body) {
        const auto reply = respond(gateway, body);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return reply.json();
    }
};

TEST(stored_responses, a_response_is_there_as_it_was_told) {
    kept k;
    const auto reply = respond(k.gateway, respond_to("a"));
    const auto path = response_path(reply.json());
    EXPECT_EQ(reply.json()["store"], true);

    EXPECT_EQ(get(k.gateway, path).body, reply.body);
    EXPECT_EQ(get(k.gateway, path + "?include=x&stream=false").body, reply.body);
    EXPECT_EQ(ask_for(k.gateway, "HEAD", path).status, 200);
    EXPECT_EQ(get(k.gateway, path.substr(3)).body, reply.body) << "without /v1";
}

TEST(stored_responses, a_stream_is_there_before_its_client_is_told_that_it_is_complete) {
    kept k;
    auto stream = open_stream::of_new_response(k.gateway, respond_to("a"));
    const auto completed = stream.until("response.completed");
    ASSERT_FALSE(completed.is_null());
    const auto found = get(k.gateway, response_path(completed["response"]));
    EXPECT_EQ(found.json(), completed["response"]);
}

TEST(stored_responses, what_is_not_to_be_kept_is_not) {
    kept k;
    const auto response = k.answer(with(respond_to("a"), {{"store", false}}));
    EXPECT_EQ(response["store"], false);
    expect_error(
        get(k.gateway, response_path(response)),
        {404, "invalid_request_error", "response_not_found", std::nullopt}
    );
}

TEST(stored_responses, a_gateway_that_keeps_nothing_says_so) {
    kept k(drop_all);
    const auto response = k.answer(respond_to("a"));
    EXPECT_EQ(response["store"], false);
    EXPECT_EQ(get(k.gateway, response_path(response)).status, 404);
    expect_error(
        respond(k.gateway, with(respond_to("a"), {{"previous_response_id", "resp_1"}})),
        {400, "invalid_request_error", "feature_disabled", "previous_response_id"}
    );
    expect_error(
        respond(k.gateway, in_background("a")),
        {400, "invalid_request_error", "feature_disabled", "background"}
    );
}

TEST(stored_responses, a_failed_stream_is_kept_as_failed) {
    kept k;
    k.models.on("a", cut_after_sends(2, ok("It is a frog.")));
    auto stream = open_stream::of_new_response(k.gateway, respond_to("a"));
    const auto failed = stream.until("response.failed");
    ASSERT_FALSE(failed.is_null());
    const auto found = get(k.gateway, response_path(failed["response"])).json();
    EXPECT_EQ(found["status"], "failed");
    EXPECT_EQ(found, failed["response"]);
}

TEST(stored_responses, a_client_that_leaves_leaves_nothing) {
    kept k;
    k.models.on("a", hang_after_sends(2, ok("It is a frog.")));
    auto stream = open_stream::of_new_response(k.gateway, respond_to("a"));
    const auto created = stream.until("response.created");
    stream.leave();
    ASSERT_TRUE(k.models.wait_for_peer_close("a"));
    EXPECT_EQ(get(k.gateway, response_path(created["response"])).status, 404);
}

TEST(stored_responses, unknown_ids_are_told_in_openais_words) {
    kept k;
    const std::vector<std::pair<std::string, std::string>> calls{
        {"GET", ""},
        {"GET", "?stream=true"},
        {"DELETE", ""},
        {"POST", "/cancel"},
        {"GET", "/input_items"}
    };
    for (const auto& [method, rest] : calls) {
        const auto reply = ask_for(k.gateway, method, "/v1/responses/resp_none" + rest);
        expect_error(reply, {404, "invalid_request_error", "response_not_found", std::nullopt});
        EXPECT_EQ(reply.json()["error"]["message"], "No response found with id 'resp_none'.")
            << rest;
    }
    EXPECT_EQ(ask_for(k.gateway, "POST", "/v1/responses/resp_none").status, 405);
}

TEST(stored_responses, a_deleted_response_is_gone) {
    kept k;
    const auto response = k.answer(respond_to("a"));
    const auto deleted = ask_for(k.gateway, "DELETE", response_path(response));
    EXPECT_EQ(deleted.status, 200);
    EXPECT_EQ(
        deleted.json(), json({{"id", response["id"]}, {"object", "response"}, {"deleted", true}})
    );
    EXPECT_EQ(get(k.gateway, response_path(response)).status, 404);
    EXPECT_EQ(ask_for(k.gateway, "DELETE", response_path(response)).status, 404);
    expect_error(
        respond(k.gateway, with(respond_to("a"), {{"previous_response_id", response["id"]}})),
        {404, "invalid_request_error", "previous_response_not_found", "previous_response_id"}
    );
}

TEST(stored_responses, a_conversation_goes_on_from_any_of_its_responses) {
    kept k;
    const auto first =
        k.answer(with(respond_to("a", "What is it?"), {{"instructions", "Be short."}}));
    k.models.on("a", ok("Green."));
    const auto second =
        k.answer(with(respond_to("a", "Its colour?"), {{"previous_response_id", first["id"]}}));
    EXPECT_EQ(second["previous_response_id"], first["id"]);
    EXPECT_EQ(
        texts_of(k.models.last_request("a").json["messages"]),
        (std::vector<std::string>{
            "user: What is it?", "assistant: It is a frog.", "user: Its colour?"
        })
    ) << "instructions are of one request";
    k.answer(with(respond_to("a", "Sure?"), {{"previous_response_id", second["id"]}}));
    EXPECT_EQ(k.models.last_request("a").json["messages"].size(), 5u);
    k.answer(with(respond_to("a", "Its size?"), {{"previous_response_id", first["id"]}}));
    EXPECT_EQ(k.models.last_request("a").json["messages"].size(), 3u) << "another branch";
}

TEST(stored_responses, calls_and_their_results_go_on) {
    kept k;
    k.models.on("a", calls("look", R"({"at":"frog"})"));
    const json tools = {{{"type", "function"}, {"name", "look"}, {"parameters", json::object()}}};
    const auto first = k.answer(with(respond_to("a"), {{"tools", tools}}));
    const auto& call = first["output"].back();
    ASSERT_EQ(call["type"], "function_call");
    k.models.on("a", ok("Green."));
    k.answer(
        {{"model", "a"},
         {"tools", tools},
         {"previous_response_id", first["id"]},
         {"input",
          {{{"type", "function_call_output"}, {"call_id", call["call_id"]}, {"output", "green"}}}}}
    );
    const auto messages = k.models.last_request("a").json["messages"];
    ASSERT_EQ(messages.size(), 3u);
    EXPECT_EQ(messages[1]["tool_calls"][0]["id"], call["call_id"]);
    EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["arguments"], R"({"at":"frog"})");
    EXPECT_EQ(messages[2]["tool_call_id"], call["call_id"]);
}

TEST(stored_responses, an_item_can_be_referred_to) {
    kept k;
    const auto first = k.answer(respond_to("a"));
    const json reference = {{"type", "item_reference"}, {"id", first["output"][0]["id"]}};
    const json user = {{"role", "user"}, {"content", "And?"}};
    k.answer({{"model", "a"}, {"input", {user, reference, user}}});
    EXPECT_EQ(
        texts_of(k.models.last_request("a").json["messages"]),
        (std::vector<std::string>{"user: And?", "assistant: It is a frog.", "user: And?"})
    );
    const json unknown = {{"type", "item_reference"}, {"id", "msg_none"}};
    const auto refused = respond(k.gateway, {{"model", "a"}, {"input", {user, unknown}}});
    EXPECT_EQ(refused.status, 404) << refused.body;
    EXPECT_EQ(refused.error_code(), "item_not_found");
}

TEST(stored_responses, only_answers_are_gone_on_from) {
    kept k;
    k.models.on("a", hang());
    const auto running = k.answer(in_background("a"));
    expect_error(
        respond(k.gateway, with(respond_to("a"), {{"previous_response_id", running["id"]}})),
        {400, "invalid_request_error", std::nullopt, "previous_response_id"}
    );
}

TEST(stored_responses, conversations_of_openai_are_not_served) {
    kept k;
    expect_error(
        respond(k.gateway, with(respond_to("a"), {{"conversation", "conv_1"}})),
        {501, "invalid_request_error", "unsupported_responses_param", "conversation"}
    );
    const auto count = with(respond_to("a"), {{"conversation", "conv_1"}});
    expect_error(
        fetch(k.gateway.port(), {"POST", "/v1/responses/input_tokens", {}, count.dump()}),
        {501, "invalid_request_error", "unsupported_responses_param", "conversation"}
    );
}

TEST(stored_responses, input_items_are_the_whole_context_in_pages) {
    kept k;
    const auto first = k.answer(respond_to("a", "one"));
    const json input = {
        {{"role", "user"}, {"content", "two"}},
        {{"type", "message"},
         {"id", "msg_mine"},
         {"role", "user"},
         {"content", {{{"type", "input_text"}, {"text", "three"}}}}},
    };
    const auto second =
        k.answer({{"model", "a"}, {"input", input}, {"previous_response_id", first["id"]}});
    const auto path = response_path(second, "/input_items");
    const auto all = get(k.gateway, path + "?order=asc").json();
    EXPECT_EQ(all["object"], "list");
    ASSERT_EQ(all["data"].size(), 4u);
    EXPECT_EQ(all["data"][0]["content"][0]["text"], "one");
    EXPECT_EQ(all["data"][1], first["output"][0]);
    EXPECT_EQ(all["data"][2]["type"], "message");
    EXPECT_EQ(all["data"][2]["status"], "completed");
    EXPECT_EQ(all["data"][2]["content"], json({{{"type", "input_text"}, {"text", "two"}}}));
    EXPECT_EQ(all["data"][3]["id"], "msg_mine");
    EXPECT_EQ(all["first_id"], all["data"][0]["id"]);
    EXPECT_EQ(all["last_id"], "msg_mine");
    EXPECT_EQ(all["has_more"], false);

    // The newest first, as OpenAI does, and page by page.
    std::vector<json> paged;
    std::string after;
    for (bool has_more = true; has_more;) {
        const auto page = get(k.gateway, path + "?limit=3" + after).json();
        for (const auto& item : page["data"]) {
            paged.push_back(item);
        }
        has_more = page["has_more"];
        after = "&after=" + page["last_id"].get<std::string>();
        ASSERT_LE(paged.size(), 4u);
    }
    std::reverse(paged.begin(), paged.end());
    EXPECT_EQ(json(paged), all["data"]);
}

TEST(stored_responses, wrong_pages_are_refused_by_name) {
    kept k;
    const auto path = response_path(k.answer(respond_to("a")), "/input_items?");
    for (const auto& [query, param] : std::vector<std::pair<std::string, std::string>>{
             {"limit=0", "limit"},
             {"limit=101", "limit"},
             {"limit=x", "limit"},
             {"limit=", "limit"},
             {"order=up", "order"},
             {"after=msg_none", "after"},
         }) {
        expect_error(
            get(k.gateway, path + query), {400, "invalid_request_error", std::nullopt, param}
        );
    }
}

TEST(stored_responses, input_tokens_are_those_of_the_tokenizer) {
    kept k;
    const auto first = k.answer(respond_to("a"));
    const auto count = [&](const json& body) {
        return fetch(
            k.gateway.port(),
            {"POST",
             "/v1/responses/input_tokens",
             {{"Content-Type", "application/json"}},
             body.dump()}
        );
    };
    k.models.on("a", json_reply(200, {{"count", 42}, {"tokens", {1, 2}}}));
    const auto counted = count(with(respond_to("a"), {{"previous_response_id", first["id"]}}));
    EXPECT_EQ(counted.json(), json({{"object", "response.input_tokens"}, {"input_tokens", 42}}));
    EXPECT_EQ(k.models.last_request("a").json["messages"].size(), 3u);

    k.models.on("a", json_reply(404, {{"detail", "Not Found"}}));
    const auto estimated = count(respond_to("a", std::string(2800, 'x')));
    EXPECT_EQ(estimated.status, 200) << estimated.body;
    EXPECT_NEAR(estimated.json()["input_tokens"].get<int>(), 1000, 100);
    EXPECT_EQ(estimated.header("X-MetaModel-Usage"), "estimated");
    EXPECT_EQ(count({{"model", "a"}, {"input", 5}}).status, 400);
    EXPECT_EQ(count(with(respond_to("a"), {{"previous_response_id", "resp_none"}})).status, 404);
}

TEST(stored_responses, a_full_store_evicts_the_oldest_and_says_so) {
    kept k("[responses]\nmax_stored = 2\n");
    std::vector<json> made;
    for (int i = 0; i < 4; ++i) {
        made.push_back(k.answer(respond_to("a", "question " + std::to_string(i))));
    }
    const auto gone = get(k.gateway, response_path(made[1]));
    expect_error(gone, {404, "invalid_request_error", "response_not_found", std::nullopt});
    EXPECT_NE(gone.body.find("may have been evicted"), std::string::npos) << gone.body;
    EXPECT_EQ(get(k.gateway, response_path(made[2])).status, 200);
    EXPECT_EQ(get(k.gateway, response_path(made[3])).status, 200);
    const auto continued =
        respond(k.gateway, with(respond_to("a"), {{"previous_response_id", made[0]["id"]}}));
    EXPECT_EQ(continued.error_code(), "previous_response_not_found");
    EXPECT_NE(continued.body.find("may have been evicted"), std::string::npos);
    EXPECT_TRUE(k.gateway.child().wait_for_log("stored responses were evicted"));
    EXPECT_TRUE(wait_for_metric(k.gateway, "responses_evicted_total", 2));
    EXPECT_TRUE(wait_for_metric(k.gateway, "responses_stored", 2));
}

TEST(stored_responses, time_lets_go_of_them) {
    kept k("[responses]\nttl_secs = 0.2\n");
    const auto response = k.answer(respond_to("a"));
    EXPECT_TRUE(k.gateway.child().wait_for_log("stored responses were evicted"));
    EXPECT_EQ(get(k.gateway, response_path(response)).status, 404);
}

TEST(stored_responses, a_key_is_needed_to_see_them) {
    kept k("", "bearer_token = \"right\"");
    const header_list key{{"Authorization", "Bearer right"}};
    const auto response =
        fetch(k.gateway.port(), {"POST", "/v1/responses", key, respond_to("a").dump()}).json();
    const auto path = response_path(response);
    EXPECT_EQ(get(k.gateway, path).status, 401);
    EXPECT_EQ(ask_for(k.gateway, "DELETE", path).status, 401);
    EXPECT_EQ(get(k.gateway, path, key).status, 200);
    EXPECT_EQ(get(k.gateway, path, {{"x-api-key", "right"}}).status, 200) << "the same client";
}

TEST(stored_responses, a_conversation_is_no_longer_than_a_request_may_be) {
    kept k("[server.limits]\nmax_body_bytes = 1000000\n");
    const auto long_turn = respond_to("a", std::string(600000, 'x'));
    const auto first = k.answer(long_turn);
    const auto second = k.answer(with(long_turn, {{"previous_response_id", first["id"]}}));

    const auto refused =
        respond(k.gateway, with(respond_to("a"), {{"previous_response_id", second["id"]}}));

    expect_error(refused, {400, "invalid_request_error", std::nullopt, "previous_response_id"});
    EXPECT_NE(refused.body.find("too long"), std::string::npos) << refused.body;
    EXPECT_EQ(get(k.gateway, response_path(second, "/input_items")).status, 200);
}

TEST(stored_responses, a_conversation_counts_as_the_bytes_of_its_request) {
    kept k("[server.limits]\nmax_body_bytes = 2000000\nmax_in_flight_bytes = 4000000\n");
    const auto first = k.answer(respond_to("a", std::string(1200000, 'x')));
    const auto go_on = with(respond_to("a"), {{"previous_response_id", first["id"]}});
    std::vector<http_client> halves;
    for (int i = 0; i < 2; ++i) {
        halves.emplace_back(k.gateway.port());
        halves.back().send(
            "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: 1600000\r\n\r\n"
            + std::string(1500000, ' ')
        );
    }

    auto reply = respond(k.gateway, go_on);
    for (const auto until = clock::now() + 5s; reply.status == 200 && clock::now() < until;) {
        reply = respond(k.gateway, go_on);  // what was sent is not yet read
    }

    expect_error(reply, {503, "service_unavailable_error", "overloaded", std::nullopt});
    halves.clear();
    for (const auto until = clock::now() + 5s; reply.status != 200 && clock::now() < until;) {
        reply = respond(k.gateway, go_on);  // that they have left is not yet seen
    }
    EXPECT_EQ(reply.status, 200) << reply.body;
}

TEST(stored_responses, what_is_held_of_a_request_to_be_kept_counts_until_its_end) {
    kept k("[server.limits]\nmax_body_bytes = 1500000\nmax_in_flight_bytes = 2000000\n");
    k.models.on("a", hang_after_sends(2, ok("It is a frog.")));
    auto stream =
        open_stream::of_new_response(k.gateway, respond_to("a", std::string(900000, 'x')));
    ASSERT_FALSE(stream.until("response.created").is_null());
    k.models.on("a", ok("It is a frog."));

    EXPECT_EQ(chat(k.gateway, say("a", std::string(1000000, 'x'))).status, 200);
    expect_error(
        chat(k.gateway, say("a", std::string(1200000, 'x'))),
        {503, "service_unavailable_error", "overloaded", std::nullopt}
    );
    const auto served = respond(k.gateway, respond_to("a", std::string(700000, 'x')));
    EXPECT_EQ(served.status, 200) << "without room to keep it";
    EXPECT_EQ(get(k.gateway, response_path(served.json())).status, 404);
}

TEST(stored_responses, what_was_referred_to_stays_when_its_response_goes) {
    kept k;
    const auto first = k.answer(respond_to("a", "one"));
    const json reference = {{"type", "item_reference"}, {"id", first["output"][0]["id"]}};
    const json user = {{"role", "user"}, {"content", "two"}};
    const auto second = k.answer(
        {{"model", "a"}, {"input", {reference, user}}, {"previous_response_id", first["id"]}}
    );
    const auto third = k.answer({{"model", "a"}, {"input", {reference, user}}});
    ASSERT_EQ(ask_for(k.gateway, "DELETE", response_path(first)).status, 200);

    k.answer(with(respond_to("a", "three"), {{"previous_response_id", third["id"]}}));

    EXPECT_EQ(
        texts_of(k.models.last_request("a").json["messages"]),
        (std::vector<std::string>{
            "assistant: It is a frog.", "user: two", "assistant: It is a frog.", "user: three"
        })
    );
    EXPECT_EQ(
        respond(k.gateway, with(respond_to("a"), {{"previous_response_id", second["id"]}})).status,
        404
    ) << "a conversation needs all of its responses";
}

TEST(stored_responses, references_make_no_more_of_a_request_than_it_may_be) {
    kept k("[server.limits]\nmax_body_bytes = 2000\n");
    k.models.on("a", ok(std::string(800, 'x')));
    const auto first = k.answer(respond_to("a"));
    const json reference = {{"type", "item_reference"}, {"id", first["output"][0]["id"]}};
    const json user = {{"role", "user"}, {"content", "two"}};

    EXPECT_EQ(respond(k.gateway, {{"model", "a"}, {"input", {reference, user}}}).status, 200);
    for (const char* path : {"/v1/responses", "/v1/responses/input_tokens"}) {
        const json body{{"model", "a"}, {"input", {reference, user, reference, user, reference}}};
        const auto refused = fetch(k.gateway.port(), {"POST", path, {}, body.dump()});
        expect_error(refused, {400, "invalid_request_error", std::nullopt, "input"});
    }
}

TEST(stored_responses, an_item_id_that_is_no_text_is_a_400_in_utf_8) {
    kept k;
    const auto response = k.answer(respond_to("a"));
    const auto refused = get(k.gateway, response_path(response, "/input_items?after=%ff"));
    expect_error(refused, {400, "invalid_request_error", std::nullopt, "after"});
}

}  // namespace

}  // namespace meta_model::contract
