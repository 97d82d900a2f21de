// Bodies near and above the limit of 64 MiB.
#include "contract/contract_test.hpp"
#include "contract/process_usage.hpp"

namespace meta_model::contract {

namespace {

constexpr std::size_t limit = 67108864;

// A valid request of exactly `size` bytes.
std::string request_of(std::size_t size) {
    std::string text = R"({"model":"a","messages":[{"role":"user","content":")";
    const std::string end = R"("}]})";
    text.append(size - text.size() - end.size(), 'x');
    return text + end;
}

TEST(big_body, sixty_four_mebibytes_pass_and_one_more_byte_does_not) {
    fake_upstream models;
    models.on("a", ok("read it all"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto full = fetch(gateway.port(), chat_parts(request_of(limit)), 40s);
    const auto above = chat_bytes(gateway, request_of(limit + 1));

    EXPECT_EQ(full.status, 200) << full.body;
    EXPECT_EQ(answer_text(full), "read it all");
    EXPECT_EQ(models.last_request("a").body.size(), limit + 4) << "only the model changed";
    expect_envelope(above, 413);
    EXPECT_EQ(above.error_code(), "request_too_large");
    EXPECT_EQ(chat(gateway, say("a")).status, 200);
}

TEST(big_body, a_large_reply_passes_whole_and_in_a_stream) {
    fake_upstream models;
    const std::string text(3000000, 'y');
    models.on("a", ok_as_json(text));
    std::vector<std::string> events;
    for (int i = 0; i < 300; ++i) {
        events.push_back(json{
            {"choices",
             json::array({{{"index", 0}, {"delta", {{"content", text.substr(0, 10000)}}}}})}
        }.dump());
    }
    events.push_back(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
    events.push_back("[DONE]");
    models.on("b", sse(events));
    const gateway_process gateway(config_text(models).upstreams({"a", "b"}));

    EXPECT_EQ(answer_text(chat(gateway, say("a"))).size(), text.size());
    const auto streamed = stream(gateway, say_streamed("b"));
    EXPECT_EQ(streamed.text().size(), text.size());
    EXPECT_TRUE(streamed.has_done());
}

TEST(big_body, a_slow_reader_slows_the_upstream_instead_of_filling_memory) {
    fake_upstream models;
    std::vector<std::string> events(
        2000,
        json{{"choices",
              json::array({{{"index", 0}, {"delta", {{"content", std::string(20000, 'z')}}}}})}
        }.dump()
    );
    events.push_back(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
    models.on("a", sse(events));
    const gateway_process gateway(config_text(models).upstream("a"));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed("a").dump())));
    const auto head = client.read_head();
    ASSERT_EQ(head.status, 200);

    const bool raced_ahead =
        models.wait_until([&] { return models.last_request("a").replied.has_value(); }, 300ms);
    sse_reader reader(client);
    std::size_t count = 0;
    while (const auto event = reader.next()) {
        count += event->is_comment() ? 0 : 1;
    }

    EXPECT_FALSE(raced_ahead) << "40 MB were taken for a client that reads nothing";
    EXPECT_EQ(count, 2002u) << "2000 deltas, the finish and [DONE]";
    EXPECT_TRUE(reader.ended_whole());
}

TEST(big_body, a_ballot_of_megabytes_is_read_in_little_more_memory_than_its_text) {
    constexpr std::size_t size = 3u << 20;
    std::string text;
    while (text.size() < size) {
        text += "a b c d ";
    }
    fake_upstream models;
    models.on("a", ok("red"));
    models.on(
        "b",
        text_reply(
            200,
            "application/json",
            R"({"choices":[{"index":0,"message":{"role":"assistant","content":")" + text
                + R"("},"finish_reason":"stop"}]})"
        )
    );
    const gateway_process gateway(
        config_text(models)
            .upstreams({"a", "b"})
            .voting("vote.v1", {"a", "b"}, "ballot = \"label\"\nlabels = [\"red\", \"blue\"]")
            .raw("[features]\nvoting = true")
    );
    chat(gateway, say("a"));
    const auto base = peak_resident_bytes(gateway.child().pid());

    const auto reply = fetch(gateway.port(), chat_parts(say("vote.v1").dump()), 40s);

    EXPECT_EQ(answer_text(reply), "red");
    EXPECT_EQ(reply.json()["x_meta_model"]["votes"], (json{"red", nullptr}));
    EXPECT_LT(peak_resident_bytes(gateway.child().pid()) - base, 10 * size);
}

}  // namespace

}  // namespace meta_model::contract
