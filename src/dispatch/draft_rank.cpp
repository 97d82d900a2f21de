#include "dispatch/draft_rank.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>

namespace meta_model::dispatch {

namespace {

constexpr std::size_t compared_bytes = 8 * 1024;

using grams = std::vector<std::uint32_t>;  // sorted, unique

// Calls `visit` with each text a draft says: its content or refusal, and its calls.
template <class Visit>
void for_each_text(const api::draft& d, Visit visit) {
    visit(d.content ? *d.content : d.refusal);
    for (const auto& call : d.tool_calls) {
        visit(call.name);
        visit(call.arguments);
    }
    if (d.function_call) {
        visit(d.function_call->name);
        visit(d.function_call->arguments);
    }
}

// The beginning of all of them, a line each.
std::string compared_text(const api::draft& d) {
    std::string out;
    for_each_text(d, [&](const std::string& text) {
        out.append(text, 0, compared_bytes - std::min(out.size(), compared_bytes));
        out += '\n';
    });
    return out;
}

grams grams_of(const api::draft& d) {
    const auto text = compared_text(d);
    grams out;
    for (std::size_t i = 0; i + 3 <= text.size(); ++i) {
        const auto byte = [&](std::size_t k) {
            return static_cast<std::uint32_t>(static_cast<unsigned char>(text[k]));
        };
        out.push_back(byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2));
    }
    std::ranges::sort(out);
    const auto rest = std::ranges::unique(out);
    out.erase(rest.begin(), rest.end());
    return out;
}

double jaccard(const grams& a, const grams& b) {
    std::size_t common = 0;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        common += a[i] == b[j] ? 1 : 0;
        const bool step_a = a[i] <= b[j];
        const bool step_b = b[j] <= a[i];
        i += step_a ? 1 : 0;
        j += step_b ? 1 : 0;
    }
    const auto all = a.size() + b.size() - common;
    return all == 0 ? 1.0 : static_cast<double>(common) / static_cast<double>(all);
}

// Of draft `i` to the others, 0..1; of a lone one 0.
double mean_similarity(const std::vector<grams>& all, std::size_t i) {
    double sum = 0;
    for (std::size_t j = 0; j < all.size(); ++j) {
        sum += i == j ? 0 : jaccard(all[i], all[j]);
    }
    return sum / static_cast<double>(std::max<std::size_t>(1, all.size() - 1));
}

int finish_rank(const rank_input& in) {
    const auto& reason = in.draft->finish_reason;
    const bool is_finished =
        reason == "stop" || reason == "tool_calls" || reason == "function_call"
        || (reason.empty() && !in.is_partial);  // some servers give none with a whole answer
    if (is_finished) {
        return 0;
    }
    return reason == "length" ? 1 : 2;
}

double length_of(const api::draft& d) {
    std::size_t bytes = 0;
    for_each_text(d, [&](const std::string& text) { bytes += text.size(); });
    return static_cast<double>(std::max<std::size_t>(1, bytes));
}

}  // namespace

std::size_t best_draft_index(const std::vector<rank_input>& inputs) {
    std::vector<grams> all;
    std::vector<double> lengths;
    for (const auto& in : inputs) {
        all.push_back(grams_of(*in.draft));
        lengths.push_back(length_of(*in.draft));
    }
    auto sorted = lengths;
    std::ranges::sort(sorted);
    const auto median = (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
    const auto rank_of = [&](std::size_t i) {
        const auto steps = std::lround(mean_similarity(all, i) * 20);
        return std::tuple(
            inputs[i].is_schema_valid ? 0 : 1,
            finish_rank(inputs[i]),
            inputs[i].is_partial ? 1 : 0,
            -steps,
            std::abs(std::log(lengths[i] / median)),
            i
        );
    };
    std::size_t best = 0;
    for (std::size_t i = 1; i < inputs.size(); ++i) {
        best = rank_of(i) < rank_of(best) ? i : best;
    }
    return best;
}

std::size_t medoid_index(const std::vector<const api::draft*>& drafts) {
    constexpr double rounding = 1e-9;  // what the order of a sum may make of equal ones
    std::vector<grams> all;
    for (const auto* d : drafts) {
        all.push_back(grams_of(*d));
    }
    std::size_t best = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
        best = mean_similarity(all, i) > mean_similarity(all, best) + rounding ? i : best;
    }
    return best;
}

}  // namespace meta_model::dispatch
