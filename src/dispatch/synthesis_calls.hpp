// What the synthesizer or the judge of one MoA request is asked, and in which order it is shown the drafts.
#pragma once

#include "dispatch/moa_panel.hpp"
#include "dispatch/moa_requests.hpp"
#include "dispatch/request_context.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace meta_model::dispatch {

class synthesis_calls {
public:
    // All outlive this object; the panel is over.
    synthesis_calls(request_context& context, const moa_prompts& prompts, const moa_panel& panel)
        : c_(context), prompts_(prompts), panel_(panel) {}

    // Asks for one answer made of all drafts, the unfinished ones too.
    synthesizer_call merge();
    // Asks for the number of the best of the usable drafts.
    synthesizer_call judge();

    // Asks for an answer in the form that the request asks for.
    synthesizer_call repair(std::string_view answer, std::string_view problem) const {
        return repair_changes(c_, prompts_, answer, problem);
    }

    // How many judge() showed.
    std::size_t shown_count() const { return order_.size(); }
    // The position among the panel's usable drafts of what judge() showed at this place.
    std::size_t draft_at(std::size_t place) const { return order_[place]; }

private:
    using call_maker = std::function<synthesizer_call(std::size_t max_draft_bytes)>;

    shown_drafts show(
        const std::vector<const panel_draft*>& drafts, std::vector<std::string>& texts
    );
    synthesizer_call affordable(std::size_t draft_bytes, const call_maker& make) const;

    request_context& c_;
    const moa_prompts& prompts_;
    const moa_panel& panel_;
    std::vector<std::size_t> order_{};
};

}  // namespace meta_model::dispatch
