#include "config/nearest_key.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <vector>

namespace meta_model::config {

namespace {

// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours count one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(
        a.size() + 1, std::vector<std::size_t>(b.size() + 1)
    );
    for (std::size_t i = 0; i <= a.size(); ++i) {
        cost[i][0] = i;
    }
    for (std::size_t j = 0; j <= b.size(); ++j) {
        cost[0][j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
            cost[i][j] =
                std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + differs});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a.size()][b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view written, std::span<const std::string_view> known) {
    // A key that needs a third of its letters changed is another word, not a slip. Long junk is not worth the matrix.
    constexpr std::size_t longest_key = 64;
    if (written.size() > longest_key) {
        return {};
    }
    const auto typed = base::ascii_lower(written);
    std::size_t best = std::max<std::size_t>(1, typed.size() / 3) + 1;
    std::string_view nearest;
    for (const auto candidate : known) {
        // A unit left out or added (`port` for `port_secs`) is a slip whatever its length.
        const bool is_stem = typed.size() >= 4
                             && (candidate.starts_with(typed + "_")
                                 || typed.starts_with(std::string(candidate) + "_"));
        const auto distance = is_stem ? 1 : edit_distance(typed, candidate);
        if (distance < best) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?";
}

}  // namespace meta_model::config
