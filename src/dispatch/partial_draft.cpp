#include "dispatch/partial_draft.hpp"

#include "api/reasoning.hpp"
#include "base/text.hpp"

namespace meta_model::dispatch {

bool make_partial(api::draft& d) {
    if (!d.content || !d.tool_calls.empty() || d.function_call) {
        return false;
    }
    d.content = api::strip_in_band_reasoning(*d.content);
    return base::trim(*d.content).size() >= min_partial_bytes;
}

}  // namespace meta_model::dispatch
