#include "dispatch/shared_calls.hpp"

namespace meta_model::dispatch {

std::vector<bool> shared_calls(const target& t) {
    std::vector<bool> out;
    for (std::size_t i = 0; i < t.seats.size(); ++i) {
        if (t.seats[i].may_join && t.upstreams[i]->takes_choices.load(std::memory_order_relaxed)) {
            out.resize(t.seats.size());
            out[i] = true;
        }
    }
    return out;
}

std::size_t seats_of_call(const std::vector<bool>& sharing, std::size_t first) {
    std::size_t count = 1;
    while (first + count < sharing.size() && sharing[first + count]) {
        ++count;
    }
    return count;
}

}  // namespace meta_model::dispatch
