// Upstreams over TLS: what works, what is refused, and that nothing hangs.
#include "contract/contract_test.hpp"

#include <openssl/ssl.h>

#include <thread>

namespace meta_model::contract {

namespace {

// An authority that gateways are told to trust, one that nobody knows, and one that bears the first one's name.
struct trust {
    certificate_authority authority{};
    certificate_authority stranger{"a stranger"};
    certificate_authority impostor{};
    temporary_folder folder{};
    std::string ca_file = folder.write("authority.pem", authority.certificate_pem());

    // The lines of upstream `name`, which trusts the authority.
    std::string lines(
        const std::string& name, const std::string& more = "", const std::string& upstream = ""
    ) const {
        return "health_check = \"off\"\n" + upstream + "\n[upstreams." + name
               + ".tls]\nca_file = \"" + ca_file + "\"\n" + more;
    }
};

// "TLS" settings of a server that does everything right.
tls_settings good(const trust& t) {
    return {.own = t.authority.issue()};
}

config_text one_upstream(
    const fake_upstream& models, const trust& t, const std::string& more = ""
) {
    return config_text(models).upstream("a", t.lines("a", more));
}

bool log_tells(const gateway_process& gateway, const std::string& text) {
    return gateway.child().wait_for_log(text);
}

TEST(tls, a_chat_is_served_whole_and_streamed) {
    const trust t;
    fake_upstream models(good(t));
    models.on("a", ok("over an encrypted wire"));
    const gateway_process gateway(one_upstream(models, t));

    const auto whole = chat(gateway, say("a"));
    const auto streamed = stream(gateway, say_streamed("a"));

    ASSERT_EQ(whole.status, 200) << whole.body;
    EXPECT_EQ(answer_text(whole), "over an encrypted wire");
    EXPECT_EQ(streamed.text(), "over an encrypted wire");
    EXPECT_TRUE(streamed.has_done());
    const auto agreed = models.handshakes().at(0);
    EXPECT_EQ(agreed.version, "TLSv1.3");
    EXPECT_EQ(agreed.alpn, "http/1.1");
    EXPECT_EQ(agreed.server_name, "") << "an address is no server name";
}

TEST(tls, the_host_name_is_sent_and_verified) {
    const trust t;
    fake_upstream models({.own = t.authority.issue({.hosts = {"DNS:localhost"}})});
    fake_upstream elsewhere({.own = t.authority.issue({.hosts = {"DNS:models.internal"}})});
    models.on("a", ok("x"));
    elsewhere.on("b", ok("y"));
    const gateway_process gateway(
        config_text(models)
            .upstream_at("a", models.base_url("a", "localhost"), t.lines("a"))
            .upstream_at(
                "b", elsewhere.base_url("b"), t.lines("b", "server_name = \"models.internal\"")
            )
    );

    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "x");
    EXPECT_EQ(answer_text(chat(gateway, say("b"))), "y");

    EXPECT_EQ(models.last_request("a").tls.server_name, "localhost");
    EXPECT_EQ(elsewhere.last_request("b").tls.server_name, "models.internal");
    EXPECT_EQ(elsewhere.last_request("b").header("Host").rfind("127.0.0.1:", 0), 0u);
}

TEST(tls, a_kept_connection_serves_many_calls) {
    const trust t;
    fake_upstream models(good(t));
    models.on("a", ok("x"));
    const gateway_process gateway(one_upstream(models, t));

    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(chat(gateway, say("a")).status, 200);
    }

    EXPECT_EQ(models.connection_count(), 1u);
}

TEST(tls, a_dead_connection_is_replaced) {
    const trust t;
    fake_upstream models(good(t));
    models.on("a", ok("second"));
    models.next("a", ok("first"));
    models.next("a", close_at_once());
    const gateway_process gateway(one_upstream(models, t));

    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "first");
    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "second");
    EXPECT_EQ(models.call_count("a"), 3u);
}

TEST(tls, sessions_are_resumed_and_each_ticket_is_used_once) {
    for (const int newest : {0, TLS1_2_VERSION}) {
        const trust t;
        auto settings = good(t);
        settings.newest_version = newest;
        fake_upstream models(settings);
        models.on(
            "a",
            text_reply(
                200,
                "application/json",
                R"({"choices":[{"message":{"content":"x"}}]})",
                {{"Connection", "close"}}
            )
        );
        const gateway_process gateway(one_upstream(models, t));

        for (int i = 0; i < 6; ++i) {
            ASSERT_EQ(chat(gateway, say("a")).status, 200);
        }

        const auto all = models.handshakes();
        ASSERT_EQ(all.size(), 6u);
        EXPECT_FALSE(all[0].is_resumed);
        for (std::size_t i = 1; i < all.size(); ++i) {
            EXPECT_TRUE(all[i].is_resumed) << i << ' ' << all[i].version;
        }
    }
}

TEST(tls, a_certificate_that_proves_nothing_is_refused_with_its_reason) {
    const trust t;
    struct refused {
        tls_settings settings;
        std::string reason;
    };
    const std::vector<refused> all{
        {{.own = self_signed()}, "self-signed certificate"},
        {{.own = t.stranger.issue()}, "unable to get local issuer certificate"},
        {{.own = t.impostor.issue()}, "certificate signature failure"},
        {{.own = t.authority.issue({.valid_from_s = -7200, .valid_until_s = -3600})},
         "certificate has expired"},
        {{.own = t.authority.issue({.valid_from_s = 3600, .valid_until_s = 7200})},
         "certificate is not yet valid"},
        {{.own = t.authority.issue({.hosts = {"DNS:localhost", "IP:127.0.0.2"}})},
         "IP address mismatch"},
        {{.own = t.authority.issue(), .newest_version = TLS1_1_VERSION}, "protocol version"},
    };
    for (const auto& [settings, reason] : all) {
        fake_upstream models(settings);
        models.on("a", ok("x"));
        const gateway_process gateway(one_upstream(models, t));

        const auto reply = chat(gateway, say("a"));

        expect_error(reply, {502, "api_error", "upstream_error", std::nullopt});
        EXPECT_EQ(reply.body.find("certificate"), std::string::npos) << "clients are not told";
        EXPECT_TRUE(log_tells(gateway, reason)) << reason << " in:\n" << gateway.log();
        EXPECT_EQ(models.call_count("a"), 0u) << "nothing was sent";
        EXPECT_EQ(get(gateway, "/livez").status, 200);
    }
}

TEST(tls, a_wrong_host_name_is_refused) {
    const trust t;
    fake_upstream models(
        {.own = t.authority.issue({.hosts = {"DNS:other.internal", "IP:127.0.0.1"}})}
    );
    models.on("a", ok("x"));
    const gateway_process gateway(
        config_text(models).upstream_at("a", models.base_url("a", "localhost"), t.lines("a"))
    );

    expect_error(chat(gateway, say("a")), {502, "api_error", "upstream_error", std::nullopt});
    EXPECT_TRUE(log_tells(gateway, "hostname mismatch")) << gateway.log();
}

TEST(tls, a_handshake_that_breaks_is_an_error_and_never_a_hang) {
    const trust t;
    struct broken {
        handshake_fault fault;
        int status;
        std::string code;
        std::string reason;
    };
    const std::vector<broken> all{
        {handshake_fault::cut,
         502,
         "upstream_error",
         "TLS handshake: the server closed the connection"},
        {handshake_fault::reset, 502, "upstream_error", "TLS handshake: Connection reset by peer"},
        {handshake_fault::answers_http,
         502,
         "upstream_error",
         "TLS handshake: the server does not speak TLS"},
        {handshake_fault::hang, 504, "upstream_timeout", "TLS handshake timeout"},
        {handshake_fault::drip, 504, "upstream_timeout", "TLS handshake timeout"},
    };
    for (const auto& [fault, status, code, reason] : all) {
        auto settings = good(t);
        settings.fault = fault;
        settings.dripped = std::make_shared<std::atomic<int>>(0);
        fake_upstream models(settings);
        const gateway_process gateway(
            one_upstream(models, t, "[upstreams.a.timeouts]\nconnect_secs = 0.4")
        );

        const auto start = clock::now();
        const auto reply = chat(gateway, say("a"));

        EXPECT_LT(clock::now() - start, 650ms) << reason;
        expect_error(reply, {status, "api_error", code, std::nullopt});
        EXPECT_TRUE(log_tells(gateway, reason)) << reason << " in:\n" << gateway.log();
        EXPECT_TRUE(models.wait_until([&] { return models.open_connection_count() == 0; }))
            << reason;
        const bool drips = fault == handshake_fault::drip;
        EXPECT_EQ(*settings.dripped >= 3, drips) << "a byte now and then gives it no more time";
    }
}

TEST(tls, plain_http_and_https_do_not_mix) {
    const trust t;
    fake_upstream plain;
    fake_upstream secure(good(t));
    auto https_to_plain = plain.base_url("a");
    https_to_plain.replace(0, 4, "https");
    auto http_to_secure = secure.base_url("b");
    http_to_secure.replace(0, 5, "http");
    const gateway_process gateway(
        config_text(plain)
            .upstream_at(
                "a", https_to_plain, t.lines("a", "[upstreams.a.timeouts]\nconnect_secs = 0.3")
            )
            .upstream_at("b", http_to_secure, "health_check = \"off\"")
    );

    expect_envelope(chat(gateway, say("a")), 504);  // it waits for the end of a head
    expect_envelope(chat(gateway, say("b")), 502);
}

TEST(tls, ten_megabytes_pass_both_ways) {
    const trust t;
    fake_upstream models(good(t));
    const std::string text(10u << 20, 'y');
    models.on("a", ok_as_json(text));
    const gateway_process gateway(one_upstream(models, t));
    const auto body = with(say("a"), {{"padding", std::string(10u << 20, 'x')}});

    const auto reply = fetch(gateway.port(), chat_parts(body.dump()), 60s);

    ASSERT_EQ(reply.status, 200) << reply.body.substr(0, 300);
    EXPECT_EQ(answer_text(reply), text);
    const auto seen = models.last_request("a").body;
    EXPECT_EQ(seen.size(), with(body, {{"model", "org/a"}}).dump().size());
    EXPECT_EQ(static_cast<std::size_t>(std::count(seen.begin(), seen.end(), 'x')), text.size());
}

TEST(tls, a_reply_that_ends_without_a_goodbye_was_cut) {
    const trust t;
    fake_upstream models(good(t));
    const std::string body =
        R"({"choices":[{"index":0,"message":{"role":"assistant","content":"fine"}}]})";
    const auto head = http_head(200, "application/json", {{"Connection", "close"}});
    const auto stream_head = http_head(200, "text/event-stream", {{"Connection", "close"}});
    const std::string event =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n";
    models.on("whole", raw(head + body));
    models.on("cut", raw_then_cut(head + body));
    models.on("cut_early", raw_then_cut("HTTP/1.1 200 OK\r\nConte"));
    models.on("cut_stream", raw_then_cut(stream_head + event));
    config_text config(models);
    for (const char* name : {"whole", "cut", "cut_early", "cut_stream"}) {
        config.upstream(name, t.lines(name));
    }
    const gateway_process gateway(config);

    EXPECT_EQ(answer_text(chat(gateway, say("whole"))), "fine");
    expect_error(chat(gateway, say("cut")), {502, "api_error", "upstream_error", std::nullopt});
    expect_envelope(chat(gateway, say("cut_early")), 502);
    const auto streamed = stream(gateway, say_streamed("cut_stream"));
    EXPECT_EQ(streamed.text(), "half");
    EXPECT_FALSE(streamed.has_done());
    EXPECT_EQ(streamed.error().value("code", ""), "upstream_error") << streamed.error();
}

TEST(tls, odd_paces_and_cuts_behave_as_over_tcp) {
    const trust t;
    fake_upstream models(good(t));
    models.on("bytewise", in_pieces(1, 0ms, ok_as_json("fine")));
    models.on("paced", paced(20ms, ok("one two three")));
    models.on("idle", hang_after_sends(3, ok("one two three")));
    config_text config(models);
    config.upstream("bytewise", t.lines("bytewise")).upstream("paced", t.lines("paced"));
    config.upstream("idle", t.lines("idle", "[upstreams.idle.timeouts]\nidle_secs = 0.3"));
    const gateway_process gateway(config);

    EXPECT_EQ(answer_text(chat(gateway, say("bytewise"))), "fine");
    const auto paced_stream = stream(gateway, say_streamed("paced"));
    EXPECT_EQ(paced_stream.text(), "one two three");
    EXPECT_TRUE(paced_stream.has_done());
    EXPECT_EQ(stream(gateway, say_streamed("idle")).error().value("code", ""), "upstream_timeout");
}

TEST(tls, a_client_that_leaves_cancels_the_call) {
    const trust t;
    fake_upstream models(good(t));
    models.on("a", hang());
    const gateway_process gateway(one_upstream(models, t));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say("a").dump())));
    ASSERT_TRUE(models.wait_for_calls("a", 1));

    const auto left_at = clock::now();
    client.close();

    ASSERT_TRUE(models.wait_for_peer_close("a"));
    EXPECT_LT(*models.last_request("a").peer_closed - left_at, 150ms);
}

TEST(tls, a_client_that_leaves_in_the_handshake_ends_it) {
    const trust t;
    auto settings = good(t);
    settings.fault = handshake_fault::hang;
    fake_upstream models(settings);
    const gateway_process gateway(one_upstream(models, t));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say("a").dump())));
    ASSERT_TRUE(models.wait_until([&] { return models.open_connection_count() == 1; }));

    client.close();

    EXPECT_TRUE(models.wait_until([&] { return models.open_connection_count() == 0; }, 1000ms));
}

TEST(tls, probes_go_over_tls) {
    const trust t;
    fake_upstream models(good(t));
    fake_upstream expired(
        {.own = t.authority.issue({.valid_from_s = -7200, .valid_until_s = -3600})}
    );
    const auto tls = "[upstreams.a.tls]\nca_file = \"" + t.ca_file + "\"";
    const auto tls_of_b = "[upstreams.b.tls]\nca_file = \"" + t.ca_file + "\"";
    const gateway_process gateway(
        config_text(models).upstream("a", tls).upstream_at("b", expired.base_url("b"), tls_of_b)
    );

    const auto health = get(gateway, "/v1/health");

    EXPECT_EQ(health.status, 200) << health.body;
    EXPECT_EQ(
        health.json()["unhealthy_upstreams"], json::array({{{"name", "b"}, {"reason", "down"}}})
    );
    EXPECT_TRUE(log_tells(gateway, "certificate has expired"));
    EXPECT_EQ(models.probes("a").size(), 1u);
}

TEST(tls, a_client_certificate_is_shown_where_one_is_configured) {
    const trust t;
    auto settings = good(t);
    settings.client_ca_pem = t.authority.certificate_pem();
    fake_upstream models(settings);
    for (const char* name : {"known", "unknown"}) {
        models.on(name, ok("x"));
    }
    const auto own = t.authority.issue({.name = "gateway seven"});
    const auto certificate = t.folder.write("client.pem", own.certificate_pem);
    const auto key = t.folder.write("client.key", own.key_pem);
    const auto files = "cert_file = \"" + certificate + "\"\nkey_file = \"" + key + "\"";
    const gateway_process gateway(config_text(models)
                                      .upstream("known", t.lines("known", files))
                                      .upstream("unknown", t.lines("unknown")));

    EXPECT_EQ(answer_text(chat(gateway, say("known"))), "x");
    EXPECT_EQ(models.last_request("known").tls.client_name, "gateway seven");
    expect_envelope(chat(gateway, say("unknown")), 502);
    EXPECT_TRUE(log_tells(gateway, "certificate required")) << gateway.log();
}

TEST(tls, verification_can_be_switched_off_and_the_start_warns_of_it) {
    const trust t;
    fake_upstream models({.own = self_signed({.hosts = {"DNS:other.internal"}})});
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream(
        "a", "health_check = \"off\"\n[upstreams.a.tls]\nverify = false"
    ));

    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "x");
    EXPECT_TRUE(log_tells(gateway, "not verified")) << gateway.log();
}

TEST(tls, files_that_are_missing_or_wrong_fail_only_their_upstream) {
    const trust t;
    fake_upstream models(good(t));
    models.on("good", ok("x"));
    const auto other = t.authority.issue();
    const auto certificate = t.folder.write("client.pem", t.authority.issue().certificate_pem);
    const auto key = t.folder.write("other.key", other.key_pem);
    const auto broken = t.folder.write(
        "broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    );
    const auto mismatch = "cert_file = \"" + certificate + "\"\nkey_file = \"" + key + "\"";
    const gateway_process gateway(
        config_text(models)
            .upstream("good", t.lines("good"))
            .upstream("absent", "[upstreams.absent.tls]\nca_file = \"nowhere.pem\"")
            .upstream("broken", "[upstreams.broken.tls]\nca_file = \"" + broken + "\"")
            .upstream("mismatch", t.lines("mismatch", mismatch))
    );

    for (const char* name : {"absent", "broken", "mismatch"}) {
        expect_error(
            chat(gateway, say(name)), {502, "api_error", "upstream_misconfigured", std::nullopt}
        );
    }
    EXPECT_EQ(answer_text(chat(gateway, say("good"))), "x");
    EXPECT_TRUE(log_tells(gateway, "nowhere.pem"));
    EXPECT_TRUE(log_tells(gateway, "is another one's"));
}

TEST(tls, bad_calls_leave_good_ones_alone) {
    const trust t;
    fake_upstream models(good(t));
    auto hanging = good(t);
    hanging.fault = handshake_fault::hang;
    fake_upstream hangs(hanging);
    models.on("good", delayed(20ms, ok("fine")));
    const gateway_process gateway(
        config_text(models)
            .upstream("good", t.lines("good"))
            .upstream_at(
                "bad",
                hangs.base_url("bad"),
                t.lines("bad", "[upstreams.bad.timeouts]\nconnect_secs = 0.5")
            )
    );

    std::vector<std::thread> callers;
    std::atomic<int> fine{0};
    std::atomic<int> late{0};
    for (int i = 0; i < 20; ++i) {
        callers.emplace_back([&] {
            fine += answer_text(chat(gateway, say("good"))) == "fine" ? 1 : 0;
        });
        callers.emplace_back([&] { late += chat(gateway, say("bad")).status == 504 ? 1 : 0; });
    }
    for (auto& caller : callers) {
        caller.join();
    }

    EXPECT_EQ(fine, 20);
    EXPECT_EQ(late, 20);
    EXPECT_TRUE(hangs.wait_until([&] { return hangs.open_connection_count() == 0; }));
}

}  // namespace

}  // namespace meta_model::contract
