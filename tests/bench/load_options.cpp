#include "load_options.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace meta_model::bench {

namespace {

constexpr const char* usage =
    "bench_load_generator closed|open|hold --port N [options]; prints one JSON line\n"
    "  --connections N       (1)\n"
    "  --seconds S           no new request after this time (1)\n"
    "  --rate R              open: requests per second\n"
    "  --spread S            closed: spread the first requests over S seconds (0)\n"
    "  --path P              (/v1/chat/completions)\n"
    "  --model M  --token T  the model asked for; the bearer token\n"
    "  --header LINE         one more header line, e.g. \"X-Name: value\"; may be repeated\n"
    "  --body-bytes N        size of the request body (1024)\n"
    "  --text mixed|code     what the conversation is made of (mixed)\n"
    "  --stream              ask for SSE, check [DONE], read the stamps\n"
    "  --expect-bytes N      every JSON reply must have this length\n"
    "  --expect-chunks N     every stream must have this many stamped chunks\n"
    "hold prints `ready` when every connection was answered and ends when stdin does.\n";

[[noreturn]] void refuse(std::string_view argument) {
    const auto length = static_cast<int>(argument.size());
    std::fprintf(stderr, "not understood: %.*s\n%s", length, argument.data(), usage);
    std::exit(2);
}

load_mode mode_named(std::string_view name) {
    if (name == "closed") return load_mode::closed;
    if (name == "open") return load_mode::open;
    if (name == "hold") return load_mode::hold;
    refuse(name);
}

conversation_text text_named(std::string_view name) {
    if (name == "mixed") return conversation_text::mixed;
    if (name == "code") return conversation_text::code;
    refuse(name);
}

std::uint64_t whole(const char* text) {
    return std::strtoull(text, nullptr, 10);
}

double real(const char* text) {
    return std::strtod(text, nullptr);
}

struct option_rule {
    std::string_view name;
    void (*apply)(load_options&, const char* value);
};

using options_ref = load_options&;

constexpr option_rule rules[] = {
    {"--port", [](options_ref o, auto v) { o.port = static_cast<std::uint16_t>(whole(v)); }},
    {"--connections", [](options_ref o, auto v) { o.connections = whole(v); }},
    {"--seconds", [](options_ref o, auto v) { o.seconds = real(v); }},
    {"--rate", [](options_ref o, auto v) { o.rate = real(v); }},
    {"--spread", [](options_ref o, auto v) { o.spread_s = real(v); }},
    {"--path", [](options_ref o, auto v) { o.request.path = v; }},
    {"--model", [](options_ref o, auto v) { o.request.model = v; }},
    {"--token", [](options_ref o, auto v) { o.request.token = v; }},
    {"--header", [](options_ref o, auto v) { o.request.header_lines.append(v).append("\r\n"); }},
    {"--body-bytes", [](options_ref o, auto v) { o.request.body_bytes = whole(v); }},
    {"--text", [](options_ref o, auto v) { o.request.text = text_named(v); }},
    {"--expect-bytes", [](options_ref o, auto v) { o.expected_bytes = whole(v); }},
    {"--expect-chunks", [](options_ref o, auto v) { o.expected_chunks = whole(v); }},
};

const option_rule* rule_named(std::string_view name) {
    for (const option_rule& rule : rules) {
        if (rule.name == name) return &rule;
    }
    return nullptr;
}

}  // namespace

load_options parse_command_line(int argc, char** argv) {
    if (argc < 2) refuse("nothing");
    load_options options;
    options.mode = mode_named(argv[1]);
    for (int i = 2; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--stream") {
            options.request.stream = true;
            continue;
        }
        const option_rule* rule = rule_named(name);
        if (rule == nullptr || i + 1 >= argc) refuse(name);
        rule->apply(options, argv[++i]);
    }
    const bool needs_rate = options.mode == load_mode::open;
    if (options.port == 0 || options.connections == 0) refuse("--port or --connections missing");
    if (needs_rate && options.rate <= 0) refuse("--rate missing");
    return options;
}

}  // namespace meta_model::bench
