// Canonical JSON keeps the value, is its own canonical form, and does not depend on the spelling.
#include "dispatch/canonical_json.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

namespace meta_model::dispatch {
namespace {

using fuzz::expect;
using fuzz::opinion;

void run(std::string_view text) {
    if (text.size() > 8 * 1024) {
        return;  // escapes make a canonical text up to six times as long, and it is bounded itself
    }
    const auto canonical = canonical_json(text);
    fuzz::json_judge judge;
    const auto verdict = fuzz::judge_json(text, judge);
    if (canonical) {
        expect(verdict != opinion::invalid, "only JSON has a canonical form");
        expect(canonical_json(*canonical) == canonical, "a canonical form is its own");
    }
    if (verdict != opinion::valid) {
        return;
    }
    const auto value = fuzz::document_of(text);
    expect(
        canonical.has_value() || judge.depth > 64, "JSON that is not too deep has a canonical form"
    );
    if (!canonical) {
        return;
    }
    expect(fuzz::document_of(*canonical) == value, "the value stays the same");
    if (!judge.is_rounded && !judge.has_zero) {
        // Other white space, other escapes, other spellings of fractions, other order.
        expect(
            canonical_json(value.dump(2, '\t', true)) == canonical,
            "other spellings have the same canonical form"
        );
    }
}

}  // namespace
}  // namespace meta_model::dispatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::dispatch::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
