#include "config/voting_keys.hpp"

#include "base/text.hpp"
#include "config/panel_members.hpp"

#include <algorithm>

namespace meta_model::config {

namespace {

constexpr int label_max_tokens = 16;
constexpr double sampling_temperature = 0.7;

bool is_set(const field& table, std::string_view key) {
    return table.value().find(key) != nullptr;
}

void refuse(const field& table, std::string_view key, std::string_view text) {
    table.problems().error(
        table.at(key), table.label() + '.' + std::string(key) + ": " + std::string(text)
    );
}

void check_labels(const field& table, const profile& p) {
    if (p.ballot != ballot_kind::label) {
        if (is_set(table, "labels")) {
            refuse(table, "labels", "is for ballot = \"label\" only");
        }
        return;
    }
    if (p.labels.size() < 2) {
        refuse(table, "labels", "ballot = \"label\" needs at least 2 labels");
    }
    for (std::size_t i = 0; i < p.labels.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if (p.labels[i] != p.labels[k] && base::ascii_iequals(p.labels[i], p.labels[k])) {
                refuse(
                    table,
                    "labels",
                    "'" + p.labels[i] + "' is a duplicate: upper and lower case are the same"
                );
            }
        }
        const auto has_word = std::ranges::any_of(p.labels[i], [](unsigned char c) {
            return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        });
        if (!has_word) {
            refuse(table, "labels", "'" + p.labels[i] + "' has no letter or digit to look for");
        }
    }
}

void check_tie_break(const field& table, const profile& p) {
    if (p.tie_break == tie_break::judge && p.judge.empty()) {
        refuse(table, "tie_break", "a judge is needed");
    } else if (p.tie_break == tie_break::first && !p.judge.empty()) {
        refuse(table, "judge", "is for tie_break = \"judge\" only");
    }
}

}  // namespace

void read_voters(const field& list, profile& into) {
    if (read_members(list, panel_kind::votes, into.upstreams, into.members) < 2) {
        list.error(": at least 2 ballots are needed (upstreams times their samples)");
    }
}

void settle_voting(const field& table, profile& p) {
    const bool is_yes_no = p.ballot == ballot_kind::yes_no;
    if (!is_set(table, "aggregation")) {
        p.aggregation = is_yes_no ? vote_aggregation::any_yes : vote_aggregation::majority;
    }
    const bool is_for_yes_no =
        p.aggregation == vote_aggregation::any_yes || p.aggregation == vote_aggregation::all_yes;
    if (is_for_yes_no && !is_yes_no) {
        refuse(table, "aggregation", "any_yes and all_yes are for ballot = \"yes_no\" only");
    }
    if (!is_yes_no && is_set(table, "failure_vote")) {
        refuse(table, "failure_vote", "is for ballot = \"yes_no\" only");
    }
    const bool has_weights =
        std::ranges::any_of(p.members, [](const auto& v) { return v.weight != 1.0; });
    if (has_weights && p.aggregation != vote_aggregation::weighted) {
        refuse(table, "upstreams", "weights count with aggregation = \"weighted\" only");
    }
    check_labels(table, p);
    check_tie_break(table, p);
    // Samples of one model at temperature 0 would be one ballot many times.
    const bool has_samples =
        std::ranges::any_of(p.members, [](const auto& v) { return v.samples > 1; });
    if (has_samples && !is_set(table, "temperature")) {
        p.temperature = sampling_temperature;
    }
    if (!is_yes_no && !is_set(table, "max_tokens")) {
        p.max_tokens = p.ballot == ballot_kind::label ? label_max_tokens : 0;
    }
}

}  // namespace meta_model::config
