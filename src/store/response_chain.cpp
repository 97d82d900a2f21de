#include "store/response_chain.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::store {

namespace {

std::size_t size_of(const shared_text& text) {
    return text ? text->size() : 0;
}

// A response that failed or was cancelled said nothing that could be gone on from.
bool is_answer(response_status s) {
    return s == response_status::completed || s == response_status::incomplete;
}

response_chain fault_at(std::string id, chain_fault fault) {
    response_chain out;
    out.fault = fault;
    out.at = std::move(id);
    return out;
}

}  // namespace

// A cycle, which no client can make, would be too long.
response_chain resolve_chain(response_store& store, response_key last, const chain_limits& limits) {
    response_chain out;
    std::string id(last.id);
    while (!id.empty()) {
        auto link = store.find({.owner = last.owner, .id = id});
        if (!link) {
            return fault_at(std::move(id), chain_fault::missing);
        }
        if (!is_answer(link->status)) {
            return fault_at(std::move(id), chain_fault::unfinished);
        }
        out.bytes += size_of(link->input_items) + size_of(link->response);
        if (out.links.size() >= limits.max_links || out.bytes > limits.max_bytes) {
            return fault_at(std::move(id), chain_fault::too_long);
        }
        id = link->previous_id;
        out.links.push_back(std::move(*link));
    }
    std::ranges::reverse(out.links);
    return out;
}

}  // namespace meta_model::store
