#include "dispatch/synthesis_calls.hpp"

#include "dispatch/call_cost.hpp"
#include "dispatch/candidate_text.hpp"
#include "dispatch/purse.hpp"
#include "dispatch/shown_order.hpp"
#include "dispatch/verdict.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace meta_model::dispatch {

namespace {

// Bytes of a prompt that cost at least `amount`, by the estimate of 2.8 bytes a token and with room for what is put in
// their place.
std::size_t bytes_for(base::money price, base::money amount) {
    constexpr std::int64_t bytes_a_token = 3;
    constexpr std::size_t mark_bytes = 256;
    constexpr std::int64_t most_tokens = std::int64_t{1} << 40;
    const auto tokens =
        price.pico_usd > 0 ? std::min(amount.pico_usd / price.pico_usd, most_tokens) : 0;
    return static_cast<std::size_t>(tokens * bytes_a_token) + mark_bytes;
}

// The end of the conversation: the same question gets its drafts in the same order again.
std::string_view seed_of(const api::chat_request& request) {
    constexpr std::size_t most_bytes = 256;
    const auto* messages = request.find("messages");
    const auto text = messages != nullptr ? messages->value : std::string_view{};
    return text.substr(text.size() - std::min(text.size(), most_bytes));
}

std::size_t size_of(const std::vector<std::string>& texts) {
    std::size_t bytes = 0;
    for (const auto& text : texts) {
        bytes += text.size();
    }
    return bytes;
}

}  // namespace

// The drafts' texts in the order of this request, kept in `texts`.
shown_drafts synthesis_calls::show(
    const std::vector<const panel_draft*>& drafts, std::vector<std::string>& texts
) {
    order_ = shown_order(seed_of(c_.request), drafts.size());
    shown_drafts shown;
    std::vector<std::string_view> names;
    for (const auto i : order_) {
        const auto& result = drafts[i]->result();
        if (result.is_partial) {
            shown.unfinished.push_back(texts.size());
        }
        texts.push_back(candidate_text(result.draft));
        names.push_back(drafts[i]->upstream().config.key);
    }
    shown.texts.assign(texts.begin(), texts.end());
    c_.ledger.note_draft_order(std::move(names));
    return shown;
}

// A call that costs too much is made with less of the drafts. What cannot be made to fit is not sent: the leg sees to
// that.
synthesizer_call synthesis_calls::affordable(std::size_t draft_bytes, const call_maker& make)
    const {
    constexpr int most_cuts = 3;
    const auto& synthesizer = *c_.target.synthesizer;
    auto call = make(std::numeric_limits<std::size_t>::max());
    for (int i = 0; c_.purse != nullptr && i < most_cuts; ++i) {
        const auto excess =
            base::minus(bound_call(c_, synthesizer, call.changes).ceiling, c_.purse->left());
        const auto less = bytes_for(synthesizer.config.pricing.input, excess);
        if (excess == base::money{} || less >= draft_bytes) {
            break;
        }
        draft_bytes -= less;
        call = make(draft_bytes);
    }
    return call;
}

synthesizer_call synthesis_calls::merge() {
    std::vector<const panel_draft*> drafts;
    for (const auto& l : panel_.asked().drafts()) {
        if (l.result().is_answered() || l.result().is_partial) {
            drafts.push_back(&l);
        }
    }
    std::vector<std::string> texts;
    auto shown = show(drafts, texts);
    const bool is_arbitrated = needs_arbitration(panel_.as_candidates());
    const auto* arbitration = is_arbitrated ? &panel_.policy() : nullptr;
    return affordable(size_of(texts), [&](std::size_t max_bytes) {
        shown.max_bytes = max_bytes;
        return synthesizer_changes(c_, prompts_, shown, arbitration);
    });
}

synthesizer_call synthesis_calls::judge() {
    // Drafts that do not keep to the form are not chosen among, unless none does.
    const auto& usable = panel_.drafts();
    const auto keeps_form = [&](const auto* d) { return panel_.form().is_met_by(*d); };
    const bool any_keeps_form = std::ranges::any_of(usable, keeps_form);
    std::vector<const panel_draft*> drafts;
    std::vector<std::size_t> positions;
    std::size_t position = 0;
    for (const auto& l : panel_.asked().drafts()) {
        if (!l.result().is_answered()) {
            continue;
        }
        if (!any_keeps_form || keeps_form(usable[position])) {
            drafts.push_back(&l);
            positions.push_back(position);
        }
        ++position;
    }
    std::vector<std::string> texts;
    auto shown = show(drafts, texts);
    for (auto& place : order_) {
        place = positions[place];
    }
    return affordable(size_of(texts), [&](std::size_t max_bytes) {
        shown.max_bytes = max_bytes;
        return best_of_changes(c_, prompts_, shown);
    });
}

}  // namespace meta_model::dispatch
