// How a plan_report is made: the same decisions as those of a request, without its calls. For plan_report.cpp and its
// parts.
#pragma once

#include "dispatch/call_cost.hpp"
#include "dispatch/image_description.hpp"
#include "dispatch/media_route.hpp"
#include "dispatch/plan_report.hpp"
#include "dispatch/request_context.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

struct moa_bounds;
struct panel_choice;

class planner {
public:
    // `context` outlives the planner, its target and configuration the report.
    explicit planner(request_context& context);

    plan_report make();

private:
    using seat_changes = std::function<upstream::body_changes(std::size_t i)>;
    // One without others, which a synthesizer makes into an answer where it lacks the form or the calls that are asked for.
    enum class lone_draft { answers, may_lack };

    std::chrono::milliseconds whole() const;
    std::chrono::milliseconds panel_time(bool has_second) const;
    planned_call& add(
        const upstream::upstream_state& u, leg_role role, std::string when, const call_bound& bound
    );
    void take_in_order(planned_call& call);
    void note_too_dear(base::money ceiling);
    base::error too_dear() const;
    base::money left() const;  // of the cost limit, if there is one

    void plan_relay();
    void plan_profile();
    void plan_nested(
        planned_call& call, const nested_profile& profile, const upstream::body_changes& changes
    );

    // Panels.
    void plan_moa();
    panel_choice choose_drafts(const moa_bounds& bounds);
    void refuse_if_no_draft_starts();
    void plan_synthesis(
        const moa_bounds& bounds,
        base::money held,
        const std::vector<std::size_t>& call_of,
        lone_draft lone
    );
    void plan_repair(std::int64_t output_tokens, const upstream::body_changes& changes);
    void plan_voting();
    std::size_t add_seat(
        std::size_t i,
        leg_role role,
        const std::optional<call_bound>& bound,
        const std::vector<bool>& sharing,
        bool starts
    );
    void refuse_if_all_too_dear(const seat_changes& changes, const std::vector<bool>& sharing);
    void plan_nested_seats(const std::vector<std::size_t>& call_of, const seat_changes& changes);

    // Steps.
    void plan_cascade();
    void refuse_if_no_step_starts();
    void plan_step(std::size_t i, std::string& before, std::int64_t& sent_tokens);
    struct step_bound {
        base::money anew{};     // the step itself, from the beginning
        base::money reading{};  // what it reads more where it continues a stream
        base::money judging{};  // what its gate asks of others
    };
    bool begin_step(
        planned_call& call,
        const step_bound& bound,
        const upstream::upstream_state& u,
        const upstream::body_changes& changes
    );
    void plan_nested_step(
        planned_call& call,
        const nested_profile& profile,
        base::money judging,
        const upstream::body_changes& changes
    );
    void take_rest_of_step(const step_bound& bound);
    void plan_gate(const step_gate_target& gate, std::string_view step, std::int64_t answer_tokens);

    // Media.
    void plan_media(const media_route& route);
    void plan_route(const media_route& route, std::string_view first);
    void plan_described(const media_route& route);
    std::chrono::milliseconds describing_time() const;
    std::int64_t plan_descriptions(const image_selection& images);
    void plan_described_panel(const image_selection& images, std::int64_t description_tokens);
    void adopt(plan_report part, std::string_view first);

    request_context& c_;
    plan_report out_;
    std::optional<base::money> cheapest_{};  // of the calls that cost too much
    base::money not_both_{};                 // planned twice: of two ways only one is gone
};

// Why a planned call is not made.
namespace plan_reason {
inline constexpr std::string_view cost_limit = "cost_limit";
inline constexpr std::string_view too_large = "too_large";
}  // namespace plan_reason

}  // namespace meta_model::dispatch
