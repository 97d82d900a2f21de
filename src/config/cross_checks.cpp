#include "config/cross_checks.hpp"

#include "base/text.hpp"
#include "config/profile_members.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace meta_model::config {

namespace {

constexpr int most_nested_profiles = 3;  // within one another, the outermost included

std::string profile_label(const profile& p) {
    return "[profiles.\"" + p.name + "\"]";
}

class reference_check {
public:
    reference_check(const node& root, const gateway_config& config, problem_list& problems)
        : root_(root), config_(config), problems_(problems) {}

    void check_profile(const profile& p) {
        std::set<std::string> used;
        if (p.type == profile_type::passthrough) {
            check_list(p, "upstream", p.upstreams, used);
        } else {
            check_members(p, "upstreams", p.upstreams, used);
        }
        check_members(p, "generators", p.generators, used);
        check_steps(p, used);
        if (!p.synthesizer.empty()) {
            check_one(
                p,
                position_of(root_, {"profiles", std::string_view(p.name), "synthesizer"}),
                "synthesizer",
                p.synthesizer
            );
            used.insert(p.synthesizer);
        }
        if (!p.judge.empty()) {
            check_one(
                p,
                position_of(root_, {"profiles", std::string_view(p.name), "judge"}),
                "judge",
                p.judge
            );
        }
        if (!p.tokenizer_upstream.empty() && !used.contains(p.tokenizer_upstream)) {
            problems_.error(
                position_of(root_, {"profiles", std::string_view(p.name), "tokenizer_upstream"}),
                profile_label(p) + ".tokenizer_upstream = '" + p.tokenizer_upstream
                    + "' is not an upstream that this profile uses"
            );
        }
        check_relayed_wire(p);
        check_prices(p, used);
        if (p.type == profile_type::moa && !p.advertised_context) {
            check_advertised_length(p);
        }
    }

    // It is served by one upstream's own answer.
    static bool is_relay(const profile& p) {
        const bool is_alone = p.generators.size() == 1 && p.generators.front() == p.synthesizer
                              && (p.members.empty() || p.members.front().samples == 1);
        return p.type == profile_type::passthrough || (p.type == profile_type::moa && is_alone);
    }

    // The calls that a request to a profile may have under way at the same time.
    void check_width(const profile& p) {
        if (depth_of(p.name) > most_nested_profiles) {
            return;
        }
        const auto calls = calls_of(p.name);
        if (calls > max_panel_calls) {
            problems_.error(
                position_of(root_, {"profiles", std::string_view(p.name)}),
                profile_label(p) + ": with the profiles that it names a request has up to "
                    + std::to_string(calls) + " calls at a time; at most "
                    + std::to_string(max_panel_calls) + " are allowed"
            );
        }
    }

    void check_route(
        std::string_view table, const modality_route& route, modality wanted, std::string_view name
    ) {
        for (std::size_t i = 0; i < route.endpoints.size(); ++i) {
            const auto& key = route.endpoints[i];
            const auto label = '[' + std::string(table) + "].endpoints[" + std::to_string(i)
                               + "] = '" + key + '\'';
            const auto at = position_of(root_, {table, "endpoints", i});
            const auto it = config_.upstreams.find(key);
            if (it == config_.upstreams.end()) {
                problems_.error(at, label + " is not a defined upstream");
            } else if (std::ranges::find(it->second.modalities, wanted)
                       == it->second.modalities.end()) {
                problems_.error(
                    at, label + " does not declare the modality '" + std::string(name) + '\''
                );
            } else {
                check_wire(at, label, key);
            }
        }
    }

private:
    void check_one(
        const profile& p, position at, std::string_view key, const std::string& upstream
    ) {
        const auto what = profile_label(p) + '.' + std::string(key) + " = '" + upstream + '\'';
        if (!config_.upstreams.contains(upstream)) {
            problems_.error(at, what + " is not a defined upstream");
        } else if (p.type != profile_type::passthrough) {
            check_wire(at, what, upstream);
        }
    }

    // Its replies pass as they are: nothing can be taken out of them.
    void check_relayed_wire(const profile& p) {
        const auto it = p.upstreams.empty() ? config_.upstreams.end()
                                            : config_.upstreams.find(p.upstreams.front());
        const bool is_hidden = p.type == profile_type::passthrough && !p.expose_reasoning;
        if (is_hidden && it != config_.upstreams.end()
            && it->second.wire == openai_wire::responses) {
            problems_.error(
                position_of(root_, {"profiles", std::string_view(p.name), "expose_reasoning"}),
                profile_label(p)
                    + ".expose_reasoning = false: its upstream has wire = \"responses\", whose "
                      "replies pass as they are"
            );
        }
    }

    // Whoever is asked by the gateway itself is asked in the words of a chat.
    void check_wire(position at, const std::string& what, const std::string& upstream) {
        if (config_.upstreams.at(upstream).wire == openai_wire::responses) {
            problems_.error(
                at,
                what + " has wire = \"responses\": only a passthrough profile can use that upstream"
            );
        }
    }

    void check_list(
        const profile& p,
        std::string_view key,
        const std::vector<std::string>& upstreams,
        std::set<std::string>& used
    ) {
        for (std::size_t i = 0; i < upstreams.size(); ++i) {
            check_one(
                p,
                position_of(root_, {"profiles", std::string_view(p.name), key, i}),
                key,
                upstreams[i]
            );
            used.insert(upstreams[i]);
        }
    }

    // Upstreams or profiles that are asked like upstreams.
    void check_members(
        const profile& p,
        std::string_view key,
        const std::vector<std::string>& names,
        std::set<std::string>& used
    ) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            check_member(
                p,
                position_of(root_, {"profiles", std::string_view(p.name), key, i}),
                profile_label(p) + '.' + std::string(key),
                names[i]
            );
            used.insert(names[i]);
        }
    }

    void check_member(
        const profile& p, position at, const std::string& label, const std::string& name
    ) {
        const auto what = label + " = '" + name + '\'';
        std::set<std::string> seen;
        if (config_.upstreams.contains(name)) {
            check_wire(at, what, name);
            return;
        }
        if (!config_.profiles.contains(name)) {
            problems_.error(at, what + " is neither a defined upstream nor a profile");
        } else if (leads_to(name, p.name, seen)) {
            problems_.error(at, what + " leads back to this profile");
        } else if (is_relay(config_.profiles.at(name))) {
            problems_.error(at, what + " only passes on to one upstream: name that upstream");
        } else if (config_.profiles.at(name).type == profile_type::voting
                   && !config_.features.voting) {
            problems_.error(at, what + " is a voting profile, and voting is off (features.voting)");
        } else if (depth_of(name) >= most_nested_profiles) {
            problems_.error(
                at,
                what + " nests more than " + std::to_string(most_nested_profiles)
                    + " profiles in one another"
            );
        }
    }

    void check_steps(const profile& p, std::set<std::string>& used) {
        for (std::size_t i = 0; i < p.steps.size(); ++i) {
            const auto& use = p.steps[i].use;
            used.insert(use);
            if (!use.empty()) {
                check_member(
                    p,
                    position_of(root_, {"profiles", std::string_view(p.name), "steps", i, "use"}),
                    profile_label(p) + ".steps[" + std::to_string(i) + "].use",
                    use
                );
            }
            if (p.steps[i].accept) {
                check_gate(p, i, "agree_with", p.steps[i].accept->agree_with, used);
                check_gate(p, i, "judge", p.steps[i].accept->judge, used);
            }
        }
    }

    // An upstream that a step's gate asks.
    void check_gate(
        const profile& p,
        std::size_t step,
        std::string_view key,
        const std::string& upstream,
        std::set<std::string>& used
    ) {
        if (upstream.empty()) {
            return;
        }
        used.insert(upstream);
        const auto at = position_of(
            root_, {"profiles", std::string_view(p.name), "steps", step, "accept", key}
        );
        const auto what = profile_label(p) + ".steps[" + std::to_string(step) + "].accept."
                          + std::string(key) + " = '" + upstream + '\'';
        if (!config_.upstreams.contains(upstream)) {
            problems_.error(at, what + " is not a defined upstream");
        } else {
            check_wire(at, what, upstream);
        }
    }

    // True when `from` is the profile `to`, or what it names leads there.
    bool leads_to(const std::string& from, const std::string& to, std::set<std::string>& seen)
        const {
        const auto it = config_.profiles.find(from);
        if (it == config_.profiles.end() || !seen.insert(from).second) {
            return false;
        }
        return from == to || std::ranges::any_of(member_names(it->second), [&](const auto& m) {
                   return leads_to(m, to, seen);
               });
    }

    // Of profiles within one another; 0 for an upstream. Beyond `most` it is not looked any further.
    int depth_of(const std::string& name, int most = most_nested_profiles) const {
        const auto it = config_.profiles.find(name);
        int deepest = 0;
        if (it == config_.profiles.end()) {
            return deepest;
        }
        for (const auto& member : member_names(it->second)) {
            deepest = std::max(deepest, most > 0 ? depth_of(member, most - 1) : 0);
        }
        return deepest + 1;
    }

    // Calls at a time. Of profiles that are not nested too deeply.
    int calls_of(const std::string& name) const {
        const auto it = config_.profiles.find(name);
        if (it == config_.profiles.end()) {
            return 1;
        }
        const auto& p = it->second;
        const auto members = member_names(p);
        const bool is_panel = p.type == profile_type::moa || p.type == profile_type::voting;
        int calls = is_panel ? 0 : 1;
        for (std::size_t i = 0; i < members.size(); ++i) {
            const auto own = calls_of(members[i]);
            const auto samples = i < p.members.size() ? p.members[i].samples : 1;
            calls = is_panel ? calls + own * samples : std::max(calls, own);
        }
        return calls;
    }

    // Without any price nothing ever costs anything, and the limit says nothing.
    void check_prices(const profile& p, const std::set<std::string>& used) {
        const auto is_priced = [&](const std::string& key) {
            const auto it = config_.upstreams.find(key);
            return it == config_.upstreams.end() || it->second.pricing != upstream_pricing{};
        };
        if (p.max_cost && std::ranges::none_of(used, is_priced)
            && (p.judge.empty() || !is_priced(p.judge))) {
            problems_.warning(
                position_of(root_, {"profiles", std::string_view(p.name), "max_cost_usd"}),
                profile_label(p)
                    + ".max_cost_usd: none of its upstreams has a price in [upstreams.X.pricing]: "
                      "all of them count as free"
            );
        }
    }

    // What a MoA profile advertises must leave room for a prompt (spec §4.6).
    void check_advertised_length(const profile& p) {
        const auto it = config_.upstreams.find(p.synthesizer);
        if (it == config_.upstreams.end()) {
            return;
        }
        const auto& s = it->second;
        const auto length = std::int64_t{s.context} - p.synth_prompt_overhead_tokens
                            - p.non_client_synth_reserve_tokens - s.max_output;
        if (length <= 0) {
            problems_.error(
                position_of(root_, {"profiles", std::string_view(p.name), "synthesizer"}),
                profile_label(p) + ": the length left for a prompt is ≤ 0: synthesizer context "
                    + std::to_string(s.context) + " − synth_prompt_overhead_tokens "
                    + std::to_string(p.synth_prompt_overhead_tokens)
                    + " − non_client_synth_reserve_tokens "
                    + std::to_string(p.non_client_synth_reserve_tokens) + " − max_output "
                    + std::to_string(s.max_output) + "; set advertised_context or lower them"
            );
        }
    }

    const node& root_;
    const gateway_config& config_;
    problem_list& problems_;
};

}  // namespace

void check_references(const node& root, const gateway_config& config, problem_list& problems) {
    reference_check check(root, config, problems);
    for (const auto& [name, p] : config.profiles) {
        check.check_profile(p);
    }
    for (const auto& [name, p] : config.profiles) {
        check.check_width(p);
    }
    check.check_route("vision", config.vision, modality::image, "image");
    check.check_route("video", config.video, modality::video, "video");
    check.check_route("audio", config.audio, modality::audio, "audio");
}

void check_names(const node& root, const gateway_config& config, problem_list& problems) {
    std::map<std::string, std::string> taken;  // lower-cased name -> what holds it
    const auto claim = [&](const std::string& name, const std::string& what, position at) {
        const auto [it, is_new] = taken.emplace(base::ascii_lower(name), what);
        if (!is_new) {
            problems.error(at, what + " collides with " + it->second);
        }
    };
    for (const auto& [name, p] : config.profiles) {
        claim(
            name, "profile '" + name + '\'', position_of(root, {"profiles", std::string_view(name)})
        );
    }
    for (const auto& [key, u] : config.upstreams) {
        claim(
            key, "upstream '" + key + '\'', position_of(root, {"upstreams", std::string_view(key)})
        );
    }
    for (const auto& [name, p] : config.profiles) {
        for (const auto& alias : p.aliases) {
            claim(
                alias,
                "alias '" + alias + '\'',
                position_of(root, {"profiles", std::string_view(name), "aliases"})
            );
        }
    }
    if (!config.server.model_name.empty()) {
        claim(
            config.server.model_name,
            "model_name '" + config.server.model_name + '\'',
            position_of(root, {"server", "model_name"})
        );
    }
}

}  // namespace meta_model::config
