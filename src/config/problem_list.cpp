#include "config/problem_list.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace meta_model::config {

void problem_list::add(severity level, position at, std::string text) {
    problems_.push_back({
        .severity = level,
        .file = file_,
        .line = at.line,
        .column = at.column,
        .text = std::move(text),
    });
}

std::vector<problem> problem_list::take() {
    const auto before = [](const problem& a, const problem& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    };
    std::stable_sort(problems_.begin(), problems_.end(), before);
    return std::exchange(problems_, {});
}

std::string to_string(const problem& p) {
    if (p.line == 0) {
        return p.file + ": " + p.text;
    }
    return p.file + ":" + std::to_string(p.line) + ":" + std::to_string(p.column) + ": " + p.text;
}

bool load_result::has_errors() const {
    return std::any_of(problems.begin(), problems.end(), [](const problem& p) {
        return p.severity == severity::error;
    });
}

}  // namespace meta_model::config
