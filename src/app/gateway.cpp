// Builds every part by hand, in the order in which they depend on each other, and takes them down in reverse.
#include "meta_model/gateway.hpp"

#include "config/config.hpp"
#include "config/profile_members.hpp"
#include "dispatch/catalog.hpp"
#include "health/monitor.hpp"
#include "http/connection.hpp"
#include "http/listener.hpp"
#include "http/service.hpp"
#include "meta_model/version.hpp"
#include "net/event_loop.hpp"
#include "net/resolver.hpp"
#include "routes/catalogue.hpp"
#include "routes/model_requests.hpp"
#include "routes/openapi.hpp"
#include "routes/operations.hpp"
#include "routes/store_report.hpp"
#include "routes/stored_responses.hpp"
#include "store/memory_response_store.hpp"
#include "telemetry/recorder.hpp"
#include "upstream/client.hpp"
#include "upstream/registry.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <set>
#include <sys/resource.h>
#include <thread>

namespace meta_model {

const char* version() {
    return META_MODEL_VERSION;
}

namespace {

using std::chrono::steady_clock;

base::log_options log_options_of(const config::server_log& log) {
    return {
        .level = static_cast<base::log_level>(log.level),
        .is_json = log.format == config::log_format::json
    };
}

telemetry::strategy strategy_of(config::profile_type type) {
    switch (type) {
        case config::profile_type::passthrough: return telemetry::strategy::passthrough;
        case config::profile_type::moa: return telemetry::strategy::moa;
        case config::profile_type::cascade: return telemetry::strategy::cascade;
        case config::profile_type::voting: return telemetry::strategy::voting;
    }
    return telemetry::strategy::none;
}

telemetry::roster roster_of(const config::gateway_config& config) {
    telemetry::roster out;
    for (const auto& [name, profile] : config.profiles) {
        out.profiles.push_back({name, strategy_of(profile.type)});
    }
    for (const auto& [key, upstream] : config.upstreams) {
        out.upstreams.push_back(key);
    }
    std::set<std::string> nested;
    for (const auto& [name, profile] : config.profiles) {
        for (const auto& member : config::member_names(profile)) {
            if (!config.upstreams.contains(member)) {
                nested.insert(member);
            }
        }
    }
    out.upstreams.insert(out.upstreams.end(), nested.begin(), nested.end());
    return out;
}

store::memory_store_limits store_limits_of(const config::stored_responses& config) {
    store::memory_store_limits limits;
    limits.max_entries = config.max_stored;
    limits.max_bytes = config.max_stored_bytes;
    limits.ttl = std::chrono::duration_cast<steady_clock::duration>(config.ttl);
    return limits;
}

int thread_count(const config::server& server) {
    const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    return server.threads > 0 ? server.threads : cores;
}

// As many descriptors as the system lets us have: a stream takes two.
std::size_t raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

// What one thread owns.
struct worker {
    worker(
        int index,
        net::resolver& names,
        const upstream::registry& upstreams,
        telemetry::thread_shard& shard
    )
        : loop(index), client(loop, names, upstreams), service{.loop = loop, .shard = shard} {}

    net::event_loop loop;
    upstream::client client;
    http::thread_service service;
    std::unique_ptr<http::listener> listener;
    std::thread thread;
};

}  // namespace

class gateway::parts {
public:
    explicit parts(config::gateway_config c);

    bool start(std::string& why);
    void drain();
    std::uint16_t port() const { return port_; }
    std::string address() const;
    base::logger& log() { return log_; }
    http::service& service() { return service_; }

private:
    void run(worker& w);
    void flush_access_lines(worker& w);
    void on_every_loop(const std::function<void(worker&)>& what);
    bool bind(std::string& why);
    void warn_of_upstreams();

    config::gateway_config config_;
    base::logger log_;
    telemetry::recorder recorder_;
    upstream::registry upstreams_;
    dispatch::catalog catalog_;
    store::memory_response_store responses_;
    routes::background_runs background_;
    std::unique_ptr<routes::response_services> response_services_;
    net::resolver names_;
    std::vector<std::unique_ptr<worker>> workers_;
    http::single_key_store keys_;
    http::router router_;
    http::service service_;
    std::unique_ptr<health::monitor> monitor_;
    std::unique_ptr<routes::store_report> store_report_;
    std::unique_ptr<routes::model_services> model_services_;
    std::unique_ptr<routes::operation_services> operation_services_;
    std::uint16_t port_ = 0;
};

gateway::parts::parts(config::gateway_config c)
    : config_(std::move(c)),
      log_(log_options_of(config_.server.log)),
      recorder_(
          {.threads = thread_count(config_.server),
           .version = META_MODEL_VERSION,
           .names = roster_of(config_)}
      ),
      upstreams_(config_),
      catalog_(
          config_,
          upstreams_,
          [this](const std::string& name) { return recorder_.profile(name); },
          std::chrono::duration_cast<std::chrono::seconds>(
              std::chrono::system_clock::now().time_since_epoch()
          )
              .count()
      ),
      responses_(store_limits_of(config_.responses)),
      background_(config_.responses.max_background),
      keys_(config_.server.bearer_token),
      service_{
          .config = config_, .router = router_, .keys = keys_, .log = log_, .recorder = recorder_
      } {
    for (int i = 0; i < thread_count(config_.server); ++i) {
        workers_.push_back(std::make_unique<worker>(i, names_, upstreams_, recorder_.shard(i)));
    }
    for (const auto& u : upstreams_.all()) {
        u->metric_id = recorder_.upstream(u->config.key);
    }
    for (const auto& n : catalog_.nested()) {
        n->state.metric_id = recorder_.upstream(n->config.key);
    }
    auto& first = *workers_.front();
    monitor_ =
        std::make_unique<health::monitor>(first.loop, first.client, upstreams_, config_, log_);
    response_services_ = std::make_unique<routes::response_services>(routes::response_services{
        .config = config_, .service = service_, .store = responses_, .runs = background_
    });
    store_report_ = std::make_unique<routes::store_report>(responses_, first.service.shard, log_);
    model_services_ = std::make_unique<routes::model_services>(routes::model_services{
        .config = config_,
        .catalog = catalog_,
        .recorder = recorder_,
        .log = log_,
        .responses = response_services_.get()
    });
    for (auto& w : workers_) {
        model_services_->clients.push_back(&w->client);
    }
    operation_services_ = std::make_unique<routes::operation_services>(routes::operation_services{
        .config = config_,
        .catalog = catalog_,
        .upstreams = upstreams_,
        .monitor = *monitor_,
        .recorder = recorder_,
        .service = &service_
    });
    routes::add_model_routes(router_, *model_services_);
    routes::add_response_routes(router_, *model_services_);
    routes::add_catalogue_routes(router_, catalog_);
    routes::add_operation_routes(router_, *operation_services_);
    routes::add_openapi_route(router_);
}

std::string gateway::parts::address() const {
    const bool is_ipv6 =
        config_.server.host.find(':') != std::string::npos && config_.server.host.front() != '[';
    const auto host = is_ipv6 ? '[' + config_.server.host + ']' : config_.server.host;
    return "http://" + host + ':' + std::to_string(port_);
}

bool gateway::parts::bind(std::string& why) {
    auto where = http::listen_endpoint(config_.server.host, config_.server.port, why);
    if (!why.empty()) {
        return false;
    }
    boost::system::error_code ec;
    if (where.port() != 0) {
        ec = http::probe_address(where);
    }
    for (auto& w : workers_) {
        w->listener = std::make_unique<http::listener>(service_, w->service);
        if (!ec) {
            ec = w->listener->open(where);
        }
        if (ec) {
            why = "cannot listen on " + config_.server.host + ':'
                  + std::to_string(config_.server.port) + ": " + ec.message();
            return false;
        }
        where.port(w->listener->port());  // port 0: the first one's number for all
    }
    port_ = where.port();
    return true;
}

bool gateway::parts::start(std::string& why) {
    const auto descriptors = raise_descriptor_limit();
    if (!bind(why)) {
        return false;
    }
    if (descriptors < config_.server.limits.max_connections * 2) {
        log_.write(
            base::log_level::warning,
            "fewer descriptors than max_connections may need",
            {{"descriptors", std::to_string(descriptors)},
             {"max_connections", std::to_string(config_.server.limits.max_connections)}}
        );
    }
    warn_of_upstreams();
    monitor_->start();
    for (auto& w : workers_) {
        w->listener->start();
        w->loop.on_tick([this, &w = *w] {
            flush_access_lines(w);
            w.client.expire_idle(steady_clock::now());
            if (&w == workers_.front().get()) {
                store_report_->on_tick(steady_clock::now());
            }
        });
        w->thread = std::thread([this, &w = *w] { run(w); });
    }
    return true;
}

void gateway::parts::warn_of_upstreams() {
    for (const auto& u : upstreams_.all()) {
        if (!u->config.tls.verify) {
            log_.write(
                base::log_level::warning,
                "the certificates of this upstream are not verified",
                {{"upstream", u->config.key}}
            );
        }
        if (!u->misconfiguration.empty()) {
            log_.write(
                base::log_level::warning,
                "calls to this upstream will fail",
                {{"upstream", u->config.key}, {"why", u->misconfiguration}}
            );
        }
    }
}

void gateway::parts::run(worker& w) {
    w.loop.run([&](const char* what) {
        log_.write(
            base::log_level::error, "an operation failed with an exception", {{"what", what}}
        );
    });
}

void gateway::parts::flush_access_lines(worker& w) {
    if (!w.service.access_lines.empty()) {
        log_.write_block(std::move(w.service.access_lines));
        w.service.access_lines = {};
    }
}

// Runs `what` on each loop's own thread and waits until all have done it.
void gateway::parts::on_every_loop(const std::function<void(worker&)>& what) {
    std::vector<std::future<void>> all;
    for (auto& w : workers_) {
        auto done = std::make_shared<std::promise<void>>();
        all.push_back(done->get_future());
        boost::asio::post(w->loop.get_executor(), [&what, &w = *w, done] {
            what(w);
            done->set_value();
        });
    }
    for (auto& f : all) {
        f.wait();
    }
}

void gateway::parts::drain() {
    using std::chrono::duration_cast;
    service_.is_draining = true;
    service_.is_stopping = true;
    on_every_loop([](worker& w) {
        w.listener->close();
        const auto open = w.service.connections;
        for (auto* c : open) {
            c->drain();
        }
    });
    const auto until = steady_clock::now()
                       + duration_cast<steady_clock::duration>(config_.server.limits.drain_timeout);
    const auto is_serving = [&] {
        return service_.connections.load() > 0 || background_.count() > 0;
    };
    while (is_serving() && steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    // First what clients may be following: they are told its end.
    background_.cancel_all(base::cancel_reason::shutdown);
    const auto followed = steady_clock::now() + std::chrono::milliseconds(500);
    while (background_.count() > 0 && steady_clock::now() < followed) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    on_every_loop([](worker& w) {
        const auto open = w.service.connections;
        for (auto* c : open) {
            c->cancel().cancel(base::cancel_reason::shutdown);
        }
    });
    // The cancelled ones write their error event; that is a matter of milliseconds.
    const auto last = steady_clock::now() + std::chrono::seconds(1);
    while (is_serving() && steady_clock::now() < last) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    on_every_loop([&](worker& w) {
        if (&w == workers_.front().get()) {
            monitor_->stop();
        }
        flush_access_lines(w);
    });
    for (auto& w : workers_) {
        w->loop.stop();
    }
    for (auto& w : workers_) {
        w->thread.join();
    }
}

gateway::gateway(config::gateway_config config)
    : parts_(std::make_unique<parts>(std::move(config))) {
}

gateway::~gateway() = default;

bool gateway::start(std::string& why) {
    return parts_->start(why);
}

std::uint16_t gateway::port() const {
    return parts_->port();
}

std::string gateway::address() const {
    return parts_->address();
}

void gateway::announce_drain() {
    parts_->service().is_draining = true;
}

void gateway::drain() {
    parts_->drain();
}

void gateway::flush_log() {
    parts_->log().flush();
}

void gateway::log_info(const std::string& message) {
    parts_->log().write(base::log_level::info, message);
}

}  // namespace meta_model
