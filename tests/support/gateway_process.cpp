#include "support/gateway_process.hpp"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <signal.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace meta_model::support {

namespace {

constexpr milliseconds start_limit{20000};

// The child sees only these of our variables, so that no setting of the machine changes a test.
constexpr std::array kept_variables{
    "PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"
};

std::vector<std::string> environment_block(const std::map<std::string, std::string>& added) {
    std::vector<std::string> block;
    for (const char* name : kept_variables) {
        if (const char* value = std::getenv(name); value && !added.contains(name)) {
            block.push_back(std::string(name) + "=" + value);
        }
    }
    for (const auto& [name, value] : added) {
        block.push_back(name + "=" + value);
    }
    return block;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts) {
        out.push_back(text.data());
    }
    out.push_back(nullptr);
    return out;
}

std::pair<descriptor, descriptor> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe2 failed");
    }
    return {descriptor(ends[0]), descriptor(ends[1])};
}

int shell_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

child_options serve_options(
    const std::string& file, std::map<std::string, std::string> environment
) {
    return {{"serve", "--config", file, "--port", "0"}, std::move(environment), {}};
}

}  // namespace

temporary_folder::temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "meta-model-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("mkdtemp failed");
    }
    path_ = name;
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string temporary_folder::write(const std::string& name, std::string_view content) const {
    const auto file = path_ / name;
    std::ofstream(file, std::ios::binary) << content;
    return file.string();
}

std::string gateway_binary() {
    const char* named = std::getenv("META_MODEL_BINARY");
    return named && *named ? named : META_MODEL_BINARY;
}

child_process::child_process(const std::string& binary, const child_options& options) {
    auto [out_read, out_write] = make_pipe();
    auto [err_read, err_write] = make_pipe();
    std::vector<std::string> arguments{binary};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    auto variables = environment_block(options.environment);
    auto argument_pointers = pointers_to(arguments);
    auto variable_pointers = pointers_to(variables);
    const auto parent = ::getpid();

    pid_ = ::fork();
    if (pid_ < 0) {
        throw std::runtime_error("fork failed");
    }
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const bool is_orphan = ::getppid() != parent;
        const bool moved =
            options.working_folder.empty() || ::chdir(options.working_folder.c_str()) == 0;
        if (is_orphan || !moved || ::dup2(out_write.get(), STDOUT_FILENO) < 0
            || ::dup2(err_write.get(), STDERR_FILENO) < 0) {
            ::_exit(126);
        }
        ::execve(binary.c_str(), argument_pointers.data(), variable_pointers.data());
        ::_exit(127);
    }
    out_ = std::move(out_read);
    err_ = std::move(err_read);
    out_write.close();
    err_write.close();
    reader_ = std::thread([this] { read_outputs(); });
}

child_process::~child_process() {
    if (!exit_code_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    reader_.join();
}

void child_process::read_outputs() {
    std::array<pollfd, 2> entries{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}};
    std::array<char, 16384> piece{};
    while (entries[0].fd >= 0 || entries[1].fd >= 0) {
        ::poll(entries.data(), entries.size(), -1);
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (entries[i].fd < 0 || entries[i].revents == 0) {
                continue;
            }
            const auto got = ::read(entries[i].fd, piece.data(), piece.size());
            if (got <= 0) {
                entries[i].fd = -1;
                continue;
            }
            const std::lock_guard lock(mutex_);
            (i == 0 ? out_text_ : err_text_).append(piece.data(), static_cast<std::size_t>(got));
            changed_.notify_all();
        }
    }
    const std::lock_guard lock(mutex_);
    outputs_ended_ = true;
    changed_.notify_all();
}

std::string child_process::standard_output() const {
    const std::lock_guard lock(mutex_);
    return out_text_;
}

std::string child_process::standard_error() const {
    const std::lock_guard lock(mutex_);
    return err_text_;
}

bool child_process::wait_for_output(std::string_view text, milliseconds within) const {
    std::unique_lock lock(mutex_);
    const auto is_there = [&] { return out_text_.find(text) != std::string::npos; };
    changed_.wait_for(lock, within, [&] { return is_there() || outputs_ended_; });
    return is_there();
}

bool child_process::wait_for_log(std::string_view text, milliseconds within) const {
    std::unique_lock lock(mutex_);
    const auto is_there = [&] { return err_text_.find(text) != std::string::npos; };
    changed_.wait_for(lock, within, [&] { return is_there() || outputs_ended_; });
    return is_there();
}

void child_process::send_signal(int number) const {
    if (!exit_code_) {
        ::kill(pid_, number);
    }
}

std::optional<int> child_process::wait_for_exit(milliseconds within) {
    const auto until = clock::now() + within;
    while (!exit_code_) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            exit_code_ = shell_code(status);
            break;
        }
        if (clock::now() >= until) {
            return std::nullopt;
        }
        std::this_thread::sleep_for(milliseconds(2));  // waitpid has no deadline of its own
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, milliseconds(2000), [&] { return outputs_ended_; });
    return exit_code_;
}

finished_run run_gateway(const child_options& options, milliseconds within) {
    child_process child(gateway_binary(), options);
    const auto code = child.wait_for_exit(within);
    if (!code) {
        throw std::runtime_error("the program did not end; stderr: " + child.standard_error());
    }
    return {*code, child.standard_output(), child.standard_error()};
}

finished_run check_config(const std::string& config) {
    const temporary_folder folder;
    return run_gateway({{"check", "--config", folder.write("meta-model.toml", config)}, {}, {}});
}

gateway_process::gateway_process(
    const std::string& config, std::map<std::string, std::string> environment
)
    : child_(
          gateway_binary(),
          serve_options(folder_.write("meta-model.toml", config), std::move(environment))
      ) {
    wait_until_listening("listening on http://");
}

gateway_process::gateway_process(const child_options& options, std::string_view ready_mark)
    : child_(gateway_binary(), [&] {
          auto placed = options;
          placed.working_folder = folder_.path().string();
          return placed;
      }()) {
    wait_until_listening(ready_mark);
}

void gateway_process::wait_until_listening(std::string_view ready_mark) {
    const auto until = clock::now() + start_limit;
    const std::string mark(ready_mark);
    if (!child_.wait_for_output(mark, start_limit)) {
        throw std::runtime_error("the gateway does not listen; stderr: " + child_.standard_error());
    }
    std::string line;
    do {
        const auto text = child_.standard_output();
        const auto at = text.find(mark);
        const auto end = text.find('\n', at);
        if (end != std::string::npos) {
            line = text.substr(at, end - at);
        }
    } while (line.empty() && clock::now() < until && child_.wait_for_output("\n", start_limit));
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
}

}  // namespace meta_model::support
