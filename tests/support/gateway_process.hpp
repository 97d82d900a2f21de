// The built binary as a child process: started with a configuration in a temporary folder, watched, signalled, and
// killed when the test ends.
#pragma once

#include "support/socket.hpp"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace meta_model::support {

// A folder of its own under the system's temporary folder, removed with all in it.
class temporary_folder {
public:
    temporary_folder();
    ~temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::string write(const std::string& name, std::string_view content) const;

private:
    std::filesystem::path path_;
};

// META_MODEL_BINARY from the environment, else from the build.
std::string gateway_binary();

struct child_options {
    std::vector<std::string> arguments{};
    std::map<std::string, std::string> environment{};  // added to a small fixed one
    std::string working_folder{};                      // empty: stays where the test runs
};

// A running program with both outputs captured. Thread-safe to read.
class child_process {
public:
    child_process(const std::string& binary, const child_options& options);
    ~child_process();
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    std::string standard_output() const;
    std::string standard_error() const;
    // Waits for a text in one of the outputs. False: late, or the program ended without it.
    bool wait_for_output(std::string_view text, milliseconds within) const;
    bool wait_for_log(std::string_view text, milliseconds within = milliseconds{3000}) const;

    void send_signal(int number) const;
    // As a shell tells it: the exit code, or 128 + signal. Empty: still running.
    std::optional<int> wait_for_exit(milliseconds within = milliseconds{10000});
    pid_t pid() const { return pid_; }

private:
    void read_outputs();

    pid_t pid_ = -1;
    std::optional<int> exit_code_;
    descriptor out_;
    descriptor err_;
    std::thread reader_;
    mutable std::mutex mutex_;  // guards the texts and the flag
    mutable std::condition_variable changed_;
    std::string out_text_;
    std::string err_text_;
    bool outputs_ended_ = false;
};

struct finished_run {
    int exit_code = -1;
    std::string standard_output{};
    std::string standard_error{};
    std::string all() const { return standard_output + standard_error; }
};

// Runs the gateway binary to its end. Throws std::runtime_error when it does not end in time.
finished_run run_gateway(const child_options& options, milliseconds within = milliseconds{10000});
// `meta-model check --config FILE` on this text.
finished_run check_config(const std::string& config);

// `meta-model serve --config FILE --port 0`, ready to be called.
class gateway_process {
public:
    explicit gateway_process(
        const std::string& config, std::map<std::string, std::string> environment = {}
    );
    // With these arguments and no file.
    gateway_process(const child_options& options, std::string_view ready_mark);

    std::uint16_t port() const { return port_; }
    std::string log() const { return child_.standard_error(); }
    child_process& child() { return child_; }
    const child_process& child() const { return child_; }
    const std::filesystem::path& folder() const { return folder_.path(); }

private:
    void wait_until_listening(std::string_view ready_mark);

    temporary_folder folder_;
    child_process child_;
    std::uint16_t port_ = 0;
};

}  // namespace meta_model::support
