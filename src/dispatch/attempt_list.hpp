// Which steps of a cascade were called, and whose answers were not taken, for the reply's head.
#pragma once

#include "config/config.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

class attempt_list {
public:
    // `route`: other than text, the list is written in the words of that media route (spec §6.3).
    explicit attempt_list(config::modality route = config::modality::text) : route_(route) {}

    void add(std::string_view step);
    // How the newest step ended; only media routes tell it.
    void end(std::string_view outcome);
    // `part`: of the step's gate.
    void reject(std::string_view step, std::string_view part);

    std::uint16_t count() const { return count_; }

    // X-MetaModel-Cascade-Tried, -Rejected if any was, and -Winner unless it is empty; or X-MetaModel-Multimodal-Path,
    // -Attempts and -Upstream.
    void append_headers(std::string& lines, std::string_view winner) const;

private:
    std::string tried_;     // comma separated
    std::string rejected_;  // `name:part`, comma separated
    std::uint16_t count_ = 0;
    config::modality route_;
    bool has_ended_ = true;  // the newest step
};

}  // namespace meta_model::dispatch
