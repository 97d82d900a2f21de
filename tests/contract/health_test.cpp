// Group T, first half: probes and readiness.
#include "contract/contract_test.hpp"

#include <signal.h>
#include <thread>

namespace meta_model::contract {

namespace {

json reasons(const http_reply& health) {
    json out = json::object();
    const auto body = health.json();
    for (const auto& entry : body["unhealthy_upstreams"]) {
        out[entry["name"].get<std::string>()] = entry["reason"];
    }
    return out;
}

TEST(health, moa_252_a_probe_lists_models_and_never_infers) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a", "api_key = \"sesame\""));

    const auto reply = get(gateway, "/v1/health");

    EXPECT_EQ(reply.status, 200) << reply.body;
    ASSERT_FALSE(models.probes("a").empty());
    EXPECT_EQ(models.probes("a")[0].target, "/u/a/v1/models");
    EXPECT_EQ(models.probes("a")[0].header("Authorization"), "Bearer sesame");
    EXPECT_TRUE(models.requests().empty());
}

TEST(health, moa_253_a_probe_must_list_the_model) {
    fake_upstream models;
    models.on_models("other", model_list({"org/someone-else"}));
    models.on_models("page", html());
    models.on_models("shape", json_reply(200, {{"models", json::array()}}));
    const gateway_process gateway(config_text(models).upstreams({"good", "other", "page", "shape"})
    );

    const auto seen = reasons(get(gateway, "/v1/health"));

    EXPECT_EQ(
        seen,
        (json{{"other", "misconfigured"}, {"page", "misconfigured"}, {"shape", "misconfigured"}})
    );
}

TEST(health, moa_254_failed_probes_are_told_apart) {
    fake_upstream models;
    const json no = {{"error", "no"}};
    models.on_models("u401", json_reply(401, no));
    models.on_models("u403", json_reply(403, no));
    models.on_models("u404", json_reply(404, no));
    models.on_models("u503", json_reply(503, no));
    models.on_models("hangs", hang());
    const gateway_process gateway(config_text(models)
                                      .server("health_probe_timeout_sec = 0.3")
                                      .upstreams({"u401", "u403", "u404", "u503", "hangs"})
                                      .upstream_at("gone", models.refused_url()));

    const auto reply = get(gateway, "/v1/health");

    EXPECT_EQ(
        reasons(reply),
        (json{
            {"u401", "auth_failed"},
            {"u403", "auth_failed"},
            {"u404", "misconfigured"},
            {"u503", "down"},
            {"hangs", "down"},
            {"gone", "down"}
        })
    );
    std::string last;
    const auto body = reply.json();
    for (const auto& entry : body["unhealthy_upstreams"]) {
        EXPECT_LT(last, entry["name"].get<std::string>()) << "sorted by name";
        last = entry["name"];
        EXPECT_EQ(entry.size(), 2u) << "no detail leaves the gateway";
    }
}

TEST(health, moa_255_an_unusable_url_is_a_load_error) {
    fake_upstream models;
    for (const char* url : {"::x", "/v1", "http://", "localhost:8000/v1"}) {
        const auto run = check_config(config_text(models).upstream_at("a", url));
        EXPECT_EQ(run.exit_code, 1) << url;
        EXPECT_NE(run.all().find("base_url"), std::string::npos) << run.all();
    }
}

TEST(health, moa_256_ready_while_any_profile_can_serve) {
    fake_upstream models;
    models.on_models("bad", json_reply(503, {{"error", "no"}}));
    const auto base = [&] {
        return config_text(models)
            .upstreams({"good", "bad"})
            .passthrough("first", "good")
            .passthrough("second", "bad");
    };
    const gateway_process any(base());
    const gateway_process all(base().server("readiness = \"all\""));
    const gateway_process none(config_text(models).upstreams({"bad"}).passthrough("only", "bad"));
    const gateway_process fine(config_text(models).upstreams({"good"}).passthrough("only", "good"));

    const json listed = json::array({{{"name", "bad"}, {"reason", "down"}}});
    const auto some = get(any, "/v1/health");
    EXPECT_EQ(some.status, 200);
    EXPECT_EQ(some.json()["unhealthy_upstreams"], listed);
    EXPECT_EQ(some.json()["profiles"], (json{{"first", "ok"}, {"second", "down"}}));
    const auto strict = get(all, "/v1/health");
    EXPECT_EQ(strict.status, 503);
    EXPECT_EQ(strict.json()["unhealthy_upstreams"], listed);
    EXPECT_EQ(strict.json()["status"], "unhealthy");
    EXPECT_EQ(get(none, "/v1/health").status, 503);
    const auto ok_reply = get(fine, "/v1/health");
    EXPECT_EQ(ok_reply.status, 200);
    EXPECT_EQ(ok_reply.json()["status"], "ok");
    EXPECT_EQ(ok_reply.json()["unhealthy_upstreams"], json::array());
    EXPECT_TRUE(ok_reply.json()["version"].is_string());
}

TEST(health, a_panel_that_lost_a_generator_is_degraded) {
    fake_upstream models;
    models.on_models("b", json_reply(503, {{"error", "no"}}));
    const gateway_process gateway(
        config_text(models).upstreams({"a", "b", "c", "s"}).moa("panel", {"a", "b", "c"}, "s")
    );

    EXPECT_EQ(get(gateway, "/v1/health").json()["profiles"]["panel"], "degraded");
}

TEST(health, profiles_are_shown_only_to_those_who_may_see_them) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).server("bearer_token = \"t\"").upstream("a").passthrough("p", "a")
    );

    EXPECT_FALSE(get(gateway, "/v1/health").json().contains("profiles"));
    EXPECT_TRUE(
        get(gateway, "/v1/health", {{"Authorization", "Bearer t"}}).json().contains("profiles")
    );
}

TEST(health, moa_257_nothing_to_monitor_is_not_ready) {
    fake_upstream models;
    const gateway_process no_config({{"serve", "--port", "0"}, {}, {}}, "listening on http://");
    const gateway_process no_upstreams{config_text(models)};

    const auto absent = get(no_config, "/v1/health");
    const auto empty = get(no_upstreams, "/v1/health");

    EXPECT_EQ(absent.status, 503);
    EXPECT_EQ(absent.json()["reason"], "no_monitor_configured");
    EXPECT_EQ(empty.status, 503);
    EXPECT_EQ(empty.json()["reason"], "no_upstreams_configured");
    EXPECT_EQ(get(no_config, "/livez").status, 200);
}

TEST(health, moa_258_a_fresh_result_is_shared) {
    fake_upstream models;
    models.on_models("a", delayed(100ms, model_list({fake_upstream::model_id("a")})));
    const gateway_process gateway(config_text(models).server("threads = 2").upstream("a"));

    std::vector<std::thread> callers;
    std::array<int, 3> statuses{};
    for (auto& status : statuses) {
        callers.emplace_back([&] { status = get(gateway, "/v1/health").status; });
    }
    for (auto& caller : callers) {
        caller.join();
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(get(gateway, "/health").status, 200);
    }

    EXPECT_EQ(statuses, (std::array<int, 3>{200, 200, 200}));
    EXPECT_EQ(models.probes("a").size(), 1u);
}

TEST(health, moa_259_an_upstream_recovers_and_a_hanging_probe_does_not_hold_the_stop) {
    fake_upstream models;
    models.on_models("a", json_reply(503, {{"error", "no"}}));
    gateway_process gateway(
        config_text(models)
            .server("health_probe_interval_sec = 0.1\nhealth_probe_timeout_sec = 10.0")
            .upstream("a")
    );
    EXPECT_EQ(get(gateway, "/v1/health").status, 503);

    models.on_models("a", nullptr);
    const auto is_ready = [&] { return get(gateway, "/v1/health").status == 200; };
    EXPECT_TRUE(models.wait_until(is_ready));

    models.on_models("a", hang());
    const auto hangs = [&] {
        const auto probes = models.probes("a");
        return !probes.empty() && !probes.back().replied;
    };
    ASSERT_TRUE(models.wait_until(hangs));
    gateway.child().send_signal(SIGTERM);
    EXPECT_EQ(gateway.child().wait_for_exit(2000ms), 0);
}

TEST(health, an_upstream_may_be_left_unprobed) {
    fake_upstream models;
    models.on_models("a", json_reply(404, {{"error", "no"}}));
    const gateway_process gateway(config_text(models).upstream("a", "health_check = \"off\""));

    EXPECT_EQ(get(gateway, "/v1/health").status, 200);
    EXPECT_TRUE(models.probes("a").empty());
}

TEST(health, liveness_does_not_depend_on_upstreams) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream_at("gone", models.refused_url()));

    EXPECT_EQ(get(gateway, "/v1/health").status, 503);
    EXPECT_EQ(get(gateway, "/livez").status, 200);
}

}  // namespace

}  // namespace meta_model::contract
