// The command line: what is to be done, and with which configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace meta_model::app {

enum class command { serve, check, explain, help, version };

struct command_line {
    app::command command = command::serve;
    std::optional<std::string> config_path{};  // --config
    std::optional<std::string> host{};
    std::optional<std::uint16_t> port{};
    bool is_demo = false;

    // explain
    std::string profile{};                      // --profile
    std::optional<std::size_t> prompt_bytes{};  // --prompt-bytes
    std::optional<std::string> body_path{};     // --body
    bool is_json = false;                       // --json
};

// The text of a usage error, or nothing.
struct parsed_command_line {
    command_line line{};
    std::string error{};
};

parsed_command_line parse_command_line(const std::vector<std::string>& arguments);

// What `--help` prints.
std::string usage();

}  // namespace meta_model::app
