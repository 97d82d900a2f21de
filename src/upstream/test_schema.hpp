// Instances of JSON schemas, for simulated tool calls and structured replies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::upstream {

struct schema_hints {
    std::uint64_t seed = 0;
    std::string_view text{};  // for members that ask for a text or a query; may be empty
};

// A JSON text that is valid against `schema` (JSON text), the same for the same input. Honours type, const, enum,
// properties, required, items, prefixItems, allOf, anyOf, oneOf, local $ref, the limits of numbers, strings and arrays,
// and common formats; not `pattern`, `not` and conditions. Optional members are left out where others are required.
// Bounded in depth and size. `{}` for what is no schema or is larger than 256 KiB.
std::string schema_instance(std::string_view schema, const schema_hints& hints);

}  // namespace meta_model::upstream
