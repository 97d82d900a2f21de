// The process: command line, configuration, signals.
#include "app/command_line.hpp"
#include "app/explain.hpp"
#include "config/demo_config.hpp"
#include "config/load.hpp"
#include "meta_model/gateway.hpp"
#include "meta_model/version.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <pthread.h>
#include <signal.h>
#include <thread>
#include <time.h>
#include <unistd.h>

namespace {

using namespace meta_model;

constexpr int exit_problem = 1;
constexpr int exit_usage = 2;

std::optional<std::string> variable(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// Empty also for what is no file of a size that anything here has: a device never ends.
std::optional<std::string> read_file(const std::string& path) {
    constexpr std::size_t most_bytes = 64u << 20;
    constexpr std::size_t block_bytes = 64u << 10;
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        return std::nullopt;
    }
    std::string text;
    while (in && text.size() <= most_bytes) {
        const auto had = text.size();
        text.resize(had + block_bytes);
        in.read(text.data() + had, block_bytes);
        text.resize(had + static_cast<std::size_t>(in.gcount()));
    }
    return text.size() > most_bytes ? std::nullopt : std::optional(std::move(text));
}

// One loading path for every command. Problems go to standard error. A file that was asked for must exist.
std::optional<config::gateway_config> load_config(
    const app::command_line& line, bool& has_problems
) {
    const config::environment env{.variable = variable, .read_file = read_file};
    std::string path;
    std::string text;
    if (line.is_demo) {
        path = "demo";
        text = config::demo_config();
    } else {
        const auto from_variable = variable("META_MODEL_CONFIG").value_or("");
        const bool is_asked_for = line.config_path || !from_variable.empty();
        path = line.config_path        ? *line.config_path
               : from_variable.empty() ? "meta-model.toml"
                                       : from_variable;
        const auto found = read_file(path);
        if (!found && is_asked_for) {
            std::cerr << path << ": the configuration file cannot be read\n";
            return std::nullopt;
        }
        if (!found) {
            std::cerr << path << ": not found; serving an empty catalogue\n";
            config::gateway_config empty;
            empty.is_absent = true;
            return empty;
        }
        text = *found;
    }
    auto loaded = config::load(text, path, env);
    for (const auto& problem : loaded.problems) {
        std::cerr << config::to_string(problem) << '\n';
    }
    has_problems = !loaded.problems.empty();
    if (loaded.has_errors()) {
        return std::nullopt;
    }
    return std::move(loaded.config);
}

int explain(config::gateway_config config, const app::command_line& line) {
    constexpr std::size_t usual_prompt_bytes = 4000;
    app::explain_options options{.profile = line.profile, .is_json = line.is_json};
    if (!line.body_path) {
        options.body =
            app::sample_body(line.profile, line.prompt_bytes.value_or(usual_prompt_bytes));
    } else if (auto body = read_file(*line.body_path)) {
        options.body = std::move(*body);
    } else {
        std::cerr << *line.body_path << ": the file cannot be read\n";
        return exit_problem;
    }
    const auto told = app::explain(std::move(config), options);
    std::cout << told.text;
    if (!told.error.empty()) {
        std::cerr << "meta-model: " << told.error << '\n';
    }
    return told.error.empty() && !told.is_refused ? 0 : exit_problem;
}

sigset_t handled_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int s : {SIGTERM, SIGINT, SIGHUP}) {
        ::sigaddset(&set, s);
    }
    return set;
}

[[noreturn]] void leave(int code) {
    std::cout.flush();
    std::cerr.flush();
    ::_exit(code);  // a lookup thread that hangs must not hold up the end
}

// A second signal while draining ends the process at once.
void watch_for_second_signal(const sigset_t& set) {
    std::thread([set] {
        for (;;) {
            int signal = 0;
            if (::sigwait(&set, &signal) == 0 && signal != SIGHUP) {
                leave(128 + signal);
            }
        }
    }).detach();
}

int serve(config::gateway_config config) {
    ::signal(SIGPIPE, SIG_IGN);
    // Blocked before any thread is started, so that only sigwait gets them.
    const auto set = handled_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    const auto notice = config.server.drain_notice;
    gateway gw(std::move(config));
    std::string why;
    if (!gw.start(why)) {
        std::cerr << "meta-model: " << why << '\n';
        leave(exit_problem);
    }
    std::cout << "listening on " << gw.address() << std::endl;
    for (;;) {
        int signal = 0;
        if (::sigwait(&set, &signal) != 0) {
            continue;
        }
        if (signal == SIGHUP) {
            gw.log_info("SIGHUP: the configuration cannot be reloaded yet; it stays as it is");
            continue;
        }
        watch_for_second_signal(set);
        gw.announce_drain();
        if (signal == SIGTERM) {
            std::this_thread::sleep_for(notice);  // load balancers see the readiness change first
        }
        gw.drain();
        gw.flush_log();
        leave(0);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const auto parsed = app::parse_command_line({argv + 1, argv + argc});
    if (!parsed.error.empty()) {
        std::cerr << "meta-model: " << parsed.error << "\n\n" << app::usage();
        return exit_usage;
    }
    const auto& line = parsed.line;
    if (line.command == app::command::help) {
        std::cout << app::usage();
        return 0;
    }
    if (line.command == app::command::version) {
        std::cout << "meta-model " << version() << '\n';
        return 0;
    }
    bool has_problems = false;
    auto config = load_config(line, has_problems);
    if (line.command == app::command::check) {
        if (config && !has_problems) {
            std::cout << "the configuration is valid\n";
        }
        return config && !has_problems && !config->is_absent ? 0 : exit_problem;
    }
    if (!config) {
        return exit_problem;
    }
    if (line.command == app::command::explain) {
        return explain(std::move(*config), line);
    }
    if (line.host) {
        config->server.host = *line.host;
    }
    if (line.port) {
        config->server.port = *line.port;
    }
    return serve(std::move(*config));
}
