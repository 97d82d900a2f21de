#include "dispatch/election.hpp"

#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/json_election.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

using config::ballot_kind;
using config::vote_aggregation;

constexpr std::size_t longest_shown = 256;  // bytes of a text in the account
constexpr std::string_view verdicts[] = {"yes", "no"};

// A ballot in the account.
std::string shown(const ballot& b, ballot_kind kind) {
    if (kind == ballot_kind::json) {
        return b.key;
    }
    if (kind == ballot_kind::tool_call) {
        return b.key.empty() ? "null" : b.key;
    }
    std::string out;
    api::append_json_string(
        out, kind == ballot_kind::text ? base::clip(b.key, longest_shown) : b.text
    );
    return out;
}

std::size_t yes_no_option(const voter_report& v, const election_rules& rules) {
    const bool is_yes = v.vote ? v.vote->key == "yes" : rules.failure_vote == config::vote::yes;
    return is_yes ? yes_option : no_option;
}

// Each voter's vote for one of `options`, which are found on the way.
struct ballot_box {
    std::vector<cast_vote> votes{};
    std::vector<option_entry> options{};
    std::vector<std::optional<std::size_t>> choice{};  // by voter
};

ballot_box yes_no_box(const std::vector<voter_report>& voters, const election_rules& rules) {
    ballot_box out{.options = {{"\"yes\"", voters.size()}, {"\"no\"", voters.size()}}};
    for (std::size_t i = 0; i < voters.size(); ++i) {
        const auto& v = voters[i];
        cast_vote cast{.option = yes_no_option(v, rules), .weight = v.weight};
        if (v.state == voter_state::pending || v.state == voter_state::cancelled) {
            cast.state =
                v.state == voter_state::pending ? cast_state::pending : cast_state::abstained;
        } else {
            cast.state = v.vote ? cast_state::cast : cast_state::stand_in;
            auto& first = out.options[cast.option].first_voter;
            first = std::min(first, i);
        }
        const bool is_counted =
            cast.state == cast_state::cast || cast.state == cast_state::stand_in;
        out.choice.push_back(is_counted ? std::optional(cast.option) : std::nullopt);
        out.votes.push_back(cast);
    }
    return out;
}

ballot_box open_box(const std::vector<voter_report>& voters, const election_rules& rules) {
    ballot_box out;
    for (std::size_t i = 0; i < voters.size(); ++i) {
        const auto& v = voters[i];
        auto& cast = out.votes.emplace_back();
        cast.weight = v.weight;
        out.choice.emplace_back();
        if (!v.vote) {
            cast.state =
                v.state == voter_state::pending ? cast_state::pending : cast_state::abstained;
            continue;
        }
        const auto same = std::ranges::find_if(out.options, [&](const auto& o) {
            return agrees(*voters[o.first_voter].vote, *v.vote);
        });
        cast.state = cast_state::cast;
        cast.option = static_cast<std::size_t>(same - out.options.begin());
        out.choice.back() = cast.option;
        if (same == out.options.end()) {
            out.options.push_back({shown(*v.vote, rules.kind), i});
        }
    }
    return out;
}

ballot_box collect(const std::vector<voter_report>& voters, const election_rules& rules) {
    return rules.kind == ballot_kind::yes_no ? yes_no_box(voters, rules) : open_box(voters, rules);
}

}  // namespace

bool is_settled(const std::vector<voter_report>& voters, const election_rules& rules) {
    const auto box = collect(voters, rules);
    const auto aggregation =
        rules.kind == ballot_kind::json ? vote_aggregation::majority : rules.aggregation;
    return is_decided(box.votes, box.options.size(), aggregation);
}

election elect(
    const std::vector<voter_report>& voters,
    const election_rules& rules,
    std::optional<std::size_t> preferred
) {
    if (rules.kind == ballot_kind::json) {
        return elect_json(voters, rules, preferred);
    }
    const auto box = collect(voters, rules);
    const auto count = count_votes(box.votes, box.options.size(), rules.aggregation);
    election out;
    out.has_result = count.winner || !count.leaders.empty();
    out.tally = tally_json(count, box.options, rules.aggregation == vote_aggregation::weighted);
    if (!out.has_result) {
        return out;
    }
    const auto chosen = preferred ? box.choice[*preferred] : std::nullopt;
    const auto winner = settle_tie(count, box.options, chosen);
    for (const auto candidate : count.candidates) {
        out.tied.push_back(box.options[candidate].first_voter);
    }
    out.margin = margin_of(count, winner);
    for (std::size_t i = 0; i < voters.size(); ++i) {
        if (voters[i].vote && box.choice[i] == winner) {
            out.supporters.push_back(i);
        }
    }
    out.verdict = rules.kind == ballot_kind::yes_no
                      ? std::string(verdicts[winner])
                      : voters[box.options[winner].first_voter].vote->text;
    return out;
}

std::string votes_json(const std::vector<voter_report>& voters, const election_rules& rules) {
    std::string out = "[";
    for (const auto& v : voters) {
        out += out.size() > 1 ? "," : "";
        if (v.state == voter_state::pending || v.state == voter_state::cancelled) {
            out += "null";
        } else if (rules.kind == ballot_kind::yes_no) {
            out += '"';
            out += verdicts[yes_no_option(v, rules)];
            out += '"';
        } else {
            out += v.vote ? shown(*v.vote, rules.kind) : "null";
        }
    }
    return out + ']';
}

std::string tally_json(
    const vote_count& count, const std::vector<option_entry>& options, bool shows_weight
) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < options.size(); ++i) {
        if (count.counts[i] > 0) {
            order.push_back(i);
        }
    }
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) {
        return count.sums[i];
    });
    std::string out = "[";
    for (const auto i : order) {
        out += out.size() > 1 ? "," : "";
        out += R"({"value":)" + options[i].value + R"(,"votes":)";
        api::append_json_number(out, count.counts[i]);
        if (shows_weight) {
            out += R"(,"weight":)";
            append_weight(out, count.sums[i]);
        }
        out += '}';
    }
    return out + ']';
}

std::size_t settle_tie(
    const vote_count& count,
    const std::vector<option_entry>& options,
    std::optional<std::size_t> chosen
) {
    if (count.winner) {
        return *count.winner;
    }
    if (chosen && std::ranges::find(count.candidates, *chosen) != count.candidates.end()) {
        return *chosen;
    }
    return *std::ranges::min_element(count.leaders, {}, [&](std::size_t i) {
        return options[i].first_voter;
    });
}

void append_weight(std::string& out, std::int64_t millionths) {
    if (millionths < 0) {
        out += '-';
        millionths = -millionths;
    }
    api::append_json_number(out, millionths / weight_unit);
    auto rest = std::to_string(weight_unit + millionths % weight_unit).substr(1);
    rest.erase(rest.find_last_not_of('0') + 1);
    if (!rest.empty()) {
        out += '.' + rest;
    }
}

}  // namespace meta_model::dispatch
