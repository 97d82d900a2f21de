// Keeps calls that are not declared out of an answer that goes on while it is still written.
#pragma once

#include "api/answer_event.hpp"
#include "api/tool_index_map.hpp"
#include "dispatch/contract_check.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace meta_model::dispatch {

// Tells `next` everything but such calls: names are cleaned, the calls that are left are counted from 0 without gaps, and
// a finish says "stop" when none is left. A call waits for its name; one that never gets a name goes nowhere.
class call_filter final : public api::answer_listener {
public:
    // Both outlive it.
    call_filter(const tool_policy& policy, api::answer_listener& next);

    void on_event(const api::answer_event& event) override;

    // The first call that was kept back for its name.
    const std::optional<contract_breach>& breach() const { return breach_; }

private:
    enum class fate { waits, passes, dropped };
    struct call {
        call_filter::fate fate = fate::waits;
        int index = 0;            // with `passes`: its place among those that pass
        std::string id{};         // with `waits`
        std::string arguments{};  // with `waits`
        std::string extra{};      // with `waits`
    };

    void on_call(call& c, const api::answer_event& event);
    fate judge(const std::string& name);
    void on_finish(const api::answer_event& event);

    const tool_policy& policy_;
    api::answer_listener& next_;
    api::tool_index_map indices_;
    std::vector<call> calls_;
    call function_;
    int passed_ = 0;
    std::size_t waiting_bytes_ = 0;
    bool has_dropped_ = false;
    std::optional<contract_breach> breach_;
};

}  // namespace meta_model::dispatch
