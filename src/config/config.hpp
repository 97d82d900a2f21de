// The configuration as immutable values. config/load.hpp makes them from a TOML file; nothing else does.
// Meaning, default, unit and range of every key: docs/configuration.md.
#pragma once

#include "base/money.hpp"
#include "base/secret.hpp"
#include "config/prompt_template.hpp"
#include "config/text_pattern.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meta_model::config {

using seconds_f = std::chrono::duration<double>;

enum class log_level { debug, info, warning, error };
enum class log_format { text, json };
enum class usage_scope { answer, total };
enum class reply_model { upstream, requested };
enum class readiness_rule { any_profile, all };
enum class modality { text, image, video, audio };
enum class wire_protocol { openai, anthropic, test };
enum class max_tokens_name { max_tokens, max_completion_tokens };
enum class health_check { models, off };
enum class balance_rule { least_in_flight, round_robin, prefix_affinity };
enum class profile_type { passthrough, moa, cascade, voting };
enum class synthesis_mode { merge, best_of };
enum class agreement_rule { off, exact, canonical };
enum class on_cut { error, resume };
enum class on_all_fail { bubble_last_error, structured_502 };
enum class vote { no, yes };
enum class ballot_kind { yes_no, label, number, json, tool_call, text };
enum class vote_aggregation { any_yes, all_yes, majority, plurality, weighted };
enum class tie_break { first, judge };
enum class test_fault { none, status, cut, hang, garbage };

struct server_limits {
    std::size_t max_body_bytes = 64u << 20;  // JSON bodies
    std::size_t max_header_bytes = 65536;
    std::size_t max_connections = 20000;
    std::size_t max_in_flight = 10000;  // requests
    std::size_t max_in_flight_bytes = 1u << 30;
    int max_json_depth = 128;
    seconds_f header_timeout{10.0};
    seconds_f body_timeout{60.0};  // and never below 1 KiB/s
    seconds_f write_timeout{60.0
    };  // a client that takes nothing of its reply; and never below 1 KiB/s
    seconds_f idle_timeout{75.0};
    seconds_f drain_timeout{30.0};
};

struct server_log {
    log_level level = log_level::info;
    log_format format = log_format::text;
    bool access = true;
    bool bodies = false;  // upstream error bodies in log lines
};

struct server {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8400;
    int threads = 0;                   // 0: one per core
    seconds_f request_timeout{590.0};  // `request_timeout_secs`, T of the specification
    base::secret bearer_token{};       // trimmed; empty: authentication is off
    seconds_f health_probe_interval{15.0};
    seconds_f health_probe_timeout{5.0};
    std::string model_name{};  // facade name, trimmed; empty: none
    std::vector<std::string> cors_allow_origins{"*"};
    std::vector<std::string> allowed_hosts{};
    std::string system_prompt{};  // trimmed; empty: none
    usage_scope usage = usage_scope::answer;
    config::reply_model reply_model = config::reply_model::upstream;
    readiness_rule readiness = readiness_rule::any_profile;
    seconds_f stream_commit{5.0};
    seconds_f keepalive{10.0};
    seconds_f drain_notice{2.0};
    server_limits limits{};
    server_log log{};
};

struct features {
    bool voting = false;
};

// `[responses]`: what is kept of /v1/responses, in memory.
struct stored_responses {
    bool store = true;
    std::size_t max_stored = 10000;
    std::size_t max_stored_bytes = 256u << 20;
    seconds_f ttl{86400.0};
    std::size_t max_background = 64;  // at a time
};

// `[upstreams.X.openai]`
struct openai_options {
    std::string reasoning_effort{};  // empty: not set
    max_tokens_name max_tokens_param = max_tokens_name::max_tokens;
    std::vector<std::string> drop_params{};
};

// What is spoken to an upstream of the protocol `openai`.
enum class openai_wire { chat, responses };

// `[upstreams.X.anthropic]`
struct anthropic_options {
    std::string version = "2023-06-01";
    std::string thinking{};  // "adaptive", "enabled", "off"; empty: not set
    std::string effort{};    // empty: not set
    std::optional<int> budget_tokens{};
    bool prompt_caching = false;
    std::string structured_outputs = "prompt";  // "prompt", "native", "off"
};

// One line of `[upstreams.X.headers]`.
struct header_line {
    std::string name{};
    base::secret value{};
    bool is_secret = false;  // came from a variable or a file, or is called like a credential
};

// `[upstreams.X.tls]`
struct tls_options {
    std::string ca_pem{
    };  // the authorities that are trusted instead of the system's; empty: the system's
    std::string cert_pem{};  // our own certificate with its chain; empty: none
    base::secret key_pem{};
    bool verify = true;
    std::string server_name{};  // that the certificate must name; empty: the host of the URL
};

struct upstream_timeouts {
    seconds_f connect{5.0};
    seconds_f first_byte{300.0};       // the reply head
    seconds_f first_token{300.0};      // first content or reasoning of a stream
    seconds_f idle{120.0};             // between two bytes
    std::optional<seconds_f> total{};  // absent: the request's
};

// `[upstreams.X.retry]`: of one call, before anything of its answer went to the client.
struct upstream_retry {
    int max_attempts = 2;
    std::chrono::milliseconds base{200};  // wait before the second; doubles
    std::chrono::milliseconds cap{5000};  // longest wait, a Retry-After's included
    double budget_ratio = 0.2;            // retries are fewer than this share of requests
};

// `[upstreams.X.pricing]`: of one token. Zero where nothing is configured: a server of one's own.
struct upstream_pricing {
    base::money input{};
    std::optional<base::money> cached_input{};  // absent: like input
    std::optional<base::money> cache_write{};   // absent: like input
    base::money output{};

    friend bool operator==(const upstream_pricing&, const upstream_pricing&) = default;
};

// `[upstreams.X.breaker]`: so many failures in the window, and more than successes, and it is left alone for a while.
struct upstream_breaker {
    int failures = 5;
    seconds_f window{30.0};
    seconds_f open{15.0};
};

struct upstream_limits {
    std::size_t max_reply_bytes = 64u << 20;
};

// `[upstreams.X.test]`, only with protocol = "test"
struct test_options {
    std::chrono::milliseconds first_token{200};
    std::chrono::milliseconds chunk{20};
    test_fault fail = test_fault::none;
    int status = 503;  // of fail = "status"
};

inline constexpr std::size_t max_endpoints = 64;  // of one upstream
inline constexpr int max_choices = 128;           // of one call

struct upstream {
    std::string key{};
    std::string model_id{};
    std::vector<std::string> base_urls{
    };  // one for each endpoint, without trailing '/'; empty only with `test`
    balance_rule balance = balance_rule::least_in_flight;
    int context = 0;     // tokens
    int max_output = 0;  // tokens
    int max_n = 1;       // choices that it gives in one call
    bool supports_thinking = false;
    std::string chat_template_kwargs{};  // JSON object text; empty: none configured
    bool requires_leading_system_only = false;
    // Top-level members merged over outgoing bodies: name -> JSON text, in file order.
    std::vector<std::pair<std::string, std::string>> request_overrides{};
    std::vector<modality> modalities{modality::text};
    bool supports_function_calling = true;
    wire_protocol protocol = wire_protocol::openai;
    openai_wire wire = openai_wire::chat;
    bool stream = true;             // false: legs never ask this upstream to stream
    bool supports_prefill = false;  // writes on from an assistant message at the end
    health_check health = health_check::models;
    base::secret api_key{};  // resolved: environment, then file, then literal
    std::string basic_auth_user{};
    base::secret basic_auth_pass{};
    // Names the variable or file that gave no secret; not empty: the upstream is misconfigured and every call fails.
    std::string missing_secret{};
    std::vector<header_line> headers{};  // sent with every call and probe
    std::optional<openai_options> openai{};
    std::optional<anthropic_options> anthropic{};
    test_options test{};
    tls_options tls{};
    std::string quota_group{
    };  // upstreams that share a provider's quota share its cool-down; empty: alone
    upstream_timeouts timeouts{};
    upstream_retry retry{};
    upstream_breaker breaker{};
    upstream_pricing pricing{};
    upstream_limits limits{};
};

// `accept` of a step: what its answer must be like to be taken. Every part that is set must hold.
struct step_gate {
    std::vector<std::string> finish_reasons{};
    bool json_schema = false;  // of the request's response_format
    text_pattern pattern{};    // found in the text
    std::optional<double> min_mean_logprob{};
    std::string agree_with{};      // upstream whose own answer must say the same
    std::string judge{};           // upstream that grades the answer
    double judge_threshold = 0.5;  // 0..1; the grade, of ten, must reach it
};

// One of `steps` of a cascade.
struct cascade_step {
    std::string use{};  // an upstream's key, or a profile's name
    std::optional<step_gate> accept{};
};

inline constexpr int max_panel_calls = 32;  // of one request to a panel

// One of `generators` of a moa or of `upstreams` of a voting profile; its upstream stands at the same place of
// profile::generators or profile::upstreams.
struct panel_member {
    double weight = 1.0;
    int samples = 1;                      // drafts that it writes, or ballots that it casts
    std::optional<double> temperature{};  // absent: the profile's
    bool is_required = false;             // moa: there is no answer without a draft of it
};

struct profile {
    std::string name{};
    profile_type type = profile_type::moa;
    std::size_t file_order = 0;     // position in the file among profiles
    bool expose_reasoning = false;  // default true for passthrough
    std::string tokenizer_upstream{};
    std::vector<std::string> aliases{};
    std::optional<base::money> max_cost{};  // of one request; absent: no limit

    // passthrough: one; cascade, voting: all. Upstream keys.
    std::vector<std::string> upstreams{};

    std::vector<panel_member> members{};  // moa, voting

    // moa
    std::vector<std::string> generators{};
    std::string synthesizer{};
    config::synthesis_mode synthesis_mode = config::synthesis_mode::merge;
    double generator_temperature = 0.7;
    double synthesizer_temperature = 0.3;
    prompt_template generator_prompt{};  // `number`, `count`
    prompt_template synthesizer_prompt{
    };  // `drafts`, `count`, `evidence`, `tools`, `form`, `contract`
    agreement_rule agreement = agreement_rule::off;  // fastpath_on_agreement = true is "exact"
    bool strip_tools = false;
    std::optional<int> advertised_context{};
    int synth_prompt_overhead_tokens = 256;
    int non_client_synth_reserve_tokens = 1024;
    std::optional<int> min_drafts{};  // absent: quorum of the number of generators
    int required_drafts = 1;
    seconds_f panel_timeout{120.0};
    std::optional<seconds_f> grace{};  // absent: environment, then 30 s
    bool keep_partial_drafts = true;   // what stragglers had written
    double synthesis_share = 0.4;      // of the request's time, 0..0.9

    // cascade: `upstreams` above or `steps`
    std::vector<cascade_step> steps{};
    config::on_all_fail on_all_fail = config::on_all_fail::bubble_last_error;
    config::on_cut on_cut = config::on_cut::error;  // of a stream whose beginning the client has

    // voting; panel_timeout, and with a judge synthesis_share, hold here too
    ballot_kind ballot = ballot_kind::yes_no;
    std::vector<std::string> labels{};
    vote_aggregation aggregation = vote_aggregation::any_yes;
    vote failure_vote = vote::yes;  // yes_no: what a voter without a ballot counts as
    config::tie_break tie_break = config::tie_break::first;
    std::string judge{};
    double temperature = 0.0;
    int max_tokens = 5;  // 0: as many as the client asked for
};

struct modality_route {
    std::vector<std::string> endpoints{};
};

struct vision_route : modality_route {
    bool two_stage = false;
    std::string describe_prompt{};  // empty: built in
    int describe_max_tokens = 1500;
    double describe_temperature = 0.2;
    int describe_image_cap = 4;
};

struct gateway_config {
    config::server server{};
    config::features features{};
    stored_responses responses{};
    std::map<std::string, upstream> upstreams{};
    std::map<std::string, profile> profiles{};
    vision_route vision{};
    modality_route video{};
    modality_route audio{};
    seconds_f default_grace{30.0};  // TK_MOA_QUORUM_GRACE_SECS
    bool is_absent = false;         // no file was found and none was asked for: empty catalogue
};

}  // namespace meta_model::config
