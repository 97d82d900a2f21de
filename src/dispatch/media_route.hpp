// Who serves a turn that holds images, video or audio, and how a media route tells what became of it (spec §6).
#pragma once

#include "dispatch/attempt_list.hpp"
#include "dispatch/catalog.hpp"
#include "dispatch/leg.hpp"
#include "dispatch/request_context.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// "vision", "video" or "audio".
std::string_view name_of(config::modality route);

struct media_route {
    config::modality kind{};                             // whose table it is
    std::vector<upstream::upstream_state*> upstreams{};  // tried in this order
    bool is_described_first =
        false;  // images become text for the profile; the upstreams serve when that fails
};

// For a turn that the target does not serve itself, because not all its upstreams declare all of `turn`. The first kind of
// media names the table, and those of its endpoints are asked that declare all kinds; where none does, another kind's table.
// Errors: 501 for a kind that nobody takes. `two_stage`: of [vision].
base::result<media_route> route_media(const target& t, media_set turn, bool two_stage);

// The route as a cascade, for the profile that it stands in for.
target route_target(const target& profile, const media_route& route);

// A step of a route that is over, in the words of X-MetaModel-Multimodal-Attempts: a status, `transport_error`,
// `deadline_exceeded` or `not_configured`.
std::string attempt_word(const leg& step);

// The end of a route of which no upstream answered: what failed last decides. `last.outcome` is `running` when none was
// asked.
net::task<base::maybe_error> end_route(
    request_context& context, const attempt_list& attempts, const leg_result& last
);

}  // namespace meta_model::dispatch
