#include "config/text_pattern.hpp"

#include <re2/re2.h>

namespace meta_model::config {

std::string text_pattern::compile(const std::string& expression) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto compiled = std::make_shared<const re2::RE2>(expression, options);
    if (!compiled->ok()) {
        return compiled->error();
    }
    compiled_ = std::move(compiled);
    return {};
}

bool text_pattern::is_found_in(std::string_view text) const {
    return compiled_ != nullptr
           && re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

}  // namespace meta_model::config
