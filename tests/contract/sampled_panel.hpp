// A panel one of whose upstreams gives several choices in a call (`max_n`).
#pragma once

#include "contract/panel.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace meta_model::contract {

inline answer saying(const std::string& text) {
    answer out;
    out.message["content"] = text;
    out.usage = {{"prompt_tokens", 100}, {"completion_tokens", 30}, {"total_tokens", 130}};
    return out;
}

// As many choices as are asked for: "sample 0 of b", "sample 1 of b", …
inline reply sampled(std::size_t most = 128) {
    return [=](const recorded_request& r) {
        std::vector<answer> all;
        const auto count = std::min<std::size_t>(most, r.json.value("n", 1));
        while (all.size() < count) {
            all.push_back(saying("sample " + std::to_string(all.size()) + " of b"));
        }
        return complete_choices(all)(r);
    };
}

inline reply same_choices(const std::string& text) {
    return [=](const recorded_request& r) {
        return complete_choices(std::vector(r.json.value("n", 1), saying(text)))(r);
    };
}

// Generators a and b, synthesizer s; b gives `max_n` choices in a call.
struct sampled_panel {
    fake_upstream models{};

    sampled_panel() {
        models.on("a", ok("draft of a"));
        models.on("b", sampled());
        models.on("s", ok("the fused answer"));
    }

    config_text config(
        int max_n,
        const std::string& generators,
        const std::string& lines = "",
        const std::string& b_lines = ""
    ) const {
        config_text out(models);
        out.upstreams({"a", "s"})
            .upstream("b", "max_n = " + std::to_string(max_n) + "\n" + b_lines)
            .raw(
                "[profiles.\"panel.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\ngenerators = "
                + generators + "\n" + lines
            );
        return out;
    }

    std::vector<int> asked_choices() const {
        std::vector<int> out;
        for (const auto& r : models.requests("b")) {
            out.push_back(r.json.value("n", 1));
        }
        std::ranges::sort(out);
        return out;
    }
};

inline json traced(const json& body) {
    return with(body, {{"x_meta_model", {{"trace", true}}}});
}

inline json legs_of(const http_reply& reply) {
    return reply.json()["x_meta_model"]["legs"];
}

inline json lines_of(const http_reply& reply, const std::string& upstream) {
    json out = json::array();
    for (const auto& line : legs_of(reply)) {
        if (line["upstream"] == upstream) {
            out.push_back(line);
        }
    }
    return out;
}

inline constexpr auto three_of_b = R"(["a", { upstream = "b", samples = 3 }])";

}  // namespace meta_model::contract
