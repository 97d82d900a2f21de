#include "config/cascade_steps.hpp"

#include "config/key_table.hpp"

namespace meta_model::config {

namespace {

// What a step's answer must be like. Checked here; a profile with a gate answers 501 until gates are built.
struct gates {
    std::vector<std::string> finish_reasons{};
    bool json_schema = false;
    std::string pattern{};
    double min_mean_logprob = 0;
    std::string agree_with{};
    std::string judge{};
    double judge_threshold = 0;
};

constexpr key_row<gates> gate_keys[] = {
    {"finish_reasons", [](const field& f, gates& g) { f.read_distinct(g.finish_reasons); }},
    {"json_schema", [](const field& f, gates& g) { f.read(g.json_schema); }},
    {"pattern", [](const field& f, gates& g) { f.read_filled(g.pattern); }},
    {"min_mean_logprob",
     [](const field& f, gates& g) { f.read(g.min_mean_logprob, within(-1000, 0)); }},
    {"agree_with", [](const field& f, gates& g) { f.read_filled(g.agree_with); }},
    {"judge", [](const field& f, gates& g) { f.read_filled(g.judge); }},
    {"judge_threshold", [](const field& f, gates& g) { f.read(g.judge_threshold, within(0, 1)); }},
};

constexpr key_row<cascade_step> step_keys[] = {
    {"use",
     [](const field& f, cascade_step& s) { f.read_filled(s.use); },
     nullptr,
     presence::required},
    {"accept",
     [](const field& f, cascade_step& s) {
         gates checked;
         read_table(f, gate_keys, checked);
         const auto* members = f.value().as<node::table>();
         s.has_gate = members != nullptr && !members->empty();
     }},
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
