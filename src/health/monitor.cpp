#include "health/monitor.hpp"

#include "api/chat_wire.hpp"
#include "base/text.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>

namespace meta_model::health {

namespace asio = net::asio;
using std::chrono::steady_clock;
using upstream::probe_state;

namespace {

constexpr std::size_t max_list_bytes = 8u << 20;
constexpr int max_list_pages = 20;  // of a thousand models each, but for the first

base::steady_duration to_steady(config::seconds_f s) {
    return std::chrono::duration_cast<base::steady_duration>(s);
}

std::int64_t now_ticks() {
    return steady_clock::now().time_since_epoch().count();
}

// Spec §8.1: 2xx and the model among `data[*].id`.
probe_state judge_list(std::string_view body, const std::string& model_id, std::string& detail) {
    const auto data = api::find_member(body, "data");
    if (data.empty() || data.front() != '[') {
        detail = "the model list cannot be read";
        return probe_state::misconfigured;
    }
    api::json_cursor in(data, api::json_cursor::depth_limit);
    std::string_view element;
    in.enter_array();
    while (in.next_element() && in.skip(element)) {
        std::string id;
        api::append_string_value(id, api::find_member(element, "id"));
        if (id == model_id) {
            return probe_state::up;
        }
    }
    detail = "the model list does not hold " + model_id;
    return probe_state::misconfigured;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                              || (c >= '0' && c <= '9')
                              || std::string_view("-._~").find(c) != std::string_view::npos;
        if (is_plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return out;
}

// The path of the page behind `list`; empty when it is the last.
std::string next_page(std::string_view list) {
    std::string last;
    api::append_string_value(last, api::find_member(list, "last_id"));
    if (last.empty() || api::find_member(list, "has_more") != "true") {
        return {};
    }
    return "/models?limit=1000&after_id=" + percent_encoded(last);
}

probe_state judge_status(int status, std::string& detail) {
    detail = "status " + std::to_string(status);
    if (status == 401 || status == 403) {
        return probe_state::auth_failed;
    }
    return status >= 500 ? probe_state::down : probe_state::misconfigured;
}

}  // namespace

std::string_view to_string(probe_state state) {
    constexpr std::string_view names[] = {"unknown", "up", "down", "auth_failed", "misconfigured"};
    return names[static_cast<std::size_t>(state)];
}

monitor::monitor(
    net::event_loop& loop,
    upstream::client& client,
    const upstream::registry& upstreams,
    const config::gateway_config& config,
    base::logger& log
)
    : loop_(loop), client_(client), config_(config), log_(log), wake_(loop.get_executor()) {
    for (const auto& u : upstreams.all()) {
        for (const auto& endpoint : u->endpoints) {
            auto e = std::make_unique<entry>();
            e->upstream = u.get();
            e->endpoint = endpoint.get();
            entries_.push_back(std::move(e));
        }
    }
}

void monitor::start() {
    asio::co_spawn(loop_.get_executor(), run(), asio::detached);
}

void monitor::stop() {
    is_stopped_ = true;
    stop_.cancel(base::cancel_reason::shutdown);
    wake_.notify();
}

net::task<> monitor::run() {
    while (!is_stopped_) {
        probe_stale(true);
        co_await wake_.wait_until(
            steady_clock::now() + to_steady(config_.server.health_probe_interval)
        );
    }
}

bool monitor::is_fresh() const {
    const auto oldest = now_ticks() - to_steady(config_.server.health_probe_interval).count();
    return std::ranges::all_of(entries_, [&](const auto& e) {
        const auto at = e->probed_at.load(std::memory_order_acquire);
        return at != 0 && at >= oldest;
    });
}

net::task<> monitor::wait_fresh(net::event_loop& caller) {
    if (is_fresh()) {
        co_return;
    }
    auto done = std::make_shared<net::signal>(caller.get_executor());
    {
        const std::lock_guard lock(mutex_);
        waiters_.push_back({&caller, done});
    }
    asio::post(loop_.get_executor(), [this] { probe_stale(false); });
    co_await done->wait_until(
        steady_clock::now() + to_steady(config_.server.health_probe_timeout)
        + std::chrono::seconds(1)
    );
}

// Starts the probes that are due; when none runs any more, those who wait are told.
void monitor::probe_stale(bool all) {
    const auto oldest = now_ticks() - to_steady(config_.server.health_probe_interval).count();
    for (auto& e : entries_) {
        const auto at = e->probed_at.load(std::memory_order_relaxed);
        if (!e->is_probing && !is_stopped_ && (all || at == 0 || at < oldest)) {
            e->is_probing = true;
            ++running_;
            asio::co_spawn(loop_.get_executor(), probe(*e), asio::detached);
        }
    }
    if (running_ > 0) {
        return;
    }
    const std::lock_guard lock(mutex_);
    for (auto& w : waiters_) {
        asio::post(w.loop->get_executor(), [done = w.done] { done->notify(); });
    }
    waiters_.clear();
}

net::task<> monitor::probe(entry& e) {
    std::string detail;
    auto state = probe_state::up;
    try {
        state = co_await ask(e, detail);
    } catch (const std::exception& problem) {
        state = probe_state::down;
        detail = problem.what();
    }
    note(e, state, detail);
    e.is_probing = false;
    if (--running_ == 0) {
        probe_stale(false);
    }
}

net::task<probe_state> monitor::ask(entry& e, std::string& detail) {
    const auto& u = *e.upstream;
    if (!u.misconfiguration.empty()) {
        detail = u.misconfiguration;
        co_return probe_state::misconfigured;
    }
    if (u.config.health == config::health_check::off
        || u.config.protocol == config::wire_protocol::test) {
        co_return probe_state::up;
    }
    const auto deadline = steady_clock::now() + to_steady(config_.server.health_probe_timeout);
    std::string body;
    auto state = co_await fetch(e, "/models", deadline, body, detail);
    if (state != probe_state::up) {
        co_return state;
    }
    state = judge_list(body, u.config.model_id, detail);
    if (u.config.protocol != config::wire_protocol::anthropic) {
        co_return state;
    }
    // Its list comes in pages, and knows nothing of the names that stand for the newest version of a model.
    for (int page = 1; state != probe_state::up && page < max_list_pages; ++page) {
        const auto path = next_page(body);
        if (path.empty()) {
            break;
        }
        const auto fetched = co_await fetch(e, path, deadline, body, detail);
        if (fetched != probe_state::up) {
            co_return fetched;
        }
        state = judge_list(body, u.config.model_id, detail);
    }
    if (state != probe_state::up && api::find_member(body, "data").starts_with('[')) {
        std::string unused;
        const auto one = "/models/" + percent_encoded(u.config.model_id);
        const auto fetched = co_await fetch(e, one, deadline, body, unused);
        const bool is_known =
            fetched == probe_state::up && api::find_member(body, "id").starts_with('"');
        state = is_known ? probe_state::up : state;
    }
    co_return state;
}

// `up`: `body` is the reply to a GET. Otherwise `detail` says what was wrong.
net::task<probe_state> monitor::fetch(
    entry& e,
    std::string_view path,
    base::steady_time deadline,
    std::string& body,
    std::string& detail
) {
    const auto call = client_.make_call(*e.upstream, e.endpoint);
    upstream::call_options options;
    options.method = "GET";
    options.path = path;
    options.deadline = deadline;
    options.cancel = &stop_;
    body.clear();
    const auto fault = co_await call->start(options);
    if (fault) {
        detail = fault.detail;
        co_return fault.fault == upstream::call_fault::misconfigured ? probe_state::misconfigured
                                                                     : probe_state::down;
    }
    for (bool go_on = true; go_on;) {
        char* const buffer = loop_.scratch();
        std::size_t got = 0;
        switch (call->try_read(buffer, net::event_loop::scratch_bytes, got)) {
            case upstream::read_state::data:
                body.append(buffer, got);
                if (body.size() > max_list_bytes) {
                    detail = "the model list is too large";
                    co_return probe_state::misconfigured;
                }
                break;
            case upstream::read_state::would_block: co_await call->wait(); break;
            case upstream::read_state::failed:
                detail = call->error().detail;
                co_return probe_state::down;
            case upstream::read_state::end: go_on = false; break;
        }
    }
    const auto status = call->reply().status;
    co_return status >= 200 && status < 300 ? probe_state::up : judge_status(status, detail);
}

void monitor::note(entry& e, probe_state state, const std::string& detail) {
    if (is_stopped_) {
        return;
    }
    e.endpoint->probe.store(state, std::memory_order_release);
    e.probed_at.store(now_ticks(), std::memory_order_release);
    const bool is_bad = state != probe_state::up;
    const auto& where = e.endpoint->where.host_header;
    if (is_bad) {
        log_.write(
            base::log_level::warning,
            "upstream is not healthy",
            {{"upstream", e.upstream->config.key},
             {"endpoint", where},
             {"state", to_string(state)},
             {"detail", detail}}
        );
    } else if (e.was_bad) {
        log_.write(
            base::log_level::info,
            "upstream has recovered",
            {{"upstream", e.upstream->config.key}, {"endpoint", where}}
        );
    }
    e.was_bad = is_bad;
}

}  // namespace meta_model::health
