// `meta-model explain`: what a request would do, without calling anybody.
#pragma once

#include "config/config.hpp"

#include <string>

namespace meta_model::app {

struct explain_options {
    std::string profile{};  // or an upstream's key; empty: what the body asks for
    std::string body{};     // of the request; its `x_meta_model` holds
    bool is_json = false;
};

struct explanation {
    std::string text{};       // for standard output; empty with `error`
    std::string error{};      // the name is not known, or the body is not a chat request
    bool is_refused = false;  // the gateway would answer with an error before any call
};

explanation explain(config::gateway_config config, const explain_options& options);

// A body with one user message of so many bytes.
std::string sample_body(const std::string& profile, std::size_t prompt_bytes);

}  // namespace meta_model::app
