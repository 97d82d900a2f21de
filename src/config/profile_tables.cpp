#include "config/profile_tables.hpp"

#include "base/text.hpp"
#include "config/cascade_steps.hpp"
#include "config/panel_members.hpp"
#include "config/prompt_files.hpp"
#include "config/voting_keys.hpp"

#include <algorithm>

namespace meta_model::config {

namespace {

constexpr choice<profile_type> types[] = {
    {"passthrough", profile_type::passthrough},
    {"moa", profile_type::moa},
    {"cascade", profile_type::cascade},
    {"voting", profile_type::voting},
};
constexpr choice<synthesis_mode> synthesis_modes[] = {
    {"merge", synthesis_mode::merge},
    {"best-of", synthesis_mode::best_of},
};
constexpr choice<agreement_rule> agreement_rules[] = {
    {"off", agreement_rule::off},
    {"exact", agreement_rule::exact},
    {"canonical", agreement_rule::canonical},
};
constexpr choice<on_all_fail> failure_answers[] = {
    {"bubble_last_error", on_all_fail::bubble_last_error},
    {"structured_502", on_all_fail::structured_502},
};
constexpr choice<on_cut> cut_answers[] = {{"error", on_cut::error}, {"resume", on_cut::resume}};
constexpr choice<vote> votes[] = {{"yes", vote::yes}, {"no", vote::no}};
constexpr choice<ballot_kind> ballots[] = {
    {"yes_no", ballot_kind::yes_no},
    {"label", ballot_kind::label},
    {"number", ballot_kind::number},
    {"json", ballot_kind::json},
    {"tool_call", ballot_kind::tool_call},
    {"text", ballot_kind::text},
};
constexpr choice<vote_aggregation> aggregations[] = {
    {"any_yes", vote_aggregation::any_yes},
    {"all_yes", vote_aggregation::all_yes},
    {"majority", vote_aggregation::majority},
    {"plurality", vote_aggregation::plurality},
    {"weighted", vote_aggregation::weighted},
};
constexpr choice<tie_break> tie_breaks[] = {
    {"first", tie_break::first},
    {"judge", tie_break::judge},
};

struct profile_entry : profile {
    std::optional<position> fastpath_at{};
    std::optional<position> agreement_at{};
    int draft_count = 0;  // of generators with all their samples
    prompt_files prompts{};
};

void read_aliases(const field& f, profile_entry& p) {
    std::vector<std::string> names;
    if (!f.read(names)) {
        return;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto trimmed = base::trim(names[i]);
        if (trimmed.empty()) {
            f.element(i).error(": an alias must be non-empty");
        } else if (trimmed != names[i]) {
            f.element(i).error(
                " = '" + names[i] + "': no white space (whitespace) around an alias"
            );
        } else if (std::ranges::any_of(p.aliases, [&](const auto& a) {
                       return base::ascii_iequals(a, names[i]);
                   })) {
            f.element(i).error(": duplicate alias '" + names[i] + "' within profile");
        } else {
            p.aliases.push_back(names[i]);
        }
    }
}

void read_max_cost(const field& f, profile_entry& p) {
    constexpr double highest_usd = 1'000'000;
    double usd = 0;
    if (f.read(usd, within(0, highest_usd))) {
        p.max_cost = base::from_usd(usd);
    }
}

void read_file_name(const field& f, std::optional<placed_text>& into) {
    std::string path;
    if (f.read_filled(path)) {
        into = placed_text{std::move(path), f.at()};
    }
}

void read_upstream_list(const field& f, std::vector<std::string>& into, std::size_t least) {
    if (f.read_distinct(into) && into.size() < least) {
        f.error(
            ": at least " + std::to_string(least) + (least == 1 ? " upstream is" : " upstreams are")
            + " needed"
        );
    }
}

void read_generators(const field& f, profile_entry& p) {
    p.draft_count = read_members(f, panel_kind::drafts, p.generators, p.members);
    if (p.draft_count < 1 && f.value().as<node::array>() != nullptr) {
        f.error(": at least 1 upstream is needed");
    }
}

constexpr key_row<profile_entry> common_keys[] = {
    {"type",
     [](const field& f, profile_entry& p) { f.read(p.type, types); },
     nullptr,
     presence::required},
    {"expose_reasoning", [](const field& f, profile_entry& p) { f.read(p.expose_reasoning); }},
    {"tokenizer_upstream",
     [](const field& f, profile_entry& p) { f.read_filled(p.tokenizer_upstream); }},
    {"aliases", read_aliases},
    {"max_cost_usd", read_max_cost},
};

constexpr key_row<profile_entry> passthrough_keys[] = {
    {"upstream",
     [](const field& f, profile_entry& p) {
         std::string name;
         if (f.read_filled(name)) {
             p.upstreams.push_back(std::move(name));
         }
     },
     nullptr,
     presence::required},
};

constexpr key_row<profile_entry> moa_keys[] = {
    {"generators",
     [](const field& f, profile_entry& p) { read_generators(f, p); },
     nullptr,
     presence::required},
    {"synthesizer",
     [](const field& f, profile_entry& p) { f.read_filled(p.synthesizer); },
     nullptr,
     presence::required},
    {"synthesis_mode",
     [](const field& f, profile_entry& p) { f.read(p.synthesis_mode, synthesis_modes); }},
    {"generator_temperature",
     [](const field& f, profile_entry& p) { f.read(p.generator_temperature, within(0, 2)); }},
    {"synthesizer_temperature",
     [](const field& f, profile_entry& p) { f.read(p.synthesizer_temperature, within(0, 2)); }},
    {"generator_prompt",
     [](const field& f, profile_entry& p) { read_file_name(f, p.prompts.generator); }},
    {"synthesizer_prompt",
     [](const field& f, profile_entry& p) { read_file_name(f, p.prompts.synthesizer); }},
    {"fastpath_on_agreement",
     [](const field& f, profile_entry& p) {
         bool is_on = false;
         p.fastpath_at = f.at();
         if (f.read(is_on) && is_on) {
             p.agreement = agreement_rule::exact;
         }
     }},
    {"agreement",
     [](const field& f, profile_entry& p) {
         p.agreement_at = f.at();
         f.read(p.agreement, agreement_rules);
     }},
    {"strip_tools", [](const field& f, profile_entry& p) { f.read(p.strip_tools); }},
    {"advertised_context",
     [](const field& f, profile_entry& p) { f.read(p.advertised_context, from(1)); }},
    {"synth_prompt_overhead_tokens",
     [](const field& f, profile_entry& p) { f.read(p.synth_prompt_overhead_tokens, from(0)); }},
    {"non_client_synth_reserve_tokens",
     [](const field& f, profile_entry& p) { f.read(p.non_client_synth_reserve_tokens, from(0)); }},
    {"min_drafts", [](const field& f, profile_entry& p) { f.read(p.min_drafts, from(1)); }},
    {"required_drafts", [](const field& f, profile_entry& p) { f.read(p.required_drafts, from(1)); }
    },
    {"panel_timeout_secs", [](const field& f, profile_entry& p) { f.read(p.panel_timeout); }},
    {"grace_secs", [](const field& f, profile_entry& p) { f.read(p.grace, zero_or_more()); }},
    {"keep_partial_drafts", [](const field& f, profile_entry& p) { f.read(p.keep_partial_drafts); }
    },
    {"synthesis_share",
     [](const field& f, profile_entry& p) { f.read(p.synthesis_share, within(0, 0.9)); }},
};

constexpr key_row<profile_entry> cascade_keys[] = {
    {"upstreams", [](const field& f, profile_entry& p) { read_upstream_list(f, p.upstreams, 1); }},
    {"steps", [](const field& f, profile_entry& p) { read_cascade_steps(f, p.steps); }},
    {"on_all_fail", [](const field& f, profile_entry& p) { f.read(p.on_all_fail, failure_answers); }
    },
    {"on_cut", [](const field& f, profile_entry& p) { f.read(p.on_cut, cut_answers); }},
};

constexpr key_row<profile_entry> voting_keys[] = {
    {"upstreams",
     [](const field& f, profile_entry& p) { read_voters(f, p); },
     nullptr,
     presence::required},
    {"ballot", [](const field& f, profile_entry& p) { f.read(p.ballot, ballots); }},
    {"labels", [](const field& f, profile_entry& p) { f.read_distinct(p.labels); }},
    {"aggregation", [](const field& f, profile_entry& p) { f.read(p.aggregation, aggregations); }},
    {"failure_vote", [](const field& f, profile_entry& p) { f.read(p.failure_vote, votes); }},
    {"tie_break", [](const field& f, profile_entry& p) { f.read(p.tie_break, tie_breaks); }},
    {"judge", [](const field& f, profile_entry& p) { f.read_filled(p.judge); }},
    {"temperature", [](const field& f, profile_entry& p) { f.read(p.temperature, within(0, 2)); }},
    {"max_tokens", [](const field& f, profile_entry& p) { f.read(p.max_tokens, from(1)); }},
    {"panel_timeout_secs", [](const field& f, profile_entry& p) { f.read(p.panel_timeout); }},
};

std::span<const key_row<profile_entry>> keys_of(profile_type type) {
    switch (type) {
        case profile_type::passthrough: return passthrough_keys;
        case profile_type::moa: return moa_keys;
        case profile_type::cascade: return cascade_keys;
        case profile_type::voting: return voting_keys;
    }
    return {};
}

void check_moa(const field& table, const profile_entry& p) {
    if (p.fastpath_at && p.agreement_at) {
        table.problems().error(*p.agreement_at, table.label() + ".agreement: fastpath_on_agreement is set too; give "
                                                                "only one");
    }
    const auto n = p.draft_count;
    if (n > 0 && p.min_drafts.value_or(1) > n) {
        table.problems().error(
            table.at("min_drafts"), table.label() + ".min_drafts: is more than the number of drafts"
        );
    }
    if (n > 0 && p.required_drafts > n) {
        table.problems().error(
            table.at("required_drafts"),
            table.label() + ".required_drafts: is more than the number of drafts"
        );
    }
}

void check_cascade(const field& table) {
    const bool has_upstreams = table.value().find("upstreams") != nullptr;
    const bool has_steps = table.value().find("steps") != nullptr;
    if (has_upstreams && has_steps) {
        table.problems().error(
            table.at("steps"), table.label() + ".steps: upstreams is set too; give only one"
        );
    } else if (!has_upstreams && !has_steps) {
        report_missing(table, "upstreams");
    }
}

}  // namespace

void read_profile(
    const field& table, profile& into, const std::string& config_file, const environment& env
) {
    profile_entry entry;
    entry.name = into.name;
    entry.file_order = into.file_order;
    // The type decides which keys there are, so it is looked at first.
    const auto* type = table.value().find("type");
    const auto* spelled = type != nullptr ? type->as<std::string>() : nullptr;
    const auto* known = std::ranges::find_if(types, [&](const auto& t) {
        return spelled != nullptr && t.spelling == *spelled;
    });
    std::vector<key_row<profile_entry>> rows(std::begin(common_keys), std::end(common_keys));
    if (known != std::end(types)) {
        entry.expose_reasoning = known->value == profile_type::passthrough;
        const auto own = keys_of(known->value);
        rows.insert(rows.end(), own.begin(), own.end());
    }
    const std::span<const key_row<profile_entry>> all(rows);
    const auto unknown = read_known(table, all, entry);
    // Without a type nobody can say which of the others are known.
    if (known != std::end(types)) {
        for (const auto* written : unknown) {
            report_unknown(table, *written, names_of(all));
        }
    }
    if (entry.type == profile_type::moa) {
        check_moa(table, entry);
        read_prompts(table, entry.prompts, entry, config_file, env);
    } else if (entry.type == profile_type::cascade) {
        check_cascade(table);
    } else if (entry.type == profile_type::voting) {
        settle_voting(table, entry);
    }
    into = std::move(static_cast<profile&>(entry));
}

void list_profile_keys(const std::string& path, key_list& keys) {
    for (const auto rows :
         {std::span<const key_row<profile_entry>>(common_keys),
          keys_of(profile_type::passthrough),
          keys_of(profile_type::moa),
          keys_of(profile_type::cascade),
          keys_of(profile_type::voting)}) {
        for (const auto& row : rows) {
            auto key = path + std::string(row.name);
            if (std::ranges::find(keys, key) == keys.end()) {
                keys.push_back(std::move(key));
            }
        }
    }
}

}  // namespace meta_model::config
