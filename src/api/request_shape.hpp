// The kinds of requests that are answered by a model, as tables: where each is served, where it goes, and the fields that
// the gateway looks at. Members that are in no table are carried untouched.
#pragma once

#include "api/json_cursor.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace meta_model::api {

enum class request_kind : std::uint8_t {
    chat,
    completions,
    embeddings,
    rerank,
    moderations,
    tokenize,
    responses,
    messages,
    count_tokens,
    input_tokens
};

// Asks for the number of tokens of what it holds, and for no answer.
constexpr bool is_count(request_kind kind) {
    return kind == request_kind::tokenize || kind == request_kind::count_tokens;
}

enum class range_rule : std::uint8_t {
    none,
    integer,
    positive_integer,
    at_least_one,
    zero_to_one,
    zero_to_two,
    zero_to_twenty,
    minus_two_to_two,
    not_empty
};

// Types of JSON values as a set.
constexpr unsigned type_bit(json_type t) {
    return 1u << static_cast<unsigned>(t);
}

struct field_rule {
    std::string_view name;
    unsigned types;  // of type_bit
    range_rule range;
    std::string_view expected;  // in the words of an error: "'name' must be …"
    bool is_required = false;
    std::string_view instead = {};  // a member that stands in for a required one
};

struct request_shape {
    request_kind kind;
    std::string_view path;  // where clients send it
    std::string_view
        upstream_path;  // behind an upstream's base URL; empty: it goes there as a chat
    std::span<const field_rule> fields;
    std::array<std::string_view, 2> prompt;  // members that hold what the model reads; may be empty

    const field_rule* rule_for(std::string_view member) const;
};

const request_shape& shape_of(request_kind kind);

// Whether its answer is text that a model writes.
constexpr bool is_generation(request_kind kind) {
    return kind == request_kind::chat || kind == request_kind::completions
           || kind == request_kind::messages || kind == request_kind::responses;
}

std::span<const request_shape> request_shapes();

// Whether `raw`, of a type that the rule allows, is in its range.
bool is_in_range(range_rule rule, std::string_view raw);

}  // namespace meta_model::api
