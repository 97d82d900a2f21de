// Hostile and odd JSON: decided, typed, and the gateway is alive after each.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

struct target {
    fake_upstream models{};
    gateway_process gateway{config_text(models)
                                .upstreams({"a", "b", "s"})
                                .passthrough("fast.v1", "a")
                                .moa("panel.v1", {"a", "b"}, "s")};

    target() {
        for (const char* name : {"a", "b", "s"}) {
            models.on(name, ok("fine"));
        }
    }

    void expect_alive(std::source_location where = std::source_location::current()) const {
        if (chat(gateway, say("a")).status != 200) {
            ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
                << "the gateway does not serve any more";
        }
    }
};

// A request to `model` with this raw text as one more member.
std::string with_member(const std::string& model, const std::string& member) {
    return R"({"model":")" + model + R"(","messages":[{"role":"user","content":"hi"}],)" + member
           + "}";
}

std::string with_content(const std::string& model, const std::string& raw_string) {
    return R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" + raw_string
           + R"("}]})";
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

// Each member is compared with those before it, which must not take the thread away from others.
TEST(bad_input, members_beyond_a_thousand_are_refused_and_cost_no_time) {
    target t;
    std::string many;
    for (int i = 0; i < 200'000; ++i) {
        many += "\"member" + std::to_string(i) + "\":1,";
    }
    const auto start = clock::now();

    const auto reply = chat_bytes(t.gateway, with_member("a", many + "\"last\":1"));

    expect_error(reply, {400, "invalid_request_error", "invalid_json", std::nullopt});
    EXPECT_LT(clock::now() - start, 5s);
    EXPECT_EQ(t.models.call_count("a"), 0u);
    t.expect_alive();
}

TEST(bad_input, a_long_name_in_the_envelope_is_told_in_short) {
    target t;
    const auto reply = chat_bytes(
        t.gateway, with_member("a", "\"x_meta_model\":{\"" + std::string(100'000, 'k') + "\":1}")
    );
    EXPECT_EQ(reply.status, 400);
    EXPECT_LT(reply.body.size(), 1000u);
}

TEST(bad_input, what_is_no_json_is_invalid_json) {
    target t;
    const std::vector<std::string> texts{
        "",
        " ",
        "{",
        "}",
        "null",
        "[]",
        "5",
        "\"text\"",
        "{\"model\":\"a\"",
        "{\"model\":\"a\",}",
        "{'model':'a'}",
        "{model:1}",
        with_member("a", R"("x":tru)"),
        with_member("a", R"("x":[tru])"),
        with_member("a", R"("x":01)"),
        with_member("a", R"("x":+1)"),
        with_member("a", R"("x":1.)"),
        with_member("a", R"("x":.5)"),
        with_member("a", R"("x":1e)"),
        with_member("a", R"("x":-)"),
        with_member("a", R"("x":NaN)"),
        with_member("a", R"("x":Infinity)"),
        with_member("a", R"("x":"\q")"),
        with_member("a", R"("x":"\u12")"),
        with_member("a", R"("x":["a" "b"])"),
        with_member("a", R"("x":[1,])"),
        with_member("a", R"("x":{"a":1,})"),
        with_member("a", R"("x":{"a"})"),
        with_member("a", R"("x":{1:2})"),
        with_member("a", "\"x\":\"line\nbreak\""),
        with_member("a", std::string("\"x\":\"nul\0\"", 10)),
        with_member("a", R"("x":1)") + "x",
        with_member("a", R"("x":1)") + "{}",
        "\xef\xbb\xbf" + with_member("a", R"("x":1)"),
        "// comment\n" + with_member("a", R"("x":1)"),
    };

    for (const auto& text : texts) {
        SCOPED_TRACE(text.substr(0, 120));
        const auto reply = chat_bytes(t.gateway, text);
        expect_envelope(reply, 400);
        EXPECT_TRUE(reply.error_code() == "invalid_json" || reply.error_code() == "invalid_request")
            << reply.body;
        EXPECT_EQ(reply.json()["error"]["type"], "invalid_request_error");
    }
    EXPECT_TRUE(t.models.requests().empty());
    t.expect_alive();
}

TEST(bad_input, every_truncation_of_a_request_is_refused) {
    target t;
    const auto whole =
        with_member("panel.v1", R"("stop":["a","\u00e9"],"seed":-1.5e3,"x":{"y":[true,null]})");
    http_client client(t.gateway.port());

    for (std::size_t size = 0; size < whole.size(); ++size) {
        client.send(request_bytes(chat_parts(whole.substr(0, size))));
        ASSERT_EQ(client.read_reply().status, 400) << size;
    }
    EXPECT_TRUE(t.models.requests().empty());
    t.expect_alive();
}

TEST(bad_input, depth_is_bounded) {
    target t;

    const auto fine = chat_bytes(t.gateway, with_member("a", "\"x\":" + nested(100)));
    const auto deep = chat_bytes(t.gateway, with_member("a", "\"x\":" + nested(200)));
    const auto abyss = chat_bytes(t.gateway, with_member("a", "\"x\":" + nested(1000000)));
    const auto open_only = chat_bytes(t.gateway, std::string(1000000, '['));
    const auto objects = chat_bytes(t.gateway, [] {
        std::string text;
        for (int i = 0; i < 100000; ++i) {
            text += R"({"a":)";
        }
        return text;
    }());

    EXPECT_EQ(fine.status, 200);
    for (const auto* reply : {&deep, &abyss, &open_only, &objects}) {
        expect_envelope(*reply, 400);
        EXPECT_EQ(reply->error_code(), "invalid_json");
    }
    t.expect_alive();
}

TEST(bad_input, odd_numbers_travel_raw_and_never_break_a_panel) {
    target t;
    for (const char* number :
         {"1e400",
          "-1e400",
          "1e-400",
          "123456789012345678901234567890",
          "-0",
          "0.1000000000000000055511151231257827"}) {
        const auto member = std::string("\"seed\":") + number;
        const auto raw = chat_bytes(t.gateway, with_member("a", member));
        const auto sent = raw.status == 200 ? t.models.last_request("a").body : std::string();
        const auto decoded = chat_bytes(t.gateway, with_member("panel.v1", member));

        EXPECT_EQ(raw.status, 200) << number << raw.body;
        EXPECT_NE(sent.find(member), std::string::npos) << number;
        EXPECT_TRUE(decoded.status == 200 || decoded.status == 400) << number << decoded.body;
        if (decoded.status == 400) {
            expect_envelope(decoded, 400);
        }
    }
    for (const char* number : {"1e400", "123456789012345678901234567890", "-5"}) {
        expect_envelope(
            chat_bytes(t.gateway, with_member("a", std::string("\"max_tokens\":") + number)), 400
        );
    }
    expect_envelope(chat_bytes(t.gateway, with_member("a", "\"temperature\":1e400")), 400);
    t.expect_alive();
}

TEST(bad_input, lone_surrogates_travel_raw_and_never_break_a_panel) {
    target t;
    for (const char* text :
         {R"(\ud800)", R"(\udc00)", R"(\ud800x)", R"(\ud800\ud800)", R"(a\udfff)"}) {
        const auto raw = chat_bytes(t.gateway, with_content("a", text));
        const auto body = raw.status == 200 ? t.models.last_request("a").body : std::string();
        const auto decoded = chat_bytes(t.gateway, with_content("panel.v1", text));

        EXPECT_EQ(raw.status, 200) << text << raw.body;
        EXPECT_NE(body.find(text), std::string::npos) << text;
        EXPECT_TRUE(decoded.status == 200 || decoded.status == 400) << text << decoded.body;
    }
    const auto in_model = chat_bytes(t.gateway, with_content(R"(\ud800)", "hi"));
    EXPECT_TRUE(in_model.status == 400 || in_model.status == 404) << in_model.body;
    t.expect_alive();
}

TEST(bad_input, invalid_utf_8_is_invalid_json) {
    target t;
    for (const char* bytes :
         {"\xff",
          "\xc3",
          "\xc0\x80",
          "\xe0\x80\x80",
          "\xed\xa0\x80",
          "\xf5\x80\x80\x80",
          "\x80",
          "\xf0\x9f\x98"}) {
        for (const char* model : {"a", "panel.v1"}) {
            const auto reply = chat_bytes(t.gateway, with_content(model, bytes));
            expect_envelope(reply, 400);
            EXPECT_EQ(reply.error_code(), "invalid_json") << reply.body;
        }
        expect_envelope(
            chat_bytes(t.gateway, with_member("a", std::string("\"") + bytes + "\":1")), 400
        );
    }
    EXPECT_TRUE(t.models.requests().empty());
    t.expect_alive();
}

TEST(bad_input, deciding_keys_given_twice_are_refused_by_name) {
    target t;
    const std::vector<std::pair<std::string, std::string>> cases{
        {"model", R"("model":"b")"},
        {"model", R"("mod\u0065l":"b")"},
        {"messages", R"("messages":[])"},
        {"stream", R"("stream":false,"stream":true)"},
        {"stream_options", R"("stream_options":{},"stream_options":null)"},
        {"x_meta_model", R"("x_meta_model":{},"x_meta_model":{"profile":"b"})"},
        {"tools", R"("tools":[],"tools":[])"},
        {"functions", R"("functions":[],"functi\u006fns":[])"},
    };

    for (const auto& [key, member] : cases) {
        const auto reply = chat_bytes(t.gateway, with_member("a", member));
        expect_error(reply, {400, "invalid_request_error", "invalid_json", key});
    }
    EXPECT_TRUE(t.models.requests().empty());
    EXPECT_EQ(chat_bytes(t.gateway, with_member("a", R"("user":"x","user":"y")")).status, 200)
        << "other keys are carried";
    EXPECT_NE(t.models.last_request("a").body.find(R"("user":"x","user":"y")"), std::string::npos);
}

TEST(bad_input, escaped_keys_are_the_keys_they_spell) {
    target t;

    const auto reply = chat_bytes(
        t.gateway,
        R"({"mod\u0065l":"\u0061","mess\u0061ges":[{"r\u006fle":"user","content":"hi"}]})"
    );

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(t.models.last_request("a").json["model"], "org/a");
}

TEST(bad_input, hostile_model_names_stay_inside_the_message) {
    target t;
    for (const char* name :
         {R"(a\r\nX-Injected: 1)",
          R"(\u0000)",
          R"(<script>)",
          R"(../../etc/passwd)",
          R"(\u2028)",
          R"(日本)"}) {
        const auto reply = chat_bytes(t.gateway, with_content(name, "hi"));
        EXPECT_EQ(reply.status, 404) << name;
        expect_envelope(reply, 404);
        EXPECT_FALSE(reply.has("X-Injected"));
    }
    const auto long_name = chat_bytes(t.gateway, with_content(std::string(100000, 'm'), "hi"));
    expect_envelope(long_name, 404);
    EXPECT_LT(long_name.body.size(), 2000u) << "the message is capped";
    t.expect_alive();
}

TEST(bad_input, a_gateways_reply_to_hostile_upstream_text_stays_one_event_per_line) {
    target t;
    const std::string text =
        "line\r\n\r\ndata: [DONE]\r\n\r\nevent: error\ndata: x\n\n\xe2\x80\xa8 end";
    t.models.on("s", ok(text));

    const auto result = stream(t.gateway, say_streamed("panel.v1"));

    EXPECT_EQ(result.text(), text);
    EXPECT_TRUE(result.has_done());
    EXPECT_EQ(
        std::count_if(
            result.events.begin(), result.events.end(), [](const auto& e) { return e.is_done(); }
        ),
        1
    );
}

}  // namespace

}  // namespace meta_model::contract
