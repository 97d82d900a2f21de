#include "dispatch/catalog.hpp"

#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/moa_prompts.hpp"
#include "dispatch/prompt_budget.hpp"
#include "dispatch/shared_calls.hpp"

#include <algorithm>
#include <limits>

namespace meta_model::dispatch {

namespace {

using config::modality;
using config::profile_type;

telemetry::strategy strategy_of(profile_type type) {
    switch (type) {
        case profile_type::passthrough: return telemetry::strategy::passthrough;
        case profile_type::moa: return telemetry::strategy::moa;
        case profile_type::cascade: return telemetry::strategy::cascade;
        case profile_type::voting: return telemetry::strategy::voting;
    }
    return telemetry::strategy::none;
}

// What spec §2.7 derives for a catalogue entry.
struct capabilities {
    int max_model_len = 0;
    std::int64_t uncompacted_len = 0;  // of a moa: what each of its models sees whole
    bool function_calling = false;
    bool thinking = false;
};

int smallest_context(const std::vector<upstream::upstream_state*>& upstreams) {
    int least = 0;
    for (const auto* u : upstreams) {
        least = least == 0 ? u->config.context : std::min(least, u->config.context);
    }
    return least;
}

capabilities capabilities_of(const target& t) {
    const auto calls = [](const auto* u) { return u->config.supports_function_calling; };
    const auto thinks = [](const auto* u) { return u->config.supports_thinking; };
    capabilities out;
    const bool needs_all = t.type == profile_type::voting;
    out.function_calling = needs_all ? std::ranges::all_of(t.upstreams, calls)
                                     : std::ranges::any_of(t.upstreams, calls);
    out.thinking = needs_all ? std::ranges::all_of(t.upstreams, thinks)
                             : std::ranges::any_of(t.upstreams, thinks);
    out.max_model_len = smallest_context(t.upstreams);
    // A moa profile of one upstream is served as a passthrough but listed as what it was written as.
    if (t.profile != nullptr && t.profile->type == profile_type::moa) {
        const auto& p = *t.profile;
        const auto& s = t.synthesizer->config;
        out.thinking = out.thinking || s.supports_thinking;
        out.max_model_len = p.advertised_context
                                ? *p.advertised_context
                                : s.context - p.synth_prompt_overhead_tokens
                                      - p.non_client_synth_reserve_tokens - s.max_output;
        const auto least = std::min(smallest_context(t.upstreams), s.context);
        const auto own_text = generator_text_tokens(p, t.seats.size());
        out.uncompacted_len = std::max<std::int64_t>(0, prompt_budget(least, 0) - own_text);
    }
    out.thinking = out.thinking && t.expose_reasoning;
    return out;
}

void append_flag(std::string& out, std::string_view key, bool value, std::string_view after = ",") {
    out += '"';
    out += key;
    out += value ? "\":true" : "\":false";
    out += after;
}

std::unique_ptr<const media_routes> routes_of(
    const config::gateway_config& config, const upstream::registry& upstreams
) {
    auto out = std::make_unique<media_routes>();
    const auto add = [&](const config::modality_route& table, auto& into) {
        for (const auto& key : table.endpoints) {
            into.push_back(upstreams.find(key));
        }
    };
    add(config.vision, out->vision);
    add(config.video, out->video);
    add(config.audio, out->audio);
    return out;
}

media_set seen_by_all(const target& t) {
    auto out = declared_media(t.upstreams.front()->config);
    for (const auto* u : t.upstreams) {
        out = out.common(declared_media(u->config));
    }
    for (const auto& gate : t.gates) {
        if (gate.agree_with != nullptr) {
            out = out.common(declared_media(gate.agree_with->config));
        }
    }
    return out;
}

// What the legs of other profiles see of one: a whole reply each time. Its own calls have the limits, the retries and the
// breakers; what it costs they tell (ledger_line::sub).
config::upstream as_upstream(const target& t) {
    const auto caps = capabilities_of(t);
    config::upstream out;
    out.key = t.name;
    out.model_id = t.name;
    out.protocol = config::wire_protocol::test;  // nothing is connected to
    out.context = caps.max_model_len;
    for (const auto* u : t.upstreams) {
        out.max_output = std::max(out.max_output, u->config.max_output);
    }
    if (t.type == profile_type::moa) {
        out.max_output = t.synthesizer->config.max_output;
    }
    out.supports_function_calling = caps.function_calling;
    out.supports_thinking = caps.thinking;
    for (const auto kind : media_kinds) {
        if (t.sees.has(kind)) {
            out.modalities.push_back(kind);
        }
    }
    out.stream = false;
    out.retry.max_attempts = 1;
    out.breaker.failures = std::numeric_limits<int>::max();
    return out;
}

step_gate_target gate_of(const config::cascade_step& step, const upstream::registry& upstreams) {
    step_gate_target out;
    if (step.accept) {
        out.gate = &*step.accept;
        out.agree_with = upstreams.find(step.accept->agree_with);
        out.judge = upstreams.find(step.accept->judge);
    }
    return out;
}

}  // namespace

nested_profile::nested_profile(config::upstream as_upstream, const dispatch::target& serves)
    : config(std::move(as_upstream)),
      state(config, std::numeric_limits<std::size_t>::max(), nullptr),
      target(serves) {
}

const nested_profile* target::nested_in(const upstream::upstream_state& u) const {
    const auto it = std::ranges::find_if(nested, [&](const auto* n) { return &n->state == &u; });
    return it == nested.end() ? nullptr : *it;
}

catalog::catalog(
    const config::gateway_config& config,
    const upstream::registry& upstreams,
    const profile_ids& ids,
    std::int64_t created
)
    : config_(config),
      routes_(routes_of(config, upstreams)),
      facade_(base::ascii_lower(config.server.model_name)) {
    for (const auto& [name, profile] : config.profiles) {
        if (!by_name_.contains(name)) {
            add_profile(profile, upstreams, ids);
        }
    }
    for (const auto& upstream : upstreams.all()) {
        add_direct(*upstream, ids);
    }
    const target* first = nullptr;
    for (const auto& t : targets_) {
        const bool may_stand = t->profile != nullptr && t->profile->type != profile_type::voting;
        if (may_stand
            && (first == nullptr || t->profile->file_order < first->profile->file_order)) {
            first = t.get();
        }
    }
    facade_target_ = first;
    list_models(created);
}

void catalog::add_profile(
    const config::profile& p, const upstream::registry& upstreams, const profile_ids& ids
) {
    auto t = std::make_unique<target>();
    t->name = p.name;
    t->profile = &p;
    t->type = p.type;
    t->expose_reasoning = p.expose_reasoning;
    t->id = ids(p.name);
    t->profile_header = "X-MetaModel-Profile: " + base::header_safe(p.name) + "\r\n";
    const auto& names = p.type == profile_type::moa ? p.generators : p.upstreams;
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto* const u = member(*t, names[i], upstreams, ids);
        if (i >= p.members.size()) {
            t->upstreams.push_back(u);
            continue;
        }
        for (int sample = 0; sample < p.members[i].samples; ++sample) {
            t->upstreams.push_back(u);
            // Nobody is told another number in the same call.
            const bool may_join =
                joins_call(sample, u->config.max_n) && p.generator_prompt.count_of("number") == 0;
            t->seats.push_back({&p.members[i], sample, may_join});
        }
    }
    for (const auto& step : p.steps) {
        t->upstreams.push_back(member(*t, step.use, upstreams, ids));
        t->gates.push_back(gate_of(step, upstreams));
    }
    if (p.type == profile_type::moa) {
        t->synthesizer = upstreams.find(p.synthesizer);
        if (t->upstreams.size() == 1 && t->upstreams.front() == t->synthesizer) {
            t->type = profile_type::passthrough;
        }
    } else if (!p.judge.empty()) {
        t->synthesizer = upstreams.find(p.judge);
    }
    t->strategy = strategy_of(t->type);
    t->sees = t->upstreams.empty() ? media_set() : seen_by_all(*t);
    t->routes = routes_.get();
    by_name_[p.name] = t.get();
    for (const auto& alias : p.aliases) {
        by_alias_[base::ascii_lower(alias)] = t.get();
    }
    targets_.push_back(std::move(t));
}

// An upstream, or the profile of that name as one.
upstream::upstream_state* catalog::member(
    target& of, const std::string& name, const upstream::registry& upstreams, const profile_ids& ids
) {
    if (auto* const u = upstreams.find(name)) {
        return u;
    }
    auto& profile = nest(name, upstreams, ids);
    if (std::ranges::find(of.nested, &profile) == of.nested.end()) {
        of.nested.push_back(&profile);
    }
    return &profile.state;
}

// The configuration has no cycles.
nested_profile& catalog::nest(
    const std::string& name, const upstream::registry& upstreams, const profile_ids& ids
) {
    const auto found =
        std::ranges::find_if(nested_, [&](const auto& n) { return n->config.key == name; });
    if (found != nested_.end()) {
        return **found;
    }
    if (!by_name_.contains(name)) {
        add_profile(config_.profiles.at(name), upstreams, ids);
    }
    const auto& t = *by_name_.at(name);
    nested_.push_back(std::make_unique<nested_profile>(as_upstream(t), t));
    return *nested_.back();
}

void catalog::add_direct(upstream::upstream_state& u, const profile_ids& ids) {
    auto t = std::make_unique<target>();
    t->name = u.config.key;
    t->id = ids(u.config.key);
    t->strategy = telemetry::strategy::passthrough;
    t->profile_header = "X-MetaModel-Profile: " + base::header_safe(u.config.key) + "\r\n";
    t->upstreams.push_back(&u);
    by_upstream_[u.config.key] = t.get();
    targets_.push_back(std::move(t));
}

const target* catalog::find_profile(std::string_view name) const {
    if (const auto it = by_name_.find(name); it != by_name_.end()) {
        return it->second;
    }
    const auto it = by_alias_.find(base::ascii_lower(name));
    return it == by_alias_.end() ? nullptr : it->second;
}

base::result<const target*> catalog::resolve(std::string_view name) const {
    if (by_upstream_.empty()) {
        return base::make_error(base::error_code_id::no_upstream, "No upstream is configured.");
    }
    const target* found = find_profile(name);
    if (found == nullptr && !facade_.empty() && base::ascii_iequals(name, facade_)) {
        found = facade_target_;
    } else if (found == nullptr) {
        const auto it = by_upstream_.find(name);
        found = it == by_upstream_.end() ? nullptr : it->second;
    }
    if (found == nullptr) {
        return base::make_error(
            base::error_code_id::model_not_found,
            "The model '" + base::clip(name, 256) + "' does not exist."
        );
    }
    if (found->type == profile_type::voting && !config_.features.voting) {
        return base::make_error(
            base::error_code_id::feature_disabled,
            "The profile '" + found->name + "' is a voting profile and voting is switched off."
        );
    }
    return found;
}

void catalog::list_models(std::int64_t created) {
    created_ = created;
    const auto add = [&](std::string_view id, const target& t, std::string_view alias_of) {
        const auto caps = capabilities_of(t);
        const bool vision = !config_.vision.endpoints.empty();
        const bool image_tools =
            std::ranges::any_of(config_.vision.endpoints, [&](const auto& key) {
                return config_.upstreams.at(key).supports_function_calling;
            });
        std::string json = R"({"id":)";
        api::append_json_string(json, id);
        json += R"(,"object":"model","created":)";
        api::append_json_number(json, created);
        json += R"(,"owned_by":"meta-model","max_model_len":)";
        api::append_json_number(json, caps.max_model_len);
        if (t.profile != nullptr && t.profile->type == profile_type::moa) {
            json += R"(,"uncompacted_len":)";
            api::append_json_number(json, caps.uncompacted_len);
        }
        json += R"(,"capabilities":{)";
        append_flag(json, "vision", vision);
        append_flag(json, "video", !config_.video.endpoints.empty());
        append_flag(json, "audio", !config_.audio.endpoints.empty());
        append_flag(json, "function_calling", caps.function_calling);
        append_flag(json, "effective_image_capability", vision);
        append_flag(json, "supports_image_tools", image_tools);
        append_flag(json, "thinking", caps.thinking);
        append_flag(json, "reasoning_visible", t.expose_reasoning, "}");
        if (!alias_of.empty()) {
            json += R"(,"alias_of":)";
            api::append_json_string(json, alias_of);
        }
        json += '}';
        models_.push_back({std::string(id), std::move(json)});
    };
    const auto is_listed = [&](const target& t) {
        return t.type != profile_type::voting || config_.features.voting;
    };
    if (!facade_.empty() && facade_target_ != nullptr) {
        add(config_.server.model_name, *facade_target_, {});
    }
    std::map<std::string, const target*> aliases;  // with the casing of the configuration
    for (const auto& [name, t] : by_name_) {
        if (is_listed(*t)) {
            add(name, *t, {});
            for (const auto& alias : t->profile->aliases) {
                aliases[alias] = t;
            }
        }
    }
    for (const auto& [alias, t] : aliases) {
        add(alias, *t, t->name);
    }
    // Without profiles the upstreams are all there is to call.
    if (by_name_.empty()) {
        for (const auto& [key, t] : by_upstream_) {
            add(key, *t, {});
        }
    }
}

}  // namespace meta_model::dispatch
