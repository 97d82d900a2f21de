#include "dispatch/tally.hpp"

#include <algorithm>
#include <numeric>

namespace meta_model::dispatch {

namespace {

using config::vote_aggregation;

}  // namespace

bool is_decided(
    const std::vector<cast_vote>& votes,
    std::size_t option_count,
    config::vote_aggregation aggregation
) {
    std::vector<std::int64_t> real(option_count, 0);
    std::vector<std::int64_t> all(option_count, 0);
    std::int64_t pending = 0;
    for (const auto& v : votes) {
        if (v.state == cast_state::pending) {
            pending += v.weight;
        } else if (v.state != cast_state::abstained) {
            all[v.option] += v.weight;
            real[v.option] += v.state == cast_state::cast ? v.weight : 0;
        }
    }
    if (aggregation == vote_aggregation::any_yes) {
        return real[yes_option] > 0;
    }
    if (aggregation == vote_aggregation::all_yes) {
        return real[no_option] > 0;
    }
    const auto total = std::accumulate(all.begin(), all.end(), pending);
    for (std::size_t i = 0; i < option_count; ++i) {
        if (aggregation == vote_aggregation::majority) {
            if (2 * real[i] > total) {
                return true;
            }
            continue;
        }
        std::int64_t best_other = 0;
        for (std::size_t k = 0; k < option_count; ++k) {
            best_other = k == i ? best_other : std::max(best_other, all[k]);
        }
        if (real[i] > best_other + pending) {
            return true;
        }
    }
    return false;
}

vote_count count_votes(
    const std::vector<cast_vote>& votes,
    std::size_t option_count,
    config::vote_aggregation aggregation
) {
    vote_count out;
    out.sums.resize(option_count);
    out.counts.resize(option_count);
    std::int64_t total = 0;
    for (const auto& v : votes) {
        if (v.state == cast_state::cast || v.state == cast_state::stand_in) {
            out.sums[v.option] += v.weight;
            out.counts[v.option] += 1;
            total += v.weight;
        }
    }
    if (total == 0) {
        return out;
    }
    if (aggregation == vote_aggregation::any_yes) {
        out.winner = out.sums[yes_option] > 0 ? yes_option : no_option;
        return out;
    }
    if (aggregation == vote_aggregation::all_yes) {
        out.winner = out.sums[no_option] > 0 ? no_option : yes_option;
        return out;
    }
    const auto most = *std::ranges::max_element(out.sums);
    for (std::size_t i = 0; i < option_count; ++i) {
        if (out.sums[i] == most) {
            out.leaders.push_back(i);
        }
        if (out.sums[i] > 0) {
            out.candidates.push_back(i);
        }
    }
    const bool is_majority = aggregation == vote_aggregation::majority;
    const bool has_won = is_majority ? 2 * most > total : out.leaders.size() == 1;
    if (has_won) {
        out.winner = out.leaders.front();
        out.leaders.clear();
        out.candidates.clear();
    } else if (!is_majority) {
        out.candidates = out.leaders;
    }
    return out;
}

std::int64_t margin_of(const vote_count& count, std::size_t winner) {
    std::int64_t next = 0;
    for (std::size_t i = 0; i < count.sums.size(); ++i) {
        next = i == winner ? next : std::max(next, count.sums[i]);
    }
    return count.sums[winner] - next;
}

}  // namespace meta_model::dispatch
