// Group F, second part: system messages, facade, aliases and the extension's profile.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

json message(const char* role, const json& content) {
    return {{"role", role}, {"content", content}};
}

json demoted_by_gateway(const std::string& upstream_lines, const json& messages) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a", upstream_lines));
    const auto reply = chat(gateway, {{"model", "a"}, {"messages", messages}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    return models.last_request("a").json["messages"];
}

constexpr auto leading_only = "requires_leading_system_only = true";

TEST(passthrough, moa_76_later_system_messages_become_user_messages) {
    const json sent = {
        message("system", "first"),
        message("user", "q"),
        message("assistant", "r"),
        message("system", "late")
    };

    const auto seen = demoted_by_gateway(leading_only, sent);

    EXPECT_EQ(seen, json::array({sent[0], sent[1], sent[2], message("user", "[SYSTEM]: late")}));
}

TEST(passthrough, moa_77_without_a_leading_one_every_system_message_is_demoted) {
    const json sent = {message("user", "q"), message("system", "one"), message("system", "two")};

    const auto seen = demoted_by_gateway(leading_only, sent);
    const auto untouched = demoted_by_gateway("", sent);

    EXPECT_EQ(
        seen,
        json::array({sent[0], message("user", "[SYSTEM]: one"), message("user", "[SYSTEM]: two")})
    );
    EXPECT_EQ(untouched, sent);
}

TEST(passthrough, moa_78_demotion_knows_parts_and_null) {
    const json image = {
        {"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,AA=="}}}
    };
    const json text = {{"type", "text"}, {"text", "hear"}};
    const json sent = {
        message("user", "q"),
        message("system", json::array({image, text})),
        message("system", json::array({image})),
        message("system", nullptr)
    };

    const auto seen = demoted_by_gateway(leading_only, sent);

    const json marked = {{"type", "text"}, {"text", "[SYSTEM]: hear"}};
    const json inserted = {{"type", "text"}, {"text", "[SYSTEM]:"}};
    EXPECT_EQ(seen[1], message("user", json::array({image, marked})));
    EXPECT_EQ(seen[2], message("user", json::array({inserted, image})));
    EXPECT_EQ(seen[3], message("user", "[SYSTEM]:"));
}

TEST(passthrough, moa_81_the_facade_routes_to_the_first_profile_that_does_not_vote) {
    fake_upstream models;
    models.on("a", ok("x"));
    models.on("b", ok("y"));
    const gateway_process gateway(config_text(models)
                                      .server("model_name = \"House-1\"")
                                      .upstreams({"a", "b"})
                                      .voting("aa.vote", {"a", "b"})
                                      .passthrough("zz.first", "b")
                                      .passthrough("bb.second", "a"));

    for (const char* name : {"House-1", "house-1", "HOUSE-1"}) {
        const auto reply = chat(gateway, say(name));
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(answer_text(reply), "y");
        EXPECT_EQ(reply.header("X-MetaModel-Profile"), "zz.first");
        EXPECT_EQ(reply.json()["model"], "House-1");
    }
}

TEST(passthrough, moa_82_the_facade_name_covers_every_profile) {
    fake_upstream models;
    for (const char* name : {"a", "b", "s"}) {
        models.on(name, ok("x"));
    }
    const gateway_process gateway(config_text(models)
                                      .server("model_name = \"house-1\"")
                                      .upstreams({"a", "b", "s"})
                                      .passthrough("first.v1", "a")
                                      .passthrough("other.v1", "b")
                                      .moa("panel.v1", {"a", "b"}, "s"));

    for (const char* name : {"other.v1", "panel.v1", "a"}) {
        const auto reply = chat(gateway, say(name));
        EXPECT_EQ(reply.json()["model"], "house-1");
        EXPECT_EQ(reply.header("X-MetaModel-Profile"), name);
    }
}

TEST(passthrough, the_facade_is_spliced_without_touching_the_rest) {
    fake_upstream models;
    const std::string before = R"({ "id":"x", "note":"\u00e9\/", "model" : ")";
    const std::string after =
        R"(", "choices":[{"index":0,"message":{"role":"assistant","content":"hi","model":"inner"},"finish_reason":"stop"}], "big": 12345678901234567890123 })";
    models.on("a", text_reply(200, "application/json", before + "org/a" + after));
    const json error = {{"error", {{"message", "no"}}}};
    models.on("b", json_reply(400, error));
    const gateway_process gateway(config_text(models)
                                      .server("model_name = \"house-1\"")
                                      .upstreams({"a", "b"})
                                      .passthrough("p", "a")
                                      .passthrough("q", "b"));

    EXPECT_EQ(chat(gateway, say("p")).body, before + "house-1" + after);
    EXPECT_EQ(chat(gateway, say("q")).json(), error) << "error objects get no model member";
}

TEST(passthrough, the_requested_name_is_spliced_when_asked_for) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models)
                                      .server("reply_model = \"requested\"")
                                      .upstream("a")
                                      .passthrough("fast.v1", "a", "aliases = [\"Quick\"]"));

    EXPECT_EQ(chat(gateway, say("fast.v1")).json()["model"], "fast.v1");
    EXPECT_EQ(chat(gateway, say("qUICK")).json()["model"], "qUICK");
    const auto streamed = stream(gateway, say_streamed("quick"));
    for (const auto& chunk : streamed.chunks()) {
        EXPECT_EQ(chunk["model"], "quick");
    }
}

TEST(passthrough, moa_83_a_facade_over_voting_alone_leads_nowhere) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .server("model_name = \"house-1\"")
                                      .upstreams({"a", "b"})
                                      .voting("v", {"a", "b"})
                                      .raw("[features]\nvoting = true"));

    expect_error(
        chat(gateway, say("house-1")), {404, "not_found_error", "model_not_found", std::nullopt}
    );
}

TEST(passthrough, moa_84_aliases_work_in_any_case) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(
        config_text(models).upstream("a").passthrough("fast.v1", "a", "aliases = [\"Quick\"]")
    );

    for (const char* name : {"Quick", "quick", "QUICK"}) {
        const auto reply = chat(gateway, say(name));
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(reply.header("X-MetaModel-Profile"), "fast.v1");
        for (const auto& [path, body] :
             {std::pair{"/v1/completions", json{{"prompt", "Hi"}}},
              std::pair{"/v1/responses", json{{"input", "Hi"}}},
              std::pair{"/v1/messages", json{{"max_tokens", 9}, {"messages", say("")["messages"]}}}
             }) {
            const auto other =
                fetch(gateway.port(), {"POST", path, {}, with(body, {{"model", name}}).dump()});
            EXPECT_EQ(other.status, 200) << path << other.body;
            EXPECT_EQ(other.header("X-MetaModel-Profile"), "fast.v1") << path;
        }
    }
    EXPECT_EQ(chat(gateway, say("Fast.v1")).status, 404) << "profile names are exact";
    EXPECT_EQ(chat(gateway, say("A")).status, 404) << "upstream keys are exact";
}

TEST(passthrough, moa_85_the_extensions_profile_wins_over_model) {
    fake_upstream models;
    models.on("a", ok("from a"));
    models.on("b", ok("from b"));
    const gateway_process gateway(config_text(models)
                                      .upstreams({"a", "b"})
                                      .passthrough("first.v1", "a")
                                      .passthrough("second.v1", "b", "aliases = [\"other\"]"));

    for (const char* profile : {"second.v1", "OTHER"}) {
        const auto reply =
            chat(gateway, with(say("first.v1"), {{"x_meta_model", {{"profile", profile}}}}));
        EXPECT_EQ(answer_text(reply), "from b");
        EXPECT_EQ(reply.header("X-MetaModel-Profile"), "second.v1");
        EXPECT_FALSE(models.last_request("b").json.contains("x_meta_model"));
    }
}

}  // namespace

}  // namespace meta_model::contract
