#include "config/load.hpp"

#include "config/cross_checks.hpp"
#include "config/key_table.hpp"
#include "config/modality_tables.hpp"
#include "config/profile_tables.hpp"
#include "config/server_tables.hpp"
#include "config/upstream_tables.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace meta_model::config {

namespace {

// The file being loaded.
struct document {
    gateway_config& config;
    const std::string& file;
    const environment& env;
};

// Calls read(name, table) for each table in a table of tables, in file order.
template <class F>
void for_each_table(const field& outer, F&& read) {
    const auto* members = outer.value().as<node::table>();
    if (members == nullptr) {
        outer.wrong_type("a table");
        return;
    }
    for (const auto& m : *members) {
        read(m.key, field(nested_label(outer, m.key), m.value, m.at, outer.problems()));
    }
}

void read_upstreams(const field& f, document& d) {
    for_each_table(f, [&](const std::string& key, const field& table) {
        if (key.empty()) {
            table.error(": an upstream needs a name");
            return;
        }
        auto& u = d.config.upstreams[key];
        u.key = key;
        read_upstream(table, u, d.file, d.env);
    });
}

void read_profiles(const field& f, document& d) {
    for_each_table(f, [&](const std::string& name, const field& table) {
        if (name.empty()) {
            table.error(": a profile needs a name");
            return;
        }
        const auto order = d.config.profiles.size();
        auto& p = d.config.profiles[name];
        p.name = name;
        p.file_order = order;
        read_profile(table, p, d.file, d.env);
    });
}

constexpr key_row<document> top_tables[] = {
    {"server",
     [](const field& f, document& d) { read_server(f, d.config.server, d.file, d.env); },
     list_server_keys},
    {"features",
     [](const field& f, document& d) { read_features(f, d.config.features); },
     list_features_keys},
    {"responses",
     [](const field& f, document& d) { read_responses(f, d.config.responses); },
     list_responses_keys},
    {"upstreams",
     read_upstreams,
     [](const std::string& path, key_list& keys) { list_upstream_keys(path + "*.", keys); }},
    {"profiles",
     read_profiles,
     [](const std::string& path, key_list& keys) { list_profile_keys(path + "*.", keys); }},
    {"vision",
     [](const field& f, document& d) { read_vision(f, d.config.vision); },
     list_vision_keys},
    {"video",
     [](const field& f, document& d) { read_modality(f, d.config.video); },
     list_modality_keys},
    {"audio",
     [](const field& f, document& d) { read_modality(f, d.config.audio); },
     list_modality_keys},
};

void read_environment(const environment& env, gateway_config& config, problem_list& problems) {
    const auto text = env.variable ? env.variable("TK_MOA_QUORUM_GRACE_SECS") : std::nullopt;
    if (!text || text->empty()) {
        return;
    }
    char* end = nullptr;
    const double secs = std::strtod(text->c_str(), &end);
    if (*end != '\0' || !std::isfinite(secs) || secs > longest_secs) {
        problems.error(
            {}, "the environment variable TK_MOA_QUORUM_GRACE_SECS is not a number of seconds"
        );
        return;
    }
    config.default_grace = seconds_f(std::max(0.0, secs));
}

}  // namespace

load_result load(std::string_view text, const std::string& file, const environment& env) {
    load_result out;
    problem_list problems(file);
    const auto parsed = parse_toml(text);
    if (!parsed.syntax_error.empty()) {
        problems.error(parsed.error_at, parsed.syntax_error);
        out.problems = problems.take();
        return out;
    }
    document d{.config = out.config, .file = file, .env = env};
    read_table(field("", parsed.root, {}, problems), top_tables, d);
    read_environment(env, out.config, problems);
    check_references(parsed.root, out.config, problems);
    check_names(parsed.root, out.config, problems);
    out.problems = problems.take();
    return out;
}

std::vector<std::string> known_keys() {
    key_list keys;
    list_keys(std::span(top_tables), {}, keys);
    return keys;
}

}  // namespace meta_model::config
