// Group A through the command line and on the wire, and rows 27 and 28. The rest of group A is in tests/unit/config.
#include "contract/contract_test.hpp"

#include <regex>

namespace meta_model::contract {

namespace {

constexpr auto ready = "listening on http://";

TEST(config_load, moa_02_an_undefined_upstream_is_named) {
    fake_upstream models;

    const auto in_moa =
        check_config(config_text(models).upstream("a").moa("p", {"a", "ghost"}, "a"));
    const auto in_cascade =
        check_config(config_text(models).upstream("a").cascade("p", {"a", "ghost"}));

    EXPECT_EQ(in_moa.exit_code, 1);
    EXPECT_NE(in_moa.all().find("ghost"), std::string::npos);
    EXPECT_EQ(in_cascade.exit_code, 1);
    EXPECT_NE(in_cascade.all().find("ghost"), std::string::npos);
}

TEST(config_load, moa_12_unknown_keys_are_refused_with_their_place) {
    fake_upstream models;

    const auto run = check_config(
        config_text(models).upstream("a", "max_outputs = 5").raw("[aliases]\nx = \"y\"")
    );

    EXPECT_EQ(run.exit_code, 1);
    EXPECT_TRUE(
        std::regex_search(run.all(), std::regex(R"(meta-model\.toml:\d+:\d+: .*max_outputs)"))
    ) << run.all();
    EXPECT_NE(run.all().find("max_output"), std::string::npos) << "the nearest known key is told";
    EXPECT_NE(run.all().find("aliases"), std::string::npos) << "every problem is told at once";
}

TEST(config_load, a_good_file_passes_the_check) {
    fake_upstream models;

    const auto run = check_config(config_text(models)
                                      .upstreams({"a", "b", "s"})
                                      .moa("panel.v1", {"a", "b"}, "s")
                                      .passthrough("fast.v1", "a"));

    EXPECT_EQ(run.exit_code, 0) << run.all();
}

TEST(config_load, a_syntax_error_is_told_with_its_line) {
    const auto run = check_config("[server]\nhost = \n");

    EXPECT_EQ(run.exit_code, 1);
    EXPECT_NE(run.all().find("meta-model.toml:2:"), std::string::npos) << run.all();
}

TEST(config_load, moa_04_an_environment_key_wins_on_the_wire) {
    fake_upstream models;
    models.on("a", ok("x"));
    models.on("b", ok("x"));
    const gateway_process gateway(
        config_text(models)
            .upstream("a", "api_key_env = \"FOO\"")
            .upstream("b", "api_key_env = \"FOO\"\napi_key = \"lit\""),
        {{"FOO", "env"}}
    );

    chat(gateway, say("a"));
    chat(gateway, say("b"));

    EXPECT_EQ(models.last_request("a").header("Authorization"), "Bearer env");
    EXPECT_EQ(models.last_request("b").header("Authorization"), "Bearer env");
}

TEST(config_load, moa_05_the_literal_key_serves_when_the_variable_is_unset) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(
        config_text(models).upstream("a", "api_key_env = \"FOO\"\napi_key = \"lit\"")
    );

    chat(gateway, say("a"));

    EXPECT_EQ(models.last_request("a").header("Authorization"), "Bearer lit");
}

TEST(config_load, moa_06_a_missing_secret_fails_its_calls_and_names_the_variable_in_the_log) {
    fake_upstream models;
    models.on("good", ok("x"));
    gateway_process gateway(
        config_text(models).upstream("bad", "api_key_env = \"NOT_SET_ANYWHERE\"").upstream("good")
    );

    const auto failed = chat(gateway, say("bad"));
    const auto health = get(gateway, "/v1/health");
    const auto served = chat(gateway, say("good"));

    expect_error(failed, {502, "api_error", "upstream_misconfigured", std::nullopt});
    EXPECT_EQ(failed.body.find("NOT_SET_ANYWHERE"), std::string::npos);
    EXPECT_EQ(models.call_count("bad"), 0u);
    EXPECT_EQ(
        health.json()["unhealthy_upstreams"],
        json::parse(R"([{"name":"bad","reason":"misconfigured"}])")
    );
    EXPECT_EQ(served.status, 200);
    const auto log = final_log(gateway);
    EXPECT_NE(log.find("NOT_SET_ANYWHERE"), log.rfind("NOT_SET_ANYWHERE"))
        << "at start and at the call: " << log;
}

TEST(config_load, moa_07_basic_credentials_take_the_password_from_the_environment) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(
        config_text(models).upstream("a", "basic_auth_user = \"u\"\nbasic_auth_pass_env = \"P\""),
        {{"P", "shh"}}
    );

    chat(gateway, say("a"));

    EXPECT_EQ(models.last_request("a").header("Authorization"), "Basic dTpzaGg=");
}

TEST(config_load, moa_27_without_any_file_the_process_starts_empty) {
    const gateway_process gateway({{"serve", "--port", "0"}, {}, {}}, ready);

    const auto list = get(gateway, "/v1/models");
    const auto call = chat(gateway, say("anything"));

    EXPECT_EQ(list.status, 200);
    EXPECT_EQ(list.json(), json::parse(R"({"object":"list","data":[]})"));
    expect_error(call, {503, "service_unavailable_error", "no_upstream", std::nullopt});
}

TEST(config_load, moa_27_a_path_that_was_asked_for_must_exist) {
    const temporary_folder folder;
    const auto nowhere = (folder.path() / "nowhere.toml").string();

    const auto by_flag = run_gateway({{"serve", "--config", nowhere, "--port", "0"}, {}, {}});
    const auto by_variable =
        run_gateway({{"serve", "--port", "0"}, {{"META_MODEL_CONFIG", nowhere}}, {}});

    EXPECT_EQ(by_flag.exit_code, 1);
    EXPECT_NE(by_flag.standard_error.find("nowhere.toml"), std::string::npos);
    EXPECT_EQ(by_variable.exit_code, 1);
    EXPECT_NE(by_variable.standard_error.find("nowhere.toml"), std::string::npos);
}

TEST(config_load, the_environment_and_the_working_folder_name_the_file) {
    fake_upstream models;
    const temporary_folder folder;
    const auto config = config_text(models).upstream("a").passthrough("only.v1", "a").text();
    const auto file = folder.write("meta-model.toml", config);

    const gateway_process by_variable({{"--port", "0"}, {{"META_MODEL_CONFIG", file}}, {}}, ready);

    EXPECT_EQ(get(by_variable, "/v1/models").json()["data"][0]["id"], "only.v1");
    EXPECT_EQ(run_gateway({{"check"}, {}, folder.path().string()}).exit_code, 0);
    EXPECT_EQ(run_gateway({{"check"}, {}, (folder.path() / "..").string()}).exit_code, 1)
        << "nothing to check";
}

TEST(config_load, moa_28_an_invalid_file_refuses_to_serve) {
    const temporary_folder folder;
    const auto file = folder.write(
        "meta-model.toml", "[upstreams.a]\nmodel_id = \"m\"\nbase_url = \"::x\"\ncontext = -1\n"
    );

    const auto run = run_gateway({{"serve", "--config", file, "--port", "0"}, {}, {}});

    EXPECT_EQ(run.exit_code, 1);
    EXPECT_EQ(run.standard_output.find(ready), std::string::npos);
    EXPECT_NE(run.standard_error.find("meta-model.toml:3:"), std::string::npos)
        << run.standard_error;
    EXPECT_NE(run.standard_error.find("context"), std::string::npos);
    EXPECT_NE(run.standard_error.find("max_output"), std::string::npos)
        << "a missing key is told too";
}

}  // namespace

}  // namespace meta_model::contract
