// A text of the operator's with places for what is known only when a request runs.
#pragma once

#include "config/toml_document.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::config {

struct prompt_value {
    std::string_view name{};
    std::string_view text{};
};

// A place is written `{{name}}`; everything else is text as it stands. Values are put in by one pass over the template, so
// that what looks like a place inside a value stays text. There is no escape: a text cannot say `{{name}}`.
class prompt_template {
public:
    struct fault {
        position at{};  // in the text
        std::string what{};
    };

    // The first place whose name is none of `names`; the template is then not set.
    std::optional<fault> parse(std::string_view text, std::span<const std::string_view> names);

    bool is_set() const { return !pieces_.empty(); }
    std::size_t count_of(std::string_view name) const;

    // A place that `values` do not name stays empty.
    std::string filled(std::span<const prompt_value> values) const;

private:
    struct piece {
        std::string text{};
        std::string name{};  // of the place behind the text; empty: there is none
    };

    std::vector<piece> pieces_{};
};

}  // namespace meta_model::config
