// Which steps of a cascade were called, and whose answers were not taken, for the reply's head.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

class attempt_list {
public:
    void add(std::string_view step);
    // `part`: of the step's gate.
    void reject(std::string_view step, std::string_view part);

    std::uint16_t count() const { return count_; }

    // X-MetaModel-Cascade-Tried, -Rejected if any was, and -Winner unless it is empty.
    void append_headers(std::string& lines, std::string_view winner) const;

private:
    std::string tried_;     // comma separated
    std::string rejected_;  // `name:part`, comma separated
    std::uint16_t count_ = 0;
};

}  // namespace meta_model::dispatch
