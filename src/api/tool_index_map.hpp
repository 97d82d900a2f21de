// Dense positions for tool calls whose indices come from an upstream: gaps and odd starts are closed up in the order
// in which the calls first appear.
#pragma once

#include <cstddef>
#include <unordered_map>

namespace meta_model::api {

class tool_index_map {
public:
    // The position of `upstream_index`, a new one at the end if it was not seen before.
    std::size_t position_of(int upstream_index) {
        // Deltas of one call follow each other, so the last one told of is the usual one.
        if (positions_.empty() || last_index_ != upstream_index) {
            last_position_ =
                positions_.try_emplace(upstream_index, positions_.size()).first->second;
            last_index_ = upstream_index;
        }
        return last_position_;
    }

private:
    std::unordered_map<int, std::size_t> positions_{};  // an upstream may send very many
    int last_index_ = 0;
    std::size_t last_position_ = 0;
};

}  // namespace meta_model::api
