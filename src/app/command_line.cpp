#include "app/command_line.hpp"

#include <charconv>
#include <utility>

namespace meta_model::app {

namespace {

bool parse_port(const std::string& text, std::uint16_t& out) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && ec == std::errc{} && end == text.data() + text.size();
}

bool set_command(const std::string& word, command& out) {
    constexpr std::pair<const char*, command> names[] = {
        {"serve", command::serve},
        {"check", command::check},
        {"help", command::help},
        {"version", command::version}
    };
    for (const auto& [name, c] : names) {
        if (word == name) {
            out = c;
            return true;
        }
    }
    return false;
}

}  // namespace

std::string usage() {
    return R"(usage: meta-model [COMMAND] [OPTIONS]

One OpenAI-compatible endpoint in front of many models.

commands:
  serve      run the gateway (the default)
  check      validate the configuration, print every problem as file:line:column: text
  version    print the version

options:
  --config FILE   the configuration; else $META_MODEL_CONFIG, else ./meta-model.toml
  --host HOST     listen on this address instead of the configured one
  --port PORT     listen on this port; 0 picks a free one
  --demo          serve an embedded fleet of simulated models; no configuration is read
  --help          print this text
  --version       print the version

exit codes: 0 success, 1 configuration or start-up problem, 2 usage
)";
}

parsed_command_line parse_command_line(const std::vector<std::string>& arguments) {
    parsed_command_line out;
    bool has_command = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        auto name = arguments[i];
        std::optional<std::string> value;
        if (const auto equals = name.find('=');
            name.starts_with("--") && equals != std::string::npos) {
            value = name.substr(equals + 1);
            name.resize(equals);
        }
        const auto take_value = [&] {
            if (!value && i + 1 < arguments.size()) {
                value = arguments[++i];
            }
            return value.has_value() && !value->empty();
        };
        if (name == "--help" || name == "-h") {
            out.line.command = command::help;
            return out;
        }
        if (name == "--version") {
            out.line.command = command::version;
            return out;
        }
        if (name == "--demo" && !value) {
            out.line.is_demo = true;
        } else if (name == "--config" || name == "--host" || name == "--port") {
            if (!take_value()) {
                out.error = name + " needs a value";
                return out;
            }
            std::uint16_t port = 0;
            if (name == "--config") {
                out.line.config_path = *value;
            } else if (name == "--host") {
                out.line.host = *value;
            } else if (parse_port(*value, port)) {
                out.line.port = port;
            } else {
                out.error = "--port takes a number from 0 to 65535, not '" + *value + "'";
                return out;
            }
        } else if (!has_command && !name.starts_with("-") && set_command(name, out.line.command)) {
            has_command = true;
        } else {
            out.error = "unknown argument '" + arguments[i] + "'";
            return out;
        }
    }
    if (out.line.is_demo && out.line.config_path) {
        out.error = "--demo and --config cannot be used together";
    }
    return out;
}

}  // namespace meta_model::app
