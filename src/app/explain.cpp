#include "app/explain.hpp"

#include "api/chat_request.hpp"
#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/plan_report.hpp"
#include "net/event_loop.hpp"
#include "net/resolver.hpp"
#include "telemetry/recorder.hpp"
#include "upstream/client.hpp"
#include "upstream/registry.hpp"

#include <chrono>

namespace meta_model::app {

namespace {

// Nothing is answered.
class no_sink final : public dispatch::answer_sink {
public:
    using write_state = dispatch::write_state;

    write_state send(const dispatch::answer_head&, const api::pieces&) override {
        return write_state::closed;
    }
    write_state
    begin(const dispatch::answer_head&, std::optional<std::uint64_t>, const api::pieces&) override {
        return write_state::closed;
    }
    write_state write(const api::pieces&) override { return write_state::closed; }
    write_state end(const api::pieces&) override { return write_state::closed; }
    void abort() override {}
    net::task<bool> drain() override { co_return false; }
    bool is_committed() const override { return false; }
    bool has_pending() const override { return false; }
    bool may_commit_early() const override { return false; }
    base::steady_time last_write() const override { return {}; }
    void release_request() override {}
};

// What stands around a request in the running gateway, without threads and sockets in use.
class surroundings {
public:
    explicit surroundings(config::gateway_config config)
        : config_(std::move(config)),
          log_({}),
          recorder_({}),
          upstreams_(config_),
          catalog_(
              config_, upstreams_, [](const auto&) { return telemetry::profile_id{}; }, 0
          ),
          loop_(0),
          client_(loop_, names_, upstreams_) {}

    const dispatch::catalog& catalog() const { return catalog_; }
    const config::gateway_config& config() const { return config_; }

    dispatch::plan_report report(const dispatch::target& target, api::chat_request& request) {
        const auto now = std::chrono::steady_clock::now();
        dispatch::request_context context{
            .loop = loop_,
            .client = client_,
            .shard = recorder_.shard(0),
            .log = log_,
            .config = config_,
            .target = target,
            .request = request,
            .sink = sink_,
            .cancel = cancel_,
            .record = record_,
            .request_id = {},
            .upstream_header_lines = {},
            .start = now,
            .deadline = dispatch::request_deadline(config_, request, now),
            .purse = dispatch::purse_of(target, request)
        };
        return dispatch::report_plan(context);
    }

private:
    config::gateway_config config_;
    base::logger log_;
    telemetry::recorder recorder_;
    upstream::registry upstreams_;
    dispatch::catalog catalog_;
    net::resolver names_;
    net::event_loop loop_;
    upstream::client client_;
    no_sink sink_;
    base::cancel_source cancel_;
    telemetry::request_record record_;
};

}  // namespace

std::string sample_body(const std::string& profile, std::size_t prompt_bytes) {
    std::string body = R"({"model":)";
    api::append_json_string(body, profile);
    body += R"(,"messages":[{"role":"user","content":")";
    constexpr std::string_view words = "what is asked ";
    while (prompt_bytes > 0) {
        const auto next = words.substr(0, prompt_bytes);
        body += next;
        prompt_bytes -= next.size();
    }
    return body + R"("}]})";
}

explanation explain(config::gateway_config config, const explain_options& options) {
    explanation out;
    surroundings around(std::move(config));
    api::chat_request request;
    if (!base::is_valid_utf8(options.body)) {
        out.error = "the body is not valid UTF-8";
        return out;
    }
    const auto depth = around.config().server.limits.max_json_depth;
    if (const auto parsed = request.parse(options.body, depth); !parsed) {
        out.error = "the body is not a chat request: " + parsed.error().message;
        return out;
    }
    const auto name =
        options.profile.empty() ? std::string(request.requested_name()) : options.profile;
    const auto target = around.catalog().resolve(name);
    if (!target) {
        out.error = target.error().message;
        return out;
    }
    const auto plan = around.report(**target, request);
    out.is_refused = bool(plan.refusal);
    out.text = options.is_json ? dispatch::to_json(plan) : dispatch::to_text(plan);
    return out;
}

}  // namespace meta_model::app
