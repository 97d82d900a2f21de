// `meta-model explain` of profiles within profiles, and words for what it tells.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

using list = std::vector<std::string>;

// a and b answer, s synthesizes, v and w see images. Up to 1,000 tokens of answer cost 0.004 dollars.
struct planned {
    fake_upstream models{};
    temporary_folder folder{};

    planned() {
        for (const std::string name : {"a", "b", "s", "v", "w"}) {
            models.on(name, ok("answer of " + name));
        }
    }

    config_text config(const std::string& more) const {
        config_text out(models);
        for (const std::string name : {"a", "b", "s", "v", "w"}) {
            const auto* sees =
                name == "v" || name == "w" ? "modalities = [\"text\", \"image\"]\n" : "";
            out.upstream(
                name,
                sees + std::string("max_output = 1000\n[upstreams.") + name
                    + ".pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0"
            );
        }
        return out.moa("inner.v1", {"a", "b"}, "s")
            .moa("limited.v1", {"a", "b"}, "s", "max_cost_usd = 0.012")
            .moa("outer.v1", {"inner.v1", "b"}, "s")
            .moa("thrifty.v1", {"limited.v1", "b"}, "s")
            .cascade("steps.v1", {"a", "inner.v1"})
            .cascade("resumed.v1", {"a", "b"}, "on_cut = \"resume\"")
            .voting("vote.v1", {"a", "inner.v1"}, "aggregation = \"majority\"")
            .raw("[features]\nvoting = true\n" + more);
    }

    finished_run run(const json& body, list more = {}, const std::string& tables = "") const {
        const auto file = folder.write("meta-model.toml", config(tables).text());
        const auto request = folder.write("body.json", body.dump());
        list all{"explain", "--config", file, "--body", request};
        all.insert(all.end(), more.begin(), more.end());
        return run_gateway({all, {}, {}});
    }

    json plan(const json& body, const std::string& tables = "") const {
        const auto done = run(body, {"--json"}, tables);
        EXPECT_EQ(done.exit_code, 0) << done.all();
        return json::parse(done.standard_output);
    }
};

inline list roles_of(const json& plan) {
    list out;
    for (const auto& call : plan["calls"]) {
        out.push_back(call["role"].get<std::string>() + ' ' + call["upstream"].get<std::string>());
    }
    return out;
}

inline list times_of(const json& plan) {
    list out;
    for (const auto& call : plan["calls"]) {
        out.push_back(call["when"]);
    }
    return out;
}

inline double sum_of(const json& plan) {
    double sum = 0;
    for (const auto& call : plan["calls"]) {
        sum += call["state"] == "planned" ? call["ceiling_usd"].get<double>() : 0;
    }
    return sum;
}

inline json limited(json body, double usd) {
    body["x_meta_model"] = {{"max_cost_usd", usd}, {"trace", true}};
    return body;
}

}  // namespace meta_model::contract
