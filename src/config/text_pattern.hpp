// A regular expression of the operator's, matched in linear time whatever the text (RE2).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace meta_model::config {

class text_pattern {
public:
    // The reason when `expression` is none; the pattern is then not set.
    std::string compile(const std::string& expression);

    bool is_set() const { return compiled_ != nullptr; }

    // False when it is not set.
    bool is_found_in(std::string_view text) const;

private:
    std::shared_ptr<const re2::RE2> compiled_{};
};

}  // namespace meta_model::config
