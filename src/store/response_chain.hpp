// What a response goes on from: the responses that came before it, by their `previous_response_id`.
#pragma once

#include "store/response_store.hpp"

#include <vector>

namespace meta_model::store {

struct chain_limits {
    std::size_t max_links = 1000;
    std::size_t max_bytes = 64u << 20;  // of all texts
};

enum class chain_fault : std::uint8_t {
    none,
    missing,     // a response of the chain is not there
    unfinished,  // the response that was named is still being made, or was not completed
    too_long,
};

struct response_chain {
    chain_fault fault = chain_fault::none;
    std::string at{};                      // id of the response at fault
    std::vector<stored_response> links{};  // the oldest first
    std::size_t bytes = 0;                 // of their texts
};

// The chain that ends with the response `last`.
response_chain resolve_chain(
    response_store& store, response_key last, const chain_limits& limits = {}
);

}  // namespace meta_model::store
