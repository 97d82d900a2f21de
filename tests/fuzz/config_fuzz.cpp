// Loading a configuration never throws, reports problems where the text has a line for them, and what is loaded
// without errors can be served: names resolve, JSON texts are JSON.
#include "config/load.hpp"
#include "fuzz/property.hpp"

#include <nlohmann/json.hpp>

namespace meta_model::config {
namespace {

using fuzz::expect;

// Some variables and files are there, some are not; which, follows from the name.
environment surroundings() {
    const auto answer = [](const std::string& name) -> std::optional<std::string> {
        return name.size() % 2 == 0 ? std::optional<std::string>("secret of " + name + '\n')
                                    : std::nullopt;
    };
    return {.variable = answer, .read_file = answer};
}

bool is_defined(const gateway_config& config, const std::string& upstream) {
    return config.upstreams.contains(upstream);
}

void check_upstream(const std::string& key, const upstream& u) {
    expect(!key.empty() && u.key == key, "an upstream knows its name");
    for (const auto& [name, value] : u.request_overrides) {
        expect(nlohmann::json::accept(value), "an override is JSON");
    }
    expect(
        u.chat_template_kwargs.empty() || nlohmann::json::accept(u.chat_template_kwargs),
        "kwargs are JSON"
    );
    for (const auto& url : u.base_urls) {
        expect(!url.ends_with('/'), "a base URL has no slash at its end");
    }
    expect(u.base_urls.size() <= max_endpoints, "endpoints are bounded");
    expect(u.context >= 1 && u.max_output >= 1, "lengths are positive");
}

void check_profile(const gateway_config& config, const profile& p) {
    for (const auto* list : {&p.upstreams, &p.generators}) {
        for (const auto& name : *list) {
            expect(is_defined(config, name), "a profile's upstreams are defined");
        }
    }
    const bool is_moa = p.type == profile_type::moa;
    expect(!is_moa || is_defined(config, p.synthesizer), "a synthesizer is defined");
    expect(!is_moa || !p.generators.empty(), "a panel has generators");
    expect(is_moa || !p.upstreams.empty(), "a profile has upstreams");
    const bool is_voting = p.type == profile_type::voting;
    expect(!is_voting || p.members.size() == p.upstreams.size(), "every voter has its upstream");
    expect(!is_moa || p.members.size() == p.generators.size(), "every generator has its options");
}

void run(std::string_view text) {
    const auto loaded = load(text, "fuzz.toml", surroundings());
    const auto lines = 2 + static_cast<std::size_t>(std::ranges::count(text, '\n'));
    for (const auto& p : loaded.problems) {
        expect(p.line <= lines, "a problem stands in the file");
        expect(!p.text.empty() && !to_string(p).empty(), "a problem says what it is");
    }
    if (loaded.has_errors()) {
        return;
    }
    for (const auto& [key, u] : loaded.config.upstreams) {
        check_upstream(key, u);
    }
    for (const auto& [name, p] : loaded.config.profiles) {
        expect(!name.empty() && p.name == name, "a profile knows its name");
        check_profile(loaded.config, p);
    }
}

}  // namespace
}  // namespace meta_model::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::config::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
