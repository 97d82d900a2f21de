// Two or three steps behind one profile, as the cascade tests use them.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

inline constexpr auto cascade_name = "steps.v1";

// Upstreams a and b answer under their own names; c is there for tests that want a third step.
struct cascade_steps {
    fake_upstream models{};

    cascade_steps() {
        models.on("a", ok("answer of a"));
        models.on("b", ok("answer of b"));
        models.on("c", ok("answer of c"));
    }

    // No number of faults takes a step out, unless a test asks for it.
    config_text config(
        const std::string& lines = "", const std::vector<std::string>& steps = {"a", "b"}
    ) const {
        config_text out(models);
        for (const std::string name : {"a", "b", "c"}) {
            out.upstream(name, "[upstreams." + name + ".breaker]\nfailures = 1000000");
        }
        out.cascade(cascade_name, steps, lines);
        return out;
    }
};

inline reply refusal(int status, const json& error, header_list headers = {}) {
    return json_reply(status, {{"error", error}}, std::move(headers));
}

inline reply busy(int status = 503) {
    return refusal(status, {{"message", "busy"}});
}

inline std::string tried(const http_reply& reply) {
    return reply.header("X-MetaModel-Cascade-Tried");
}

inline std::string winner(const http_reply& reply) {
    return reply.header("X-MetaModel-Cascade-Winner");
}

}  // namespace meta_model::contract
