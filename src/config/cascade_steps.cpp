#include "config/cascade_steps.hpp"

#include "config/key_table.hpp"

namespace meta_model::config {

namespace {

void read_pattern(const field& f, step_gate& g) {
    std::string expression;
    if (!f.read_filled(expression)) {
        return;
    }
    if (const auto reason = g.pattern.compile(expression); !reason.empty()) {
        f.error(": is no regular expression (RE2): " + reason);
    }
}

constexpr key_row<step_gate> gate_keys[] = {
    {"finish_reasons", [](const field& f, step_gate& g) { f.read_distinct(g.finish_reasons); }},
    {"json_schema", [](const field& f, step_gate& g) { f.read(g.json_schema); }},
    {"pattern", read_pattern},
    {"min_mean_logprob",
     [](const field& f, step_gate& g) { f.read(g.min_mean_logprob, within(-1000, 0)); }},
    {"agree_with", [](const field& f, step_gate& g) { f.read_filled(g.agree_with); }},
    {"judge", [](const field& f, step_gate& g) { f.read_filled(g.judge); }},
    {"judge_threshold",
     [](const field& f, step_gate& g) { f.read(g.judge_threshold, within(0, 1)); }},
};

void read_accept(const field& f, cascade_step& s) {
    step_gate gate;
    read_table(f, gate_keys, gate);
    const auto* members = f.value().as<node::table>();
    if (members == nullptr || members->empty()) {
        return;
    }
    if (gate.judge.empty() && f.value().find("judge_threshold") != nullptr) {
        f.problems().error(
            f.at("judge_threshold"), f.label() + ".judge_threshold: there is no judge"
        );
    }
    s.accept = std::move(gate);
}

constexpr key_row<cascade_step> step_keys[] = {
    {"use",
     [](const field& f, cascade_step& s) { f.read_filled(s.use); },
     nullptr,
     presence::required},
    {"accept", read_accept},
};

}  // namespace

void read_cascade_steps(const field& list, std::vector<cascade_step>& into) {
    const auto* elements = list.value().as<node::array>();
    if (elements == nullptr) {
        list.wrong_type("an array of tables");
        return;
    }
    if (elements->empty()) {
        list.error(": at least 1 step is needed");
    }
    for (std::size_t i = 0; i < elements->size(); ++i) {
        read_table(list.element(i), step_keys, into.emplace_back());
    }
}

}  // namespace meta_model::config
