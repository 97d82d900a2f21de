// No credential appears in a log line, an error, a header or a metric, at the most talkative level.
#include "contract/panel.hpp"

#include <signal.h>

namespace meta_model::contract {

namespace {

const std::vector<std::string> secrets{
    "sk-upstream-literal",
    "sk-upstream-env",
    "basic-pass-word",
    "YWxpY2U6YmFzaWMtcGFzcy13b3Jk",
    "gate-token-value",
    "client-guess-value"
};

std::string secretive_config(panel& p) {
    return config_text(p.models)
        .server("bearer_token = \"gate-token-value\"")
        .upstream("a", "api_key = \"sk-upstream-literal\"")
        .upstream("b", "api_key_env = \"SECRET_KEY\"")
        .upstream("c", "basic_auth_user = \"alice\"\nbasic_auth_pass = \"basic-pass-word\"")
        .upstream_at("gone", p.models.refused_url(), "api_key = \"sk-upstream-literal\"")
        .upstream("s")
        .moa(panel_name, {"a", "b", "c"}, "s")
        .server_table("log", "level = \"debug\"\nbodies = true");
}

void expect_no_secret(const std::string& text, const std::string& where) {
    for (const auto& secret : secrets) {
        const auto at = text.find(secret);
        EXPECT_EQ(at, std::string::npos)
            << secret << " in " << where << ": "
            << text.substr(at < 200 ? 0 : at - 200, at == std::string::npos ? 0 : 260);
    }
}

std::string shown(const http_reply& reply) {
    std::string out = reply.start_line + reply.body;
    for (const auto& [name, value] : reply.headers) {
        out += name + value;
    }
    return out;
}

TEST(secrets, no_key_leaves_by_log_reply_or_metric) {
    panel p;
    gateway_process gateway(secretive_config(p), {{"SECRET_KEY", "sk-upstream-env"}});
    const header_list right{{"Authorization", "Bearer gate-token-value"}};
    const json echo = {{"error", {{"message", "invalid key sk-upstream-literal for model"}}}};
    std::string seen;

    seen += shown(chat(gateway, say(panel_name), right));
    seen += shown(chat(gateway, say("gone"), right));
    seen += shown(chat(gateway, say("a"), {{"Authorization", "Bearer client-guess-value"}}));
    seen += shown(chat(
        gateway,
        say("a"),
        {{"x-api-key", "client-guess-value"}, {"Authorization", "Bearer gate-token-value"}}
    ));
    seen += shown(chat_bytes(gateway, "{broken", right));
    for (const auto& fault : {json_reply(401, echo), html(), garbage(), reset_at_once()}) {
        p.models.on("a", fault);
        p.models.on("b", fault);
        p.models.on("c", fault);
        seen += shown(chat(gateway, say("a"), right));
        seen += shown(chat(gateway, say(panel_name), right));
    }
    for (const char* path :
         {"/v1/models", "/v1/health", "/metrics", "/v1/metrics/moa", "/nothing"}) {
        seen += shown(get(gateway, path, right));
    }
    EXPECT_EQ(p.models.requests("b").front().header("Authorization"), "Bearer sk-upstream-env")
        << "the key is really in use";
    gateway.child().send_signal(SIGTERM);
    EXPECT_EQ(gateway.child().wait_for_exit(5000ms), 0);

    expect_no_secret(seen, "a reply");
    expect_no_secret(gateway.log(), "the log");
    expect_no_secret(gateway.child().standard_output(), "standard output");
    EXPECT_FALSE(gateway.log().empty());
}

TEST(secrets, diagnostics_of_a_bad_file_do_not_repeat_keys) {
    fake_upstream models;

    const auto run = check_config(config_text(models)
                                      .server("bearer_token = \"gate-token-value\"")
                                      .upstream(
                                          "a",
                                          "api_key = \"sk-upstream-literal\"\nbasic_auth_user = "
                                          "\"alice\"\nbasic_auth_pass = \"basic-pass-word\""
                                      ));

    EXPECT_EQ(run.exit_code, 1);
    expect_no_secret(run.all(), "the diagnostics");
}

TEST(secrets, an_empty_literal_key_is_refused) {
    fake_upstream models;

    const auto run = check_config(config_text(models).upstream("a", "api_key = \"\""));

    EXPECT_EQ(run.exit_code, 1);
    EXPECT_NE(run.all().find("api_key"), std::string::npos);
}

TEST(secrets, a_missing_variable_is_a_problem_for_the_check_and_a_warning_at_start) {
    fake_upstream models;
    const auto config =
        config_text(models).upstream("a", "api_key_env = \"NOT_SET_ANYWHERE\"").text();

    const auto run = check_config(config);
    const gateway_process gateway(config);

    EXPECT_EQ(run.exit_code, 1);
    EXPECT_NE(run.all().find("NOT_SET_ANYWHERE"), std::string::npos);
    EXPECT_TRUE(gateway.child().wait_for_log("NOT_SET_ANYWHERE")) << "told at start";
}

TEST(secrets, keys_come_from_files_too) {
    panel p;
    const temporary_folder folder;
    const auto key = folder.write("key", "sk-from-file\n");
    const auto pass = folder.write("pass", "shh\n");
    const gateway_process gateway(
        config_text(p.models)
            .upstream("a", "api_key_file = \"" + key + "\"")
            .upstream("b", "basic_auth_user = \"u\"\nbasic_auth_pass_file = \"" + pass + "\"")
    );

    chat(gateway, say("a"));
    chat(gateway, say("b"));

    EXPECT_EQ(p.models.last_request("a").header("Authorization"), "Bearer sk-from-file");
    EXPECT_EQ(p.models.last_request("b").header("Authorization"), "Basic dTpzaGg=");
}

}  // namespace

}  // namespace meta_model::contract
