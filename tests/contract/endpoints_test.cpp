// Several endpoints of one upstream, and what travels with every call to it.
#include "contract/panel.hpp"

#include <map>
#include <mutex>
#include <thread>

namespace meta_model::contract {

namespace {

// One upstream `m` whose endpoints are the fake upstreams `names`; all serve the model of `m`.
config_text endpoints(
    fake_upstream& models, const std::vector<std::string>& names, const std::string& lines = ""
) {
    std::string urls;
    for (const auto& name : names) {
        models.on(name, ok("from " + name));
        models.on_models(name, model_list({fake_upstream::model_id("m")}));
        urls += (urls.empty() ? "\"" : ", \"") + models.base_url(name) + '"';
    }
    config_text config(models);
    return config.raw(
        "[upstreams.m]\nmodel_id = \"org/m\"\ncontext = 32768\nmax_output = 4096\nbase_urls = ["
        + urls + "]\n" + lines
    );
}

// A URL beside them that refuses.
std::string with_refused(const fake_upstream& models, const std::string& config) {
    const std::string key = "base_urls = [";
    auto out = config;
    out.insert(out.find(key) + key.size(), '"' + models.refused_url() + "\", ");
    return out;
}

constexpr auto unprobed = "health_check = \"off\"\n";

TEST(endpoints, calls_take_turns) {
    fake_upstream models;
    const gateway_process gateway(
        endpoints(models, {"a", "b", "c"}, std::string(unprobed) + "balance = \"round_robin\"")
    );

    for (int i = 0; i < 9; ++i) {
        EXPECT_EQ(chat(gateway, say("m")).status, 200);
    }

    for (const char* name : {"a", "b", "c"}) {
        EXPECT_EQ(models.call_count(name), 3u) << name;
        const auto all = models.requests(name);
        EXPECT_EQ(all.front().connection, all.back().connection)
            << "each endpoint has its own kept connections";
    }
}

TEST(endpoints, the_idlest_one_is_called) {
    fake_upstream models;
    const gateway_process gateway(endpoints(models, {"a", "b"}, unprobed));
    const auto busy = make_gate();
    models.on("a", held(busy, ok("late")));
    models.on("b", held(busy, ok("late")));
    std::thread first([&] { chat(gateway, say("m")); });
    ASSERT_TRUE(models.wait_until([&] { return models.requests().size() == 1; }));
    const bool holds_a = models.call_count("a") == 1;
    const std::string idle = holds_a ? "b" : "a";
    models.on(idle, ok("at once"));

    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(answer_text(chat(gateway, say("m"))), "at once");
    }

    busy->open();
    first.join();
    EXPECT_EQ(models.call_count(idle), 5u);
}

TEST(endpoints, a_conversation_stays_where_its_prefix_is_cached) {
    fake_upstream models;
    const gateway_process gateway(
        endpoints(models, {"a", "b", "c"}, std::string(unprobed) + "balance = \"prefix_affinity\"")
    );
    std::map<std::string, int> homes;
    for (int conversation = 0; conversation < 12; ++conversation) {
        auto body = say("m", "conversation " + std::to_string(conversation));
        const auto first = answer_text(chat(gateway, body));
        ++homes[first];
        for (int turn = 0; turn < 3; ++turn) {
            body["messages"].push_back({{"role", "assistant"}, {"content", "go on"}});
            body["messages"].push_back(
                {{"role", "user"}, {"content", "turn " + std::to_string(turn)}}
            );
            EXPECT_EQ(answer_text(chat(gateway, body)), first);
        }
    }
    EXPECT_GE(homes.size(), 2u) << "conversations spread";

    const auto keyed = [&](const std::string& text) {
        return answer_text(chat(gateway, with(say("m", text), {{"prompt_cache_key", "k"}})));
    };
    const auto home = keyed("one");
    for (const char* text : {"two", "three", "four", "five"}) {
        EXPECT_EQ(keyed(text), home);
    }
}

TEST(endpoints, a_refused_connection_gives_the_call_to_another_one) {
    for (const char* rule : {"round_robin", "least_in_flight", "prefix_affinity"}) {
        fake_upstream models;
        const auto config =
            endpoints(models, {"b"}, std::string(unprobed) + "balance = \"" + rule + '"').text();
        const gateway_process gateway(with_refused(models, config));

        for (int i = 0; i < 6; ++i) {
            EXPECT_EQ(answer_text(chat(gateway, say("m"))), "from b") << rule;
            const auto streamed = stream(gateway, say_streamed("m"));
            EXPECT_EQ(streamed.text(), "from b") << rule;
            EXPECT_TRUE(streamed.has_done()) << rule;
        }
        EXPECT_EQ(models.call_count("b"), 12u) << "each was sent once";
        EXPECT_TRUE(
            rule == std::string("prefix_affinity")
            || gateway.child().wait_for_log("an endpoint keeps failing and is left alone")
        ) << rule;
    }
}

TEST(endpoints, a_name_or_a_handshake_that_fails_gives_the_call_to_another_one) {
    fake_upstream models;
    fake_upstream secure({.own = self_signed()});
    auto hanging = tls_settings{.own = self_signed()};
    hanging.fault = handshake_fault::hang;
    fake_upstream hangs(hanging);
    auto config =
        endpoints(
            models, {"b"}, std::string(unprobed) + "[upstreams.m.timeouts]\nconnect_secs = 0.2"
        )
            .text();
    for (const auto& url :
         {std::string("http://no-such-host.invalid:1/v1"), secure.base_url("x"), hangs.base_url("y")
         }) {
        const std::string key = "base_urls = [";
        config.insert(config.find(key) + key.size(), '"' + url + "\", ");
    }
    const gateway_process gateway(config);

    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(answer_text(chat(gateway, say("m"))), "from b");
    }
}

TEST(endpoints, when_none_can_be_connected_to_the_error_is_one) {
    fake_upstream models;
    fake_upstream others;
    gateway_process gateway(config_text(models).raw(
        "[upstreams.m]\nmodel_id = \"org/m\"\ncontext = 32768\nmax_output = 4096\nhealth_check = "
        "\"off\"\nbase_urls = [\""
        + models.refused_url() + "\", \"" + others.refused_url() + "\"]"
    ));

    expect_error(chat(gateway, say("m")), {502, "api_error", "upstream_error", std::nullopt});
    EXPECT_NE(final_log(gateway).find("connect: Connection refused"), std::string::npos);
}

TEST(endpoints, a_call_that_was_sent_is_not_sent_elsewhere) {
    fake_upstream models;
    const gateway_process gateway(endpoints(models, {"a", "b"}, unprobed));
    models.on("a", close_at_once());
    models.on("b", close_at_once());

    expect_envelope(chat(gateway, say("m")), 502);

    EXPECT_EQ(models.requests().size(), 1u);
}

constexpr auto no_retry = "[upstreams.m.retry]\nmax_attempts = 1\n";

// Statuses of `count` calls by each of `threads` clients.
std::map<int, int> statuses_of(const gateway_process& gateway, int threads, int count) {
    std::mutex mutex;
    std::map<int, int> seen;
    std::vector<std::thread> clients;
    for (int i = 0; i < threads; ++i) {
        clients.emplace_back([&] {
            for (int k = 0; k < count; ++k) {
                const auto status = chat(gateway, say("m")).status;
                const std::lock_guard lock(mutex);
                ++seen[status];
            }
        });
    }
    for (auto& client : clients) {
        client.join();
    }
    return seen;
}

TEST(endpoints, one_that_fails_at_once_does_not_draw_the_calls) {
    const std::map<std::string, reply> failures{
        {"status", json_reply(500, {{"error", {{"message", "no"}}}})},
        {"cut", close_at_once()},
        {"no JSON", html()}
    };
    for (const auto& [name, failure] : failures) {
        for (const std::string rule : {"least_in_flight", "round_robin"}) {
            SCOPED_TRACE(name + ' ' + rule);
            fake_upstream models;
            const gateway_process gateway(endpoints(
                models, {"a", "b"}, unprobed + ("balance = \"" + rule + "\"\n") + no_retry
            ));
            models.on("a", failure);
            models.on("b", delayed(10ms, ok("from b")));

            auto seen = statuses_of(gateway, 4, 20);

            const auto failed = static_cast<int>(models.call_count("a"));
            EXPECT_GE(failed, 5) << "so many are needed to tell";
            EXPECT_LE(failed, 5 + 4) << "and those that were on their way";
            EXPECT_EQ(seen[200], 80 - failed) << "the upstream as a whole is never left alone";
            EXPECT_EQ(seen[503], 0);
            EXPECT_TRUE(gateway.child().wait_for_log("an endpoint keeps failing and is left alone")
            );
        }
    }
}

TEST(endpoints, what_one_refused_is_tried_again_at_another_one) {
    fake_upstream models;
    const gateway_process gateway(endpoints(
        models,
        {"a", "b"},
        std::string(unprobed)
            + "balance = \"prefix_affinity\"\n[upstreams.m.breaker]\nfailures = 1000\n"
              "[upstreams.m.retry]\nbudget_ratio = 1.0\nbase_ms = 5000\ncap_ms = 5000\n"
    ));
    const auto at_home = answer_text(chat(gateway, say("m")));
    const std::string home = at_home.substr(at_home.size() - 1);
    const std::string other = home == "a" ? "b" : "a";
    models.on(home, json_reply(503, {{"error", {{"message", "no"}}}}, {{"Retry-After", "30"}}));

    const auto start = clock::now();
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(answer_text(chat(gateway, say("m"))), "from " + other);
    }

    EXPECT_LT(clock::now() - start, 4s) << "there is nothing to wait for";
    EXPECT_EQ(models.call_count(home), 1u + 4u);
    EXPECT_EQ(models.call_count(other), 4u);
}

TEST(endpoints, one_that_answers_again_is_found_by_a_call) {
    fake_upstream models;
    const gateway_process gateway(endpoints(
        models,
        {"a", "b"},
        std::string(unprobed) + no_retry + "[upstreams.m.breaker]\nfailures = 2\nopen_secs = 0.4\n"
    ));
    models.on("a", json_reply(500, {{"error", {{"message", "no"}}}}));
    statuses_of(gateway, 1, 8);
    ASSERT_EQ(models.call_count("a"), 2u);

    models.on("a", ok("from a"));
    ASSERT_TRUE(models.wait_until([&] {
        chat(gateway, say("m"));
        return models.call_count("a") > 2;
    }));
    EXPECT_TRUE(gateway.child().wait_for_log("an endpoint answers again"));
    const auto before = models.call_count("a");
    EXPECT_EQ(statuses_of(gateway, 1, 8), (std::map<int, int>{{200, 8}}));
    EXPECT_EQ(models.call_count("a"), before + 4) << "it takes its turns again";
}

TEST(endpoints, an_upstream_whose_endpoints_all_fail_is_left_alone) {
    fake_upstream models;
    const gateway_process gateway(endpoints(models, {"a", "b"}, std::string(unprobed) + no_retry));
    for (const char* name : {"a", "b"}) {
        models.on(name, json_reply(500, {{"error", {{"message", "no"}}}}));
    }

    const auto seen = statuses_of(gateway, 1, 20);

    EXPECT_EQ(seen, (std::map<int, int>{{500, 6}, {503, 14}}));
}

TEST(endpoints, those_whose_probe_failed_rest) {
    fake_upstream models;
    auto config = endpoints(models, {"a", "b"}, "balance = \"round_robin\"");
    models.on_models("a", json_reply(503, {{"error", "no"}}));
    const gateway_process gateway(config);
    ASSERT_EQ(get(gateway, "/v1/health").status, 200) << "an upstream is up while one endpoint is";

    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(answer_text(chat(gateway, say("m"))), "from b");
    }
    EXPECT_EQ(models.call_count("a"), 0u);
    EXPECT_TRUE(gateway.child().wait_for_log("endpoint=127.0.0.1:"));
}

TEST(endpoints, an_upstream_without_any_endpoint_is_down_but_still_tried) {
    fake_upstream models;
    auto config = endpoints(models, {"a", "b"});
    for (const char* name : {"a", "b"}) {
        models.on_models(name, json_reply(503, {{"error", "no"}}));
    }
    const gateway_process gateway(config);

    const auto health = get(gateway, "/v1/health");
    EXPECT_EQ(health.status, 503);
    EXPECT_EQ(
        health.json()["unhealthy_upstreams"], json::array({{{"name", "m"}, {"reason", "down"}}})
    );
    EXPECT_EQ(chat(gateway, say("m")).status, 200);
}

TEST(endpoints, a_panel_uses_them_like_any_upstream) {
    fake_upstream models;
    const auto config = endpoints(models, {"a", "b"}, unprobed);
    models.on("g", ok("another draft"));
    models.on("s", ok("fused"));
    const gateway_process gateway(with_refused(
        models, config_text(config).upstreams({"g", "s"}).moa("panel", {"m", "g"}, "s").text()
    ));

    EXPECT_EQ(answer_text(chat(gateway, say("panel"))), "fused");
}

TEST(endpoints, fifty_calls_at_once_all_come_back) {
    fake_upstream models;
    const gateway_process gateway(
        with_refused(models, endpoints(models, {"a", "b"}, unprobed).server("threads = 2").text())
    );
    for (const char* name : {"a", "b"}) {
        models.on(name, delayed(20ms, ok("fine")));
    }
    std::vector<std::thread> callers;
    std::atomic<int> fine{0};
    for (int i = 0; i < 50; ++i) {
        callers.emplace_back([&] { fine += answer_text(chat(gateway, say("m"))) == "fine" ? 1 : 0; }
        );
    }
    for (auto& caller : callers) {
        caller.join();
    }

    EXPECT_EQ(fine, 50);
    EXPECT_GT(models.call_count("a"), 10u);
    EXPECT_GT(models.call_count("b"), 10u);
}

TEST(upstream_address, a_query_in_the_url_stays_behind_every_path) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(
        config_text(models).upstream_at("a", models.base_url("a") + "?api-version=2024-10-21&x=%2F")
    );

    EXPECT_EQ(chat(gateway, say("a")).status, 200);
    ASSERT_EQ(get(gateway, "/v1/health").status, 200);

    EXPECT_EQ(
        models.last_request("a").target, "/u/a/v1/chat/completions?api-version=2024-10-21&x=%2F"
    );
    EXPECT_EQ(models.probes("a").at(0).target, "/u/a/v1/models?api-version=2024-10-21&x=%2F");
}

TEST(upstream_headers, go_with_calls_and_probes_and_never_into_the_log) {
    fake_upstream models;
    models.on("a", json_reply(400, {{"error", {{"message", "bad key azure-s3cret"}}}}));
    gateway_process gateway(
        config_text(models)
            .server("[server.log]\nlevel = \"debug\"\nbodies = true")
            .upstream(
                "a",
                "[upstreams.a.headers]\n\"X-Team\" = \"blue\"\n\"api-key\" = { env = \"AZURE_KEY\" "
                "}"
            ),
        {{"AZURE_KEY", "azure-s3cret"}}
    );

    const auto reply = chat(gateway, say("a"), {{"X-Team", "red"}, {"api-key", "client's"}});
    ASSERT_EQ(get(gateway, "/v1/health").status, 200);

    for (const auto& seen : {models.last_request("a"), models.probes("a").at(0)}) {
        EXPECT_EQ(seen.header("X-Team"), "blue");
        EXPECT_EQ(seen.header("api-key"), "azure-s3cret");
        EXPECT_EQ(
            std::count_if(
                seen.headers.begin(),
                seen.headers.end(),
                [](const auto& h) { return same_name(h.first, "X-Team"); }
            ),
            1
        ) << "a client's own do not travel";
    }
    EXPECT_EQ(reply.body.find("azure-s3cret"), std::string::npos) << reply.body;
    EXPECT_EQ(final_log(gateway).find("azure-s3cret"), std::string::npos);
}

}  // namespace

}  // namespace meta_model::contract
