// The names that metrics may carry. Each is an index on the hot path and a text only when somebody reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace meta_model::base {
enum class error_code_id;
}

namespace meta_model::telemetry {

// Index of a profile's canonical name. An upstream's key is one too: clients may address it directly.
enum class profile_id : std::uint16_t { other = 0 };

// Index of an upstream's key.
enum class upstream_id : std::uint16_t { other = 0 };

enum class strategy : std::uint8_t { none, passthrough, moa, cascade, voting, multimodal };
inline constexpr std::size_t strategy_count = 6;
std::string_view to_string(strategy value);

// How one upstream call ended. The words of spec §9 and decisions §3.2.
enum class call_outcome : std::uint8_t {
    ok,
    timeout,
    transport,
    non_2xx,
    non_json,
    cancelled,
    undeclared_tool,
    dual_shape_response,
    misconfigured,
    breaker_open,
    queue,
    too_large,
    cut,
    unusable,
    cost,
};
inline constexpr std::size_t call_outcome_count = 15;
std::string_view to_string(call_outcome value);

// How a request ended: `ok` or the code of its error.
enum class outcome_code : std::uint8_t { ok = 0 };
inline constexpr std::size_t outcome_code_count = 128;
outcome_code outcome_of(base::error_code_id id);
// Errors whose envelope has a null code have a word here too (`internal`, `unknown_path`, `wrong_method`, `shape`).
std::string_view to_string(outcome_code value);

// The names of one configuration.
struct roster {
    struct profile {
        std::string name{};
        telemetry::strategy strategy{};
    };
    std::vector<profile> profiles{};
    std::vector<std::string> upstreams{};
};

// Names by index. Grows only: a name keeps its index over every reload, and its counts with it. Beyond `capacity`
// names, new ones are `other`. Any thread may call it; none does so per request.
class name_table {
public:
    static constexpr std::size_t capacity = 1024;

    name_table();

    std::uint16_t add(std::string_view name);
    std::uint16_t find(std::string_view name) const;  // 0, `other`, for a name that was never added
    std::string at(std::size_t index) const;
    std::size_t size() const;  // with `other`

private:
    mutable std::mutex mutex_;
    std::deque<std::string> names_;  // a deque: the keys of `index_` are views of its elements
    std::unordered_map<std::string_view, std::uint16_t> index_;
};

}  // namespace meta_model::telemetry
