// Log lines as key=value or JSON, to standard error, written by a thread of their own: a slow terminal or pipe never holds up a request.
// Rare lines go through write(); access lines are collected per thread and handed over in blocks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace meta_model::base {

enum class log_level : std::uint8_t { debug, info, warning, error };

struct log_field {
    std::string_view key;
    std::string_view value;
};

struct log_options {
    log_level level = log_level::info;
    bool is_json = false;
    std::size_t max_queued_blocks = 8192;  // beyond: the oldest are dropped and counted
};

class logger {
public:
    explicit logger(const log_options& options);
    ~logger();  // writes what is queued

    bool is_enabled(log_level level) const { return level >= options_.level; }

    // From any thread.
    void write(
        log_level level, std::string_view message, std::initializer_list<log_field> fields = {}
    );

    // Whole lines, each with its line end. From any thread.
    void write_block(std::string block);

    // Returns when what was written so far is out.
    void flush();

    std::uint64_t dropped_blocks() const;

private:
    class writer;
    log_options options_;
    std::unique_ptr<writer> writer_;
};

// Appends `key=value` with a leading space, quoted when the value needs it; or `,"key":"value"`.
void append_log_field(
    std::string& line, bool is_json, std::string_view key, std::string_view value
);
// The same for a value that is a number.
void append_log_number(std::string& line, bool is_json, std::string_view key, std::int64_t value);
// Begins a line with its time and level.
void begin_log_line(std::string& line, bool is_json, log_level level, std::string_view message);
void end_log_line(std::string& line, bool is_json);

}  // namespace meta_model::base
