#include "dispatch/compaction_plan.hpp"

#include "dispatch/conversation.hpp"
#include "dispatch/text_shortening.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace meta_model::dispatch {

namespace {

using edit = upstream::message_edits::edit;

constexpr std::size_t none = std::string_view::npos;
constexpr std::int64_t most_notice_tokens = 50;
constexpr std::size_t opening_chunks = 2;  // the oldest, kept where they are small
constexpr std::int64_t opening_share = 8;  // small: one part in so many
constexpr std::int64_t newest_turn_share =
    4;  // of a window that the system text alone would overflow

std::string notice_text(int left_out) {
    return std::to_string(left_out)
           + " earlier parts of this conversation were left out so that it fits.";
}

class planner {
public:
    // `hidden`: from everybody.
    planner(const api::chat_request& request, std::int64_t operator_tokens, media_set hidden)
        : request_(request),
          operator_tokens_(operator_tokens),
          talk_(read_conversation(request, hidden)),
          system_(request, talk_),
          newest_turn_(request, talk_) {}

    std::int64_t tokens_in() const { return operator_tokens_ + talk_.tokens_in; }
    bool is_empty() const { return talk_.chunks.empty(); }

    leg_prompt whole(media_set hidden) {
        return {.tokens = all_tokens(), .edits = whole_edits(hidden)};
    }

    std::vector<leg_prompt> plan(std::span<const prompt_window> windows) {
        std::vector<leg_prompt> out(windows.size());
        if (!std::ranges::all_of(windows, [&](const auto& w) { return holds_all(w); })) {
            choose_newest_turn(windows);
            for (std::size_t i = 0; i < windows.size(); ++i) {
                out[i].fits = least_fits(windows[i]);
            }
            share_tail(windows, out);
        }
        for (std::size_t i = 0; i < windows.size(); ++i) {
            if (out[i].fits) {
                fill(windows[i], out[i]);
            }
        }
        return out;
    }

private:
    std::int64_t all_tokens() const { return operator_tokens_ + talk_.tokens; }
    bool holds_all(const prompt_window& w) const { return all_tokens() <= w.budget; }

    // For the client's messages, once the operator's and the notice are paid for.
    std::int64_t room(const prompt_window& w) const {
        return w.budget - operator_tokens_ - (holds_all(w) ? 0 : most_notice_tokens);
    }

    bool least_fits(const prompt_window& w) const {
        return holds_all(w) || system_.least_tokens() + newest_turn_.least_tokens() <= room(w);
    }

    void add_chunk(text_shortening& texts, std::size_t c) {
        texts.add(talk_.chunks[c].first, talk_.chunks[c].last);
    }

    // Media that the newest question may be about.
    bool holds_media_of(std::size_t c, std::size_t turn) const {
        const auto& chunk = talk_.chunks[c];
        const auto first = talk_.messages.begin() + static_cast<std::ptrdiff_t>(chunk.first);
        const auto last = talk_.messages.begin() + static_cast<std::ptrdiff_t>(chunk.last);
        return chunk.first >= turn && std::any_of(first, last, [](const auto& m) {
                   return !m.is_removed && m.shape.media_tokens > 0;
               });
    }

    // The newest chunk and the media of the current turn, and the user's last message too where everyone can have both.
    void choose_newest_turn(std::span<const prompt_window> windows) {
        const auto& chunks = talk_.chunks;
        const auto turn = turn_start(request_.messages());
        is_shared_.assign(chunks.size(), false);
        std::size_t newest = none;
        std::size_t last_user = none;
        for (std::size_t c = 0; c < chunks.size(); ++c) {
            if (chunks[c].is_essential) {
                add_chunk(system_, c);
                continue;
            }
            newest = c;
            last_user = chunks[c].is_user ? c : last_user;
            is_shared_[c] = holds_media_of(c, turn);
        }
        if (newest == none) {
            return;
        }
        is_shared_[newest] = true;
        const bool is_needed = last_user == none || is_shared_[last_user];
        if (!is_needed) {
            add_chunk(newest_turn_, last_user);
        }
        add_shared(newest_turn_);
        const auto fits = [&](const auto& w) { return least_fits(w); };
        if (is_needed) {
            return;
        }
        if (std::ranges::all_of(windows, fits)) {
            is_shared_[last_user] = true;
            return;
        }
        newest_turn_.clear();
        add_shared(newest_turn_);
    }

    void add_shared(text_shortening& texts) {
        for (std::size_t c = 0; c < is_shared_.size(); ++c) {
            if (is_shared_[c]) {
                add_chunk(texts, c);
            }
        }
    }

    // What the shared messages may have in this window.
    std::int64_t tail_budget(const prompt_window& w) const {
        const auto least = newest_turn_.least_tokens();
        const auto beside_system = room(w) - system_.tokens();
        if (beside_system >= least) {
            return beside_system;
        }
        // The system text must be cut in any case: the newest turn gets a part of the window.
        const auto share = std::min(room(w) / newest_turn_share, newest_turn_.tokens());
        return std::clamp(share, least, room(w) - system_.least_tokens());
    }

    void share_tail(std::span<const prompt_window> windows, const std::vector<leg_prompt>& legs) {
        std::optional<std::int64_t> budget;
        for (std::size_t i = 0; i < windows.size(); ++i) {
            if (legs[i].fits) {
                const auto own = tail_budget(windows[i]);
                budget = std::min(budget.value_or(own), own);
            }
        }
        if (!budget) {
            return;
        }
        tail_tokens_ = newest_turn_.shorten(*budget, tail_cuts_);
        if (tail_cuts_.empty()) {
            share_opening((*budget - tail_tokens_) / opening_share);
            share_newest(*budget);
        }
    }

    // The oldest messages often say what all of it is about.
    void share_opening(std::int64_t budget) {
        std::vector<std::size_t> opening;
        std::int64_t tokens = 0;
        for (std::size_t c = 0; c < talk_.chunks.size() && opening.size() < opening_chunks; ++c) {
            if (!talk_.chunks[c].is_essential && !is_shared_[c]) {
                opening.push_back(c);
                tokens += talk_.chunks[c].tokens;
            }
        }
        if (tokens <= budget) {
            for (const auto c : opening) {
                is_shared_[c] = true;
            }
            tail_tokens_ += tokens;
        }
    }

    void share_newest(std::int64_t budget) {
        for (auto c = talk_.chunks.size(); c-- > 0;) {
            if (talk_.chunks[c].is_essential) {
                break;
            }
            if (is_shared_[c]) {
                continue;
            }
            if (tail_tokens_ + talk_.chunks[c].tokens > budget) {
                break;
            }
            is_shared_[c] = true;
            tail_tokens_ += talk_.chunks[c].tokens;
        }
    }

    // The messages of one window: what is shared, then older history while it fits.
    void fill(const prompt_window& w, leg_prompt& out) {
        out.tokens = all_tokens();
        if (is_shared_.empty()) {
            out.edits = whole_edits(w.hidden);
            return;
        }
        auto is_kept = is_shared_;
        auto cuts = tail_cuts_;
        auto rest = room(w) - tail_tokens_;
        const auto system_tokens = system_.shorten(rest, cuts);
        rest -= system_tokens;
        out.tokens = operator_tokens_ + tail_tokens_ + system_tokens;
        bool has_room = true;
        for (auto c = talk_.chunks.size(); c-- > 0;) {
            const auto& chunk = talk_.chunks[c];
            if (chunk.is_essential || is_kept[c]) {
                is_kept[c] = true;
                continue;
            }
            has_room = has_room && chunk.tokens <= rest;
            if (has_room) {
                is_kept[c] = true;
                rest -= chunk.tokens;
                out.tokens += chunk.tokens;
            } else {
                ++out.compacted_chunks;
            }
        }
        if (out.compacted_chunks == 0 && cuts.empty()) {
            out.edits = whole_edits(w.hidden);
            return;
        }
        out.edits = build(is_kept, std::move(cuts), w, out);
    }

    // Of a conversation of which nothing is left out.
    std::shared_ptr<const upstream::message_edits> whole_edits(media_set hidden) {
        leg_prompt unused;
        const std::vector<bool> all(talk_.chunks.size(), true);
        if (!hidden.is_empty()) {
            return build(all, {}, {.hidden = hidden}, unused);
        }
        if (!whole_edits_ && !talk_.is_clean) {
            whole_edits_ = build(all, {}, {}, unused);
        }
        return whole_edits_;
    }

    std::shared_ptr<const upstream::message_edits> build(
        const std::vector<bool>& is_kept,
        std::vector<edit> cuts,
        const prompt_window& w,
        leg_prompt& out
    ) const {
        auto built = std::make_shared<upstream::message_edits>();
        built->edits = std::move(cuts);
        built->removed.assign(talk_.messages.size(), true);
        for (std::size_t c = 0; c < talk_.chunks.size(); ++c) {
            for (auto i = talk_.chunks[c].first; is_kept[c] && i < talk_.chunks[c].last; ++i) {
                built->removed[i] = talk_.messages[i].is_removed;
            }
        }
        if (out.compacted_chunks > 0) {
            const auto gap = std::ranges::find(is_kept, false) - is_kept.begin();
            const auto behind = std::find(is_kept.begin() + gap, is_kept.end(), true);
            const auto chunk = static_cast<std::size_t>(behind - is_kept.begin());
            // The newest chunk is always kept, so that there is one behind each gap, unless it is system text.
            if (chunk < talk_.chunks.size()) {
                built->put_before = talk_.chunks[chunk].first;
                put_notice(*built, w.demotes_system, out);
            }
        }
        remove_messages(*built);
        if (!w.hidden.is_empty()) {
            append_media_notes(request_, built->removed, w.hidden, built->edits);
        }
        return built;
    }

    void put_notice(upstream::message_edits& built, bool demotes, leg_prompt& out) const {
        const auto text = notice_text(out.compacted_chunks);
        const auto at = offset_of(built.put_before);
        const std::string opening =
            demotes ? R"({"role":"user","content":"[SYSTEM]: )" : R"({"role":"system","content":")";
        built.edits.push_back({at, at, opening + text + "\"},"});
        out.tokens += demotes ? estimate_plain_message(4, text.size() + 10)
                              : estimate_plain_message(6, text.size());
    }

    // A run of removed messages goes with the comma behind it, or, at the end, with the one before it.
    void remove_messages(upstream::message_edits& built) const {
        const auto count = built.removed.size();
        std::size_t kept_end = none;
        for (std::size_t i = 0; i < count;) {
            if (!built.removed[i]) {
                kept_end = offset_of(i) + request_.messages()[i].raw.size();
                if (const auto& more = talk_.messages[i].placeholders; !more.empty()) {
                    built.edits.push_back({kept_end, kept_end, more});
                }
                ++i;
                continue;
            }
            const auto first = i;
            while (i < count && built.removed[i]) {
                ++i;
            }
            const auto begin = i < count || kept_end == none ? offset_of(first) : kept_end;
            const auto end =
                i < count ? offset_of(i) : offset_of(i - 1) + request_.messages()[i - 1].raw.size();
            built.edits.push_back({begin, end, {}});
        }
    }

    std::size_t offset_of(std::size_t message) const {
        return static_cast<std::size_t>(
            request_.messages()[message].raw.data() - request_.body().data()
        );
    }

    const api::chat_request& request_;
    std::int64_t operator_tokens_;
    conversation talk_;
    text_shortening system_;
    text_shortening newest_turn_;
    std::vector<bool> is_shared_;  // by chunk, without system text; empty: everyone gets everything
    std::vector<edit> tail_cuts_;
    std::int64_t tail_tokens_ = 0;
    std::shared_ptr<const upstream::message_edits> whole_edits_;
};

}  // namespace

prompt_plan plan_prompts(
    const api::chat_request& request,
    std::int64_t operator_tokens,
    std::span<const prompt_window> windows,
    media_set whole_hidden
) {
    prompt_plan out;
    auto hidden_from_all = whole_hidden;
    auto hidden_from_any = whole_hidden;
    for (const auto& w : windows) {
        hidden_from_all = hidden_from_all.common(w.hidden);
        hidden_from_any.add(w.hidden);
    }
    const auto simple =
        hidden_from_any.is_empty() ? estimate_simple_conversation(request) : std::nullopt;
    out.tokens_in = operator_tokens + simple.value_or(0);
    const auto holds_all = [&](const auto& w) { return out.tokens_in <= w.budget; };
    if (simple && std::ranges::all_of(windows, holds_all)) {
        out.whole.tokens = out.tokens_in;
        out.prompts.resize(windows.size(), out.whole);
        return out;
    }
    planner plan(request, operator_tokens, hidden_from_all);
    out.tokens_in = plan.tokens_in();
    out.is_empty = plan.is_empty();
    if (!out.is_empty) {
        out.whole = plan.whole(whole_hidden);
        out.prompts = plan.plan(windows);
    }
    return out;
}

}  // namespace meta_model::dispatch
