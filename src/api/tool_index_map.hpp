// Dense positions for tool calls whose indices come from an upstream: gaps and odd starts are closed up in the order
// in which the calls first appear.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace meta_model::api {

class tool_index_map {
public:
    // The position of `upstream_index`, a new one at the end if it was not seen before.
    std::size_t position_of(int upstream_index) {
        // Deltas of one call follow each other, so the newest call is the usual one.
        if (!seen_.empty() && seen_.back() == upstream_index) {
            return seen_.size() - 1;
        }
        const auto found = std::ranges::find(seen_, upstream_index);
        const auto position = static_cast<std::size_t>(found - seen_.begin());
        if (found == seen_.end()) {
            seen_.push_back(upstream_index);
        }
        return position;
    }

private:
    std::vector<int> seen_{};
};

}  // namespace meta_model::api
