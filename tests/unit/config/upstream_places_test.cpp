// Where an upstream is, and what travels with its calls: endpoints, headers, TLS.
#include "config/load.hpp"

#include <gtest/gtest.h>

#include <map>

namespace meta_model::config {
namespace {

const std::map<std::string, std::string> files{
    {"/etc/gateway/ca.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"},
    {"/etc/gateway/own.key", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"},
    {"/etc/gateway/text.pem", "hello"},
    {"/etc/gateway/team", "green\n"},
};

load_result load_upstream(const std::string& lines) {
    const environment env{
        .variable = [](const std::string& name) -> std::optional<std::string> {
            return name == "AZURE_KEY" ? std::optional<std::string>("s3cret") : std::nullopt;
        },
        .read_file = [](const std::string& path) -> std::optional<std::string> {
            const auto it = files.find(path);
            return it == files.end() ? std::nullopt : std::optional(it->second);
        },
    };
    return load(
        "[upstreams.a]\nmodel_id = \"m\"\ncontext = 8192\nmax_output = 1024\n" + lines,
        "/etc/gateway/meta-model.toml",
        env
    );
}

upstream loaded(const std::string& lines) {
    auto out = load_upstream(lines);
    for (const auto& p : out.problems) {
        ADD_FAILURE() << to_string(p);
    }
    return out.config.upstreams.at("a");
}

void expect_problem(
    const std::string& lines, const std::string& fragment, severity s = severity::error
) {
    const auto out = load_upstream(lines);
    std::string all;
    bool is_found = false;
    for (const auto& p : out.problems) {
        all += to_string(p) + '\n';
        is_found = is_found || (p.severity == s && p.text.find(fragment) != std::string::npos);
    }
    EXPECT_TRUE(is_found) << fragment << " in:\n" << all;
    EXPECT_EQ(all.find("s3cret"), std::string::npos);
}

const std::string one_url = "base_url = \"https://a.test/v1\"\n";

TEST(endpoints, one_or_several) {
    EXPECT_EQ(loaded(one_url).base_urls, std::vector<std::string>{"https://a.test/v1"});
    const auto several = loaded(
        "base_urls = [\"http://a.test/v1/\", \"http://b.test/v1?api-version=1\"]\nbalance = "
        "\"round_robin\""
    );
    EXPECT_EQ(
        several.base_urls,
        (std::vector<std::string>{"http://a.test/v1", "http://b.test/v1?api-version=1"})
    );
    EXPECT_EQ(several.balance, balance_rule::round_robin);
    EXPECT_EQ(loaded(one_url).balance, balance_rule::least_in_flight);
}

TEST(endpoints, what_makes_no_list_is_refused) {
    expect_problem(one_url + "base_urls = [\"http://b.test\"]", "exclude each other");
    expect_problem("base_urls = []", "between 1 and 64");
    expect_problem("base_urls = \"http://b.test\"", "expected an array");
    expect_problem("base_urls = [\"http://b.test\", 7]", "base_urls[1]: expected a string");
    expect_problem(
        "base_urls = [\"http://b.test\", \"ftp://b.test\"]", "base_urls[1]: must begin with http"
    );
    expect_problem("base_urls = [\"http://b.test/v1\", \"http://b.test/v1/\"]", "duplicate");
    expect_problem("", "base_url");
    expect_problem(one_url + "balance = \"random\"", "least_in_flight");
    std::string many = "base_urls = [";
    for (int i = 0; i < 65; ++i) {
        many += "\"http://h" + std::to_string(i) + ".test\",";
    }
    expect_problem(many + "]", "between 1 and 64");
}

TEST(upstream_headers, come_from_the_file_a_variable_or_another_file) {
    const auto u = loaded(one_url + "[upstreams.a.headers]\n\"X-Team\" = \"blue\"\n\"api-key\" = { env = \"AZURE_KEY\" }\n"
                                    "\"X-Other\" = { file = \"team\" }\n\"X-Auth-Literal\" = \"v\"");
    std::map<std::string, std::pair<std::string, bool>> seen;
    for (const auto& h : u.headers) {
        seen[h.name] = {std::string(h.value.expose()), h.is_secret};
    }
    const std::map<std::string, std::pair<std::string, bool>> wanted{
        {"X-Team", {"blue", false}},
        {"api-key", {"s3cret", true}},
        {"X-Other", {"green", true}},
        {"X-Auth-Literal", {"v", true}}
    };
    EXPECT_EQ(seen, wanted);
}

TEST(upstream_headers, names_that_are_not_theirs_to_set_are_refused) {
    const auto header = [](const std::string& line) {
        return one_url + "[upstreams.a.headers]\n" + line;
    };
    for (const char* name :
         {"Connection", "te", "Transfer-Encoding", "Upgrade", "Keep-Alive", "Proxy-Authorization"
         }) {
        expect_problem(header('"' + std::string(name) + "\" = \"x\""), "belongs to the connection");
    }
    for (const char* name :
         {"Host", "content-length", "Content-Type", "User-Agent", "X-Request-Id", "Accept-Encoding"
         }) {
        expect_problem(header('"' + std::string(name) + "\" = \"x\""), "the gateway decides");
    }
    expect_problem(header("Authorization = \"x\""), "use api_key");
    expect_problem(header("\"a b\" = \"x\""), "is no header name");
    expect_problem(header("\"a\\r\\nb\" = \"x\""), "is no header name");
    expect_problem(header("\"\" = \"x\""), "is no header name");
    expect_problem(header("a = \"x\"\nA = \"y\""), "the same header twice");
    expect_problem(header("a = \"x\\r\\nHost: b\""), "control characters");
    expect_problem(header("a = \"\""), "non-empty");
    expect_problem(header("a = 7"), "expected a string");
    expect_problem(header("a = { env = \"A\", file = \"b\" }"), "one of env and file");
    expect_problem(header("a = { variable = \"A\" }"), "variable");
    expect_problem(one_url + "headers = \"x\"", "expected a table");
    expect_problem(header("a = { env = \"NOWHERE\" }"), "'NOWHERE' is not set", severity::warning);
    EXPECT_NE(
        load_upstream(header("a = { env = \"NOWHERE\" }")).config.upstreams.at("a").missing_secret,
        ""
    );
}

TEST(upstream_tls, files_are_read_beside_the_configuration) {
    const auto u = loaded(one_url + "[upstreams.a.tls]\nca_file = \"ca.pem\"\ncert_file = \"ca.pem\"\n"
                                    "key_file = \"own.key\"\nserver_name = \"b.test\"\nverify = false");
    EXPECT_EQ(u.tls.ca_pem, files.at("/etc/gateway/ca.pem"));
    EXPECT_EQ(u.tls.key_pem.expose(), files.at("/etc/gateway/own.key"));
    EXPECT_EQ(u.tls.server_name, "b.test");
    EXPECT_FALSE(u.tls.verify);
    EXPECT_TRUE(loaded(one_url).tls.verify);
}

TEST(upstream_tls, what_cannot_work_is_refused) {
    const auto tls = [](const std::string& lines) {
        return one_url + "[upstreams.a.tls]\n" + lines;
    };
    expect_problem(tls("cert_file = \"ca.pem\""), "need each other");
    expect_problem(tls("ca_file = \"text.pem\""), "is no PEM file");
    expect_problem(tls("cert_file = \"ca.pem\"\nkey_file = \"ca.pem\""), "is no PEM file");
    expect_problem(tls("ca_file = \"nowhere.pem\""), "cannot be read", severity::warning);
    expect_problem(tls("insecure = true"), "insecure");
    expect_problem("base_url = \"http://a.test\"\n[upstreams.a.tls]\nverify = true", "https");
    EXPECT_EQ(
        loaded("base_url = \"HTTPS://a.test\"\n[upstreams.a.tls]\nverify = true").missing_secret, ""
    );
}

const std::string openai_table = "base_url = \"http://127.0.0.1:1/v1\"\n[upstreams.a.openai]\n";

TEST(upstream_bodies, every_effort_that_models_know_can_be_set) {
    for (const std::string effort : {"none", "minimal", "low", "medium", "high", "xhigh", "max"}) {
        const auto a = loaded(openai_table + "reasoning_effort = \"" + effort + '"');
        ASSERT_TRUE(a.openai);
        EXPECT_EQ(a.openai->reasoning_effort, effort);
    }
    expect_problem(openai_table + "reasoning_effort = \"huge\"", "'huge'");
}

TEST(upstream_bodies, what_a_request_is_made_of_cannot_be_dropped) {
    for (const std::string name : {"messages", "model", "stream", "input", "query", "documents"}) {
        expect_problem(
            openai_table + "drop_params = [\"stop\", \"" + name + "\"]",
            "drop_params[1] = '" + name + "'"
        );
    }
    EXPECT_EQ(
        loaded(openai_table + "drop_params = [\"stop\"]").openai->drop_params,
        std::vector<std::string>{"stop"}
    );
}

TEST(upstream_bodies, what_the_client_says_and_the_gateway_decides_cannot_be_overridden) {
    for (const std::string name : {"stream", "stream_options", "n", "x_meta_model"}) {
        expect_problem(
            one_url + "request_overrides = { top_k = 5, " + name + " = 1 }",
            "request_overrides." + name + ": the gateway decides"
        );
    }
    for (const std::string name : {"messages", "input", "prompt", "query", "documents"}) {
        for (const std::string protocol : {"openai", "anthropic"}) {
            expect_problem(
                one_url + "protocol = \"" + protocol + "\"\nrequest_overrides = { \"" + name
                    + "\" = \"evil\" }",
                "request_overrides." + name + ": this is what the client says"
            );
        }
    }
    const std::vector<std::pair<std::string, std::string>> kept{{"top_k", "5"}};
    const std::string ineffective = "model = \"x\", chat_template_kwargs = { x = 1 }";
    EXPECT_EQ(
        loaded(one_url + "request_overrides = { top_k = 5, " + ineffective + " }")
            .request_overrides,
        kept
    );
}

TEST(choices, max_n_needs_a_wire_that_says_n) {
    EXPECT_EQ(loaded(one_url).max_n, 1);
    EXPECT_EQ(loaded(one_url + "max_n = 128").max_n, 128);
    expect_problem(
        one_url + "max_n = 2\nprotocol = \"anthropic\"", "[upstreams.a].max_n: the Messages API"
    );
    expect_problem(
        one_url + "max_n = 2\n[upstreams.a.openai]\ndrop_params = [\"n\"]",
        "[upstreams.a].max_n: openai.drop_params removes n"
    );
    EXPECT_EQ(loaded(one_url + "max_n = 1\nprotocol = \"anthropic\"").max_n, 1);
}

}  // namespace
}  // namespace meta_model::config
