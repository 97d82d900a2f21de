// Profiles of text models beside upstreams that take images, video and audio.
#pragma once

#include "contract/cascade_steps.hpp"
#include "support/media_parts.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

inline json asks(const std::string& model, const json& messages) {
    return {{"model", model}, {"messages", messages}};
}

// One message with a question and these parts.
inline json shows(const std::string& model, const std::vector<json>& parts) {
    auto all = parts;
    all.insert(all.begin(), text_part("What is it?"));
    return asks(model, json::array({user_parts(all)}));
}

inline const std::vector<std::string> ensembles{"panel.v1", "steps.v1", "vote.v1"};

// g and h are generators, steps and voters, s synthesizes: text only. a and b take images, film takes images and video, ears
// audio. Each answers under its own name.
struct media_profiles {
    fake_upstream models{};

    media_profiles() {
        for (const char* name : {"g", "h", "s", "a", "b", "film", "ears"}) {
            models.on(name, ok(std::string("answer of ") + name));
        }
    }

    // `sighted`: modalities of g and h.
    config_text config(
        const std::string& vision = "endpoints = [\"a\", \"b\"]",
        const std::string& sighted = R"(["text"])",
        const std::string& profile_lines = ""
    ) const {
        config_text out(models);
        add(out, "g", sighted);
        add(out, "h", sighted);
        add(out, "s", R"(["text"])");
        add(out, "a", R"(["text", "image"])");
        add(out, "b", R"(["text", "image"])");
        add(out, "film", R"(["text", "image", "video"])");
        add(out, "ears", R"(["text", "audio"])");
        out.moa("panel.v1", {"g", "h"}, "s", profile_lines)
            .cascade("steps.v1", {"g", "h"})
            .voting("vote.v1", {"g", "h"}, "ballot = \"text\"\naggregation = \"plurality\"")
            .raw("[features]\nvoting = true");
        if (!vision.empty()) {
            out.raw("[vision]\n" + vision);
        }
        return out;
    }

    // No number of faults takes an upstream out.
    static void add(config_text& out, const std::string& name, const std::string& modalities) {
        out.upstream(
            name,
            "modalities = " + modalities + "\n[upstreams." + name
                + ".breaker]\nfailures = 1000000\n[upstreams." + name + ".retry]\nmax_attempts = 1"
        );
    }

    std::size_t calls_of_profiles() const {
        return models.call_count("g") + models.call_count("h") + models.call_count("s");
    }
};

inline std::string path(const http_reply& reply) {
    return reply.header("X-MetaModel-Multimodal-Path");
}

inline std::string attempts(const http_reply& reply) {
    return reply.header("X-MetaModel-Multimodal-Attempts");
}

inline std::string served_by(const http_reply& reply) {
    return reply.header("X-MetaModel-Multimodal-Upstream");
}

}  // namespace meta_model::contract
