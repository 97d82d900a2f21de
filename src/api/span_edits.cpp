#include "api/span_edits.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace meta_model::api {

std::size_t total_size(const pieces& parts) {
    std::size_t n = 0;
    for (const auto part : parts) {
        n += part.size();
    }
    return n;
}

void span_edits::replace(std::size_t begin, std::size_t end, std::string_view replacement) {
    edits_.push_back({begin, end, replacement});
}

void span_edits::replace_owned(std::size_t begin, std::size_t end, std::string replacement) {
    kept_.push_back(std::make_unique<std::string>(std::move(replacement)));
    replace(begin, end, *kept_.back());
}

void span_edits::apply(std::string_view text, pieces& out) {
    // An insertion comes before what is replaced at the same place.
    const auto place = [](const edit& e) { return std::pair(e.begin, e.end); };
    // Mostly they come in order, and a sort would ask for memory.
    if (!std::ranges::is_sorted(edits_, {}, place)) {
        std::ranges::stable_sort(edits_, {}, place);
    }
    out.clear();
    out.reserve(2 * edits_.size() + 1);
    std::size_t at = 0;
    for (const auto& e : edits_) {
        assert(e.begin >= at && e.end <= text.size());
        out.push_back(text.substr(at, e.begin - at));
        out.push_back(e.replacement);
        at = e.end;
    }
    out.push_back(text.substr(at));
}

}  // namespace meta_model::api
