// Rows 58 and 196: faults of the gateway itself, made by taking its memory away.
#include "contract/contract_test.hpp"

#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace meta_model::contract {

namespace {

constexpr std::size_t mebibyte = 1u << 20;
// More than a thread's heap can grow to without new pages from the system, of which there are none.
constexpr std::size_t too_much = 80 * mebibyte;

// A limit on the address space of a running gateway, a little above what it has now.
class memory_limit {
public:
    explicit memory_limit(const gateway_process& gateway) : pid_(gateway.child().pid()) {
        std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
        rlim_t pages = 0;
        statm >> pages;
        const auto page = static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
        ::prlimit(pid_, RLIMIT_AS, nullptr, &before_);
        const rlimit limit{pages * page + 4 * mebibyte, before_.rlim_max};
        is_set_ = pages > 0 && ::prlimit(pid_, RLIMIT_AS, &limit, nullptr) == 0;
    }
    ~memory_limit() { ::prlimit(pid_, RLIMIT_AS, &before_, nullptr); }
    memory_limit(const memory_limit&) = delete;
    memory_limit& operator=(const memory_limit&) = delete;

    bool is_set() const { return is_set_; }

private:
    pid_t pid_;
    rlimit before_{};
    bool is_set_ = false;
};

reply huge_completion() {
    const std::string before =
        R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":")";
    return text_reply(
        200,
        "application/json",
        before + std::string(too_much, 'x') + R"("},"finish_reason":"stop"}]})"
    );
}

// A reply whose model is replaced has to be held as a whole.
std::string holding_config(const fake_upstream& models) {
    return config_text(models)
        .server("model_name = \"house-1\"\nstream_commit_secs = 0.1")
        .server_table("limits", "max_in_flight = 1")
        .upstreams({"s", "b"})
        .upstream("a", "[upstreams.a.limits]\nmax_reply_bytes = 400000000")
        .moa("panel.v1", {"a", "b"}, "s");
}

void expect_generic(const json& error) {
    EXPECT_EQ(
        error,
        (json{
            {"message", "internal server error"},
            {"type", "api_error"},
            {"param", nullptr},
            {"code", nullptr}
        })
    );
}

TEST(internal_fault, moa_58_a_fault_of_ours_is_a_generic_500) {
    fake_upstream models;
    models.on("a", huge_completion());
    gateway_process gateway(holding_config(models));
    http_reply failed;
    {
        const memory_limit limit(gateway);
        ASSERT_TRUE(limit.is_set());
        failed = chat(gateway, say("a"));
    }
    models.on("a", ok("as before"));

    EXPECT_EQ(failed.status, 500);
    expect_generic(failed.json()["error"]);
    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "as before")
        << "the one request that may be in flight is over";
    EXPECT_TRUE(models.wait_until([&] { return models.requests("a")[0].peer_closed.has_value(); }));
    const auto log = final_log(gateway);
    EXPECT_NE(log.find("bad_alloc"), std::string::npos) << log;
    EXPECT_NE(log.find(failed.header("X-MetaModel-Request-Id")), std::string::npos);
}

TEST(internal_fault, a_body_that_finds_no_memory_is_refused) {
    fake_upstream models;
    models.on("a", ok("as before"));
    const gateway_process gateway(config_text(models).upstream("a").server_table(
        "limits", "max_body_bytes = 1000000000\nmax_in_flight_bytes = 1000000000"
    ));
    {
        const memory_limit limit(gateway);
        ASSERT_TRUE(limit.is_set());
        http_client client(gateway.port());
        client.send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            "900000000\r\n\r\n{"
            + std::string(8192, ' ')
        );
        const auto refused = client.read_reply();
        EXPECT_EQ(refused.status, 503);
        EXPECT_EQ(refused.error_code(), "overloaded");
    }
    EXPECT_EQ(chat(gateway, say("a", std::string(mebibyte, 'x'))).status, 200);
}

TEST(internal_fault, moa_196_in_a_stream_it_is_one_generic_event) {
    fake_upstream models;
    const auto gate = make_gate();
    models.on("a", held(gate, huge_completion()));
    gateway_process gateway(holding_config(models));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed("a").dump())));
    const auto head = client.read_head();
    sse_reader reader(client);
    const auto heartbeat = reader.next();
    std::optional<sse_event> event;
    {
        const memory_limit limit(gateway);
        ASSERT_TRUE(limit.is_set());
        gate->open();
        event = reader.next_data();
    }

    EXPECT_EQ(head.status, 200);
    ASSERT_TRUE(heartbeat && event);
    EXPECT_TRUE(heartbeat->is_comment());
    expect_generic(event->json()["error"]);
    EXPECT_FALSE(reader.next()) << "nothing follows, no [DONE] either";
    EXPECT_NE(final_log(gateway).find("bad_alloc"), std::string::npos);
}

TEST(internal_fault, a_numbered_stream_ends_with_the_next_number) {
    const auto event = [](int number, std::size_t bytes) {
        return R"({"type":"response.output_text.delta","delta":")" + std::string(bytes, 'x')
               + R"(","sequence_number":)" + std::to_string(number) + "}";
    };
    fake_upstream models;
    const auto gate = make_gate();
    models.on("a", held_after(2, gate, sse({event(4, 1), event(5, too_much)})));
    gateway_process gateway(config_text(models).upstream(
        "a", "wire = \"responses\"\n[upstreams.a.limits]\nmax_reply_bytes = 400000000"
    ));
    http_client client(gateway.port());
    const json asked = {{"model", "a"}, {"input", "q"}, {"stream", true}};
    client.send(request_bytes(
        {"POST", "/v1/responses", {{"Content-Type", "application/json"}}, asked.dump()}
    ));
    client.read_head();
    sse_reader reader(client);
    const auto first = reader.next_data();
    std::optional<sse_event> last;
    {
        const memory_limit limit(gateway);
        ASSERT_TRUE(limit.is_set());
        gate->open();
        last = reader.next_data();
    }

    ASSERT_TRUE(first && last);
    EXPECT_EQ(first->json()["sequence_number"], 4);
    EXPECT_EQ(last->json()["type"], "error");
    EXPECT_EQ(last->json()["message"], "internal server error");
    EXPECT_EQ(last->json()["sequence_number"], 5);
    EXPECT_FALSE(reader.next());
    const auto log = final_log(gateway);
    EXPECT_NE(log.find("a request failed with an exception"), std::string::npos) << log;
}

}  // namespace

}  // namespace meta_model::contract
