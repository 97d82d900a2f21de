#include "app/command_line.hpp"

#include <charconv>
#include <utility>

namespace meta_model::app {

namespace {

// False: not a whole number that fits.
template <class Number>
bool parse_number(const std::string& text, Number& out) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && ec == std::errc{} && end == text.data() + text.size();
}

bool set_command(const std::string& word, command& out) {
    constexpr std::pair<const char*, command> names[] = {
        {"serve", command::serve},
        {"check", command::check},
        {"explain", command::explain},
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

constexpr std::size_t most_prompt_bytes = 64u << 20;

void set_explain_option(
    const std::string& name, const std::string& value, parsed_command_line& out
) {
    std::size_t bytes = 0;
    if (name == "--profile") {
        out.line.profile = value;
    } else if (name == "--body") {
        out.line.body_path = value;
    } else if (parse_number(value, bytes) && bytes <= most_prompt_bytes) {
        out.line.prompt_bytes = bytes;
    } else {
        out.error = "--prompt-bytes takes a number up to " + std::to_string(most_prompt_bytes)
                    + ", not '" + value + "'";
    }
}

// Options that belong together, or to one command only.
std::string contradiction(const command_line& line) {
    const bool has_request = !line.profile.empty() || line.prompt_bytes || line.body_path;
    if (line.is_demo && line.config_path) {
        return "--demo and --config cannot be used together";
    }
    if (line.command != command::explain) {
        return has_request || line.is_json
                   ? "--profile, --prompt-bytes, --body and --json are for explain"
                   : "";
    }
    if (line.prompt_bytes && line.body_path) {
        return "--prompt-bytes and --body cannot be used together";
    }
    if (line.profile.empty() && !line.body_path) {
        return "explain needs --profile or --body";
    }
    return "";
}

}  // namespace

std::string usage() {
    return R"(usage: meta-model [COMMAND] [OPTIONS]

One OpenAI-compatible endpoint in front of many models.

commands:
  serve      run the gateway (the default)
  check      validate the configuration, print every problem as file:line:column: text
  explain    print what a request would do and cost at most, without calling anybody
  version    print the version

options:
  --config FILE   the configuration; else $META_MODEL_CONFIG, else ./meta-model.toml
  --host HOST     listen on this address instead of the configured one
  --port PORT     listen on this port; 0 picks a free one
  --demo          serve an embedded fleet of simulated models; no configuration is read
  --profile NAME  explain: this profile, or the upstream with this key
  --prompt-bytes N
                  explain: a request with one message of N bytes (default 4000)
  --body FILE     explain: the request in this file, as a client would send it
  --json          explain: print JSON
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
        } else if (name == "--json" && !value) {
            out.line.is_json = true;
        } else if (name == "--profile" || name == "--prompt-bytes" || name == "--body") {
            if (!take_value()) {
                out.error = name + " needs a value";
                return out;
            }
            set_explain_option(name, *value, out);
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
            } else if (parse_number(*value, port)) {
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
    if (out.error.empty()) {
        out.error = contradiction(out.line);
    }
    return out;
}

}  // namespace meta_model::app
