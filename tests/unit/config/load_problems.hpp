// Configurations as texts, and what loading them complains of.
#pragma once

#include "config/load.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::config {

inline const std::string two_upstreams = R"(
[upstreams.a]
model_id = "m-a"
base_url = "http://127.0.0.1:1/v1"
context = 8192
max_output = 1024
[upstreams.b]
model_id = "m-b"
base_url = "http://127.0.0.1:2/v1/"
context = 8192
max_output = 1024
)";

inline std::string problems_of(const std::string& text) {
    std::string out;
    for (const auto& p : load(text, "f.toml", {}).problems) {
        out += to_string(p) + '\n';
    }
    return out;
}

inline void expect_problem(const std::string& more, const std::string& fragment) {
    const auto all = problems_of(two_upstreams + more);
    EXPECT_NE(all.find(fragment), std::string::npos) << fragment << " in:\n" << all;
}

}  // namespace meta_model::config
