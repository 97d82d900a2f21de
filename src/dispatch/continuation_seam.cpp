#include "dispatch/continuation_seam.hpp"

#include <algorithm>
#include <bitset>

namespace meta_model::dispatch {

namespace {

// Only repetitions that are no accident count: "ha ha" or "000" at the seam may well be meant.
constexpr std::size_t least_overlap = 12;
constexpr std::size_t least_distinct = 4;
// So much of the beginning is not repeated by chance.
constexpr std::size_t least_restart = 16;
// Longer repetitions of the end are not looked for.
constexpr std::size_t longest_overlap = 1024;

bool is_telling(std::string_view text) {
    std::bitset<256> seen;
    for (const char c : text) {
        seen.set(static_cast<unsigned char>(c));
    }
    return text.size() >= least_overlap && seen.count() >= least_distinct;
}

}  // namespace

continuation_seam::continuation_seam(std::string sent, kind how) : sent_(std::move(sent)) {
    is_restarting_ = !sent_.empty();
    if (how == kind::followup) {
        const auto first = sent_.size() - std::min(sent_.size(), longest_overlap);
        for (auto p = std::max<std::size_t>(1, first); p < sent_.size(); ++p) {
            overlaps_.push_back(p);
        }
    } else if (!is_telling(sent_)) {
        is_restarting_ = false;  // what continues a few bytes may begin like them
    }
}

// Follows each possibility by the new bytes only.
void continuation_seam::compare(std::string_view piece) {
    const auto old = held_.size();
    held_ += piece;
    if (is_restarting_) {
        const auto of_sent = std::string_view(sent_).substr(old);
        const auto same = std::ranges::mismatch(of_sent, piece).in1 - of_sent.begin();
        restart_ += static_cast<std::size_t>(same);
        is_restarting_ = restart_ == std::min(sent_.size(), held_.size());
    }
    std::erase_if(overlaps_, [&](std::size_t p) {
        const auto of_sent = std::string_view(sent_).substr(p + old, piece.size());
        if (of_sent != piece.substr(0, of_sent.size())) {
            return true;
        }
        const auto length = sent_.size() - p;
        const bool is_complete = held_.size() >= length;
        if (is_complete && is_telling(std::string_view(sent_).substr(p))) {
            repeated_ = std::max(repeated_, length);
        }
        return is_complete;
    });
}

void continuation_seam::decide() {
    if (is_restarting_ && held_.size() >= sent_.size()) {
        repeated_ = sent_.size();
    } else if (is_restarting_ || !overlaps_.empty()) {
        return;
    }
    const bool began_anew = repeated_ == 0 && restart_ >= least_restart;
    state_ = began_anew ? state::diverged : state::joined;
}

std::string_view continuation_seam::join(std::size_t repeated) {
    out_ = held_.substr(std::min(repeated, held_.size()));
    held_ = {};
    overlaps_ = {};
    sent_ = {};
    return out_;
}

std::string_view continuation_seam::feed(std::string_view piece) {
    if (state_ != state::open) {
        return state_ == state::joined ? piece : std::string_view{};
    }
    compare(piece);
    decide();
    return state_ == state::joined ? join(repeated_) : std::string_view{};
}

std::string_view continuation_seam::finish() {
    if (state_ != state::open) {
        return {};
    }
    // It ended within what was sent already: a short new beginning, or a repetition of the end.
    const bool is_repetition = (is_restarting_ && restart_ >= least_restart) || is_telling(held_);
    state_ = state::joined;
    return join(is_repetition ? held_.size() : repeated_);
}

}  // namespace meta_model::dispatch
