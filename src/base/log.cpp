#include "base/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

namespace meta_model::base {

namespace {

constexpr std::string_view level_names[] = {"debug", "info", "warning", "error"};

// Printable ASCII that needs no quotes in key=value.
constexpr auto is_plain = [] {
    std::array<bool, 256> table{};
    for (char c = '!'; c < 0x7f; ++c) {
        table[static_cast<unsigned char>(c)] = c != '"' && c != '=' && c != '\\';
    }
    return table;
}();

// As in a JSON string; fit for key=value too.
void append_quoted(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += "\\u00";
            out += hex[(c >> 4) & 15];
            out += hex[c & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

// RFC 3339 with milliseconds. The part up to the second is kept per thread: access lines come many to the second.
void append_time(std::string& out) {
    using namespace std::chrono;
    static thread_local std::time_t kept_second = 0;
    static thread_local char kept[24] = {};
    const auto now = system_clock::now();
    const auto second = system_clock::to_time_t(now);
    if (second != kept_second) {
        std::tm parts{};
        ::gmtime_r(&second, &parts);
        std::strftime(kept, sizeof kept, "%Y-%m-%dT%H:%M:%S", &parts);
        kept_second = second;
    }
    const auto ms =
        static_cast<unsigned>(duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000);
    const char fraction[] = {
        '.',
        static_cast<char>('0' + ms / 100),
        static_cast<char>('0' + ms / 10 % 10),
        static_cast<char>('0' + ms % 10),
        'Z'
    };
    out += kept;
    out.append(fraction, sizeof fraction);
}

}  // namespace

void begin_log_line(std::string& line, bool is_json, log_level level, std::string_view message) {
    line += is_json ? "{\"time\":\"" : "time=";
    append_time(line);
    line += is_json ? "\",\"level\":\"" : " level=";
    line += level_names[static_cast<std::size_t>(level)];
    if (is_json) {
        line += '"';
    }
    append_log_field(line, is_json, "msg", message);
}

void end_log_line(std::string& line, bool is_json) {
    line += is_json ? "}\n" : "\n";
}

void append_log_field(
    std::string& line, bool is_json, std::string_view key, std::string_view value
) {
    if (is_json) {
        line += ",\"";
        line += key;
        line += "\":";
        append_quoted(line, value);
        return;
    }
    line += ' ';
    line += key;
    line += '=';
    const bool plain =
        std::ranges::all_of(value, [](char c) { return is_plain[static_cast<unsigned char>(c)]; });
    if (plain && !value.empty()) {
        line += value;
    } else {
        append_quoted(line, value);
    }
}

void append_log_number(std::string& line, bool is_json, std::string_view key, std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    line += is_json ? ",\"" : " ";
    line += key;
    line += is_json ? "\":" : "=";
    line.append(digits, end);
}

// spdlog's queue and thread. The queue holds messages, not bytes: when it is full the oldest is overwritten and counted.
class logger::writer {
public:
    explicit writer(const log_options& options)
        : pool_(std::make_shared<spdlog::details::thread_pool>(options.max_queued_blocks, 1)),
          log_(std::make_shared<spdlog::async_logger>(
              "meta-model",
              std::make_shared<spdlog::sinks::stderr_sink_mt>(),
              pool_,
              spdlog::async_overflow_policy::overrun_oldest
          )) {
        log_->set_formatter(
            std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, "")
        );
        log_->flush_on(spdlog::level::info);
    }

    void push(std::string_view block) { log_->log(spdlog::level::info, block); }

    std::uint64_t dropped() const { return pool_->overrun_counter(); }

private:
    std::shared_ptr<spdlog::details::thread_pool> pool_;  // its destructor writes what is queued
    std::shared_ptr<spdlog::async_logger> log_;
};

logger::logger(const log_options& options)
    : options_(options), writer_(std::make_unique<writer>(options)) {
}

logger::~logger() = default;

void logger::write(
    log_level level, std::string_view message, std::initializer_list<log_field> fields
) {
    if (!is_enabled(level)) {
        return;
    }
    std::string line;
    begin_log_line(line, options_.is_json, level, message);
    for (const auto& [key, value] : fields) {
        append_log_field(line, options_.is_json, key, value);
    }
    end_log_line(line, options_.is_json);
    writer_->push(line);
}

void logger::write_block(std::string block) {
    writer_->push(block);
}

void logger::flush() {
    // The queue's destructor waits until it is empty.
    writer_ = std::make_unique<writer>(options_);
}

std::uint64_t logger::dropped_blocks() const {
    return writer_->dropped();
}

}  // namespace meta_model::base
