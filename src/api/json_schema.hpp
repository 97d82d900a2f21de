// Whether a JSON text is what a JSON Schema allows (draft 2020-12, the part that structured output of models uses).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace meta_model::api {

enum class schema_verdict {
    valid,
    invalid,
    undecided,  // the schema is none, refers to something that is not in it, or asks for too much work
};

struct schema_result {
    schema_verdict verdict = schema_verdict::undecided;
    std::string problem{
    };  // for logs: the keyword that failed and where, as `/items/0: type`; without model text
};

// A schema and an instance are JSON text of at most 256 KiB. Known: type, enum, const, the limits of numbers, strings, arrays and objects,
// properties, required, additionalProperties, items, prefixItems, uniqueItems, pattern, allOf, anyOf, oneOf, not, and $ref
// within the schema. Other keywords hold for everything, as the standard says of unknown ones; so does a pattern that
// needs more than linear time. The work is bounded: beyond 20,000 steps or a depth of 128 nothing is decided.
class json_schema {
public:
    // `text` outlives the schema; it is parsed by the first check, for all of them. Empty: decides nothing.
    explicit json_schema(std::string_view text = {}) : text_(text) {}

    schema_result check(std::string_view instance) const;
    std::string_view text() const { return text_; }

private:
    struct document;

    std::string_view text_;
    mutable std::shared_ptr<const document> document_{};
};

}  // namespace meta_model::api
