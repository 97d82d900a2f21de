#include "config/panel_members.hpp"

#include "config/key_table.hpp"

#include <algorithm>

namespace meta_model::config {

namespace {

constexpr double highest_weight = 1e6;

struct member_entry : panel_member {
    std::string upstream{};
};

// A voter is never required: there is a result without anybody's vote.
constexpr key_row<member_entry> required_key = {"required", [](const field& f, member_entry& m) {
                                                    f.read(m.is_required);
                                                }};
constexpr key_row<member_entry> voter_keys[] = {
    {"upstream",
     [](const field& f, member_entry& m) { f.read_filled(m.upstream); },
     nullptr,
     presence::required},
    {"weight",
     [](const field& f, member_entry& m) { f.read(m.weight, number_range{1e-6, highest_weight}); }},
    {"samples",
     [](const field& f, member_entry& m) { f.read(m.samples, between(1, max_panel_calls)); }},
    {"temperature", [](const field& f, member_entry& m) { f.read(m.temperature, within(0, 2)); }},
};

}  // namespace

int read_members(
    const field& list,
    panel_kind kind,
    std::vector<std::string>& upstreams,
    std::vector<panel_member>& members
) {
    const auto* elements = list.value().as<node::array>();
    if (elements == nullptr) {
        list.wrong_type("an array");
        return 0;
    }
    int calls = 0;
    for (std::size_t i = 0; i < elements->size(); ++i) {
        const auto element = list.element(i);
        member_entry m;
        if (element.value().as<node::table>() != nullptr) {
            std::vector<key_row<member_entry>> keys(std::begin(voter_keys), std::end(voter_keys));
            if (kind == panel_kind::drafts) {
                keys.push_back(required_key);
            }
            const std::span<const key_row<member_entry>> all(keys);
            for (const auto* unknown : read_known(element, all, m)) {
                report_unknown(element, *unknown, names_of(all));
            }
        } else {
            element.read_filled(m.upstream);
        }
        calls += m.samples;
        if (m.upstream.empty()) {
            continue;  // reported already
        }
        if (std::ranges::find(upstreams, m.upstream) != upstreams.end()) {
            element.error(" = '" + m.upstream + "' is a duplicate");
        }
        upstreams.push_back(m.upstream);
        members.push_back(m);
    }
    if (calls > max_panel_calls) {
        list.error(
            ": " + std::to_string(calls)
            + (kind == panel_kind::votes ? " ballots" : " drafts (generators times their samples)")
            + " are more than " + std::to_string(max_panel_calls)
        );
    }
    return calls;
}

}  // namespace meta_model::config
