// A panel of generators and a synthesizer behind one profile, as the ensemble tests use it.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

inline constexpr auto panel_name = "panel.v1";

// Generators a, b, c with drafts of different length, synthesizer s; profile panel.v1.
struct panel {
    fake_upstream models{};

    panel();
    // Configuration with `lines` in the profile and `server_lines` in [server].
    config_text config(const std::string& lines = "", const std::string& server_lines = "");
    // The synthesizer's newest request body.
    json synthesis() const { return models.last_request("s").json; }
    // The text of the one message that the gateway added for the synthesizer.
    std::string added_text() const;
};

// The number under which `text` is shown in a message that lists candidates; empty when it is not.
std::string number_shown(const std::string& message, const std::string& text);

// A judge who writes `before` and then the number of the candidate with `text`.
reply choosing_draft(const std::string& text, const std::string& before = "");

// Failed-Generators of a reply, e.g. "b:non_2xx".
std::string failed_generators(const http_reply& reply);

}  // namespace meta_model::contract
