#include "telemetry/names.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>

namespace meta_model::telemetry {

namespace {

constexpr std::array<std::string_view, strategy_count> strategies{
    "none",
    "passthrough",
    "moa",
    "cascade",
    "voting",
    "multimodal",
};

constexpr std::array<std::string_view, call_outcome_count> call_outcomes{
    "ok",
    "timeout",
    "transport",
    "non_2xx",
    "non_json",
    "cancelled",
    "undeclared_tool",
    "dual_shape_response",
    "misconfigured",
    "breaker_open",
    "queue",
    "too_large",
    "cut",
    "unusable",
    "cost",
};

// The last index stands for every code that found no place.
constexpr auto unknown_code = static_cast<std::uint8_t>(outcome_code_count - 1);

std::string_view name_without_code(base::error_code_id id) {
    switch (id) {
        case base::error_code_id::internal: return "internal";
        case base::error_code_id::unknown_path: return "unknown_path";
        case base::error_code_id::wrong_method: return "wrong_method";
        case base::error_code_id::shape: return "shape";
        default: return "other";
    }
}

}  // namespace

std::string_view to_string(strategy value) {
    return strategies[static_cast<std::size_t>(value)];
}

std::string_view to_string(call_outcome value) {
    return call_outcomes[static_cast<std::size_t>(value)];
}

outcome_code outcome_of(base::error_code_id id) {
    if (id == base::error_code_id::unknown_model) {
        id = base::error_code_id::model_not_found;  // one code, one series
    }
    const auto index = static_cast<std::size_t>(id) + 1;
    return static_cast<outcome_code>(std::min<std::size_t>(index, unknown_code));
}

std::string_view to_string(outcome_code value) {
    const auto index = static_cast<std::uint8_t>(value);
    if (index == 0) {
        return "ok";
    }
    if (index >= unknown_code) {
        return "other";
    }
    const auto id = static_cast<base::error_code_id>(index - 1);
    const auto code = base::class_of(id).code;
    return code.empty() ? name_without_code(id) : code;
}

name_table::name_table() {
    names_.emplace_back("other");
    index_.emplace(names_.back(), std::uint16_t{0});
}

std::uint16_t name_table::add(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (const auto known = index_.find(name); known != index_.end()) {
        return known->second;
    }
    if (names_.size() >= capacity) {
        return 0;
    }
    const auto index = static_cast<std::uint16_t>(names_.size());
    names_.emplace_back(name);
    index_.emplace(names_.back(), index);
    return index;
}

std::uint16_t name_table::find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto known = index_.find(name);
    return known == index_.end() ? std::uint16_t{0} : known->second;
}

std::string name_table::at(std::size_t index) const {
    const std::lock_guard lock(mutex_);
    return index < names_.size() ? names_[index] : names_.front();
}

std::size_t name_table::size() const {
    const std::lock_guard lock(mutex_);
    return names_.size();
}

}  // namespace meta_model::telemetry
