// Requests whose media their profile cannot serve itself (spec §6.3, §6.4).
#pragma once

#include "dispatch/media_route.hpp"
#include "dispatch/request_context.hpp"

namespace meta_model::dispatch {

// Asks the route's upstreams one after the other; with `is_described_first` the images are described and the profile
// answers without them. Returns the error of a request that was not answered, or nothing.
net::task<base::maybe_error> run_media_route(request_context& context, const media_route& route);

}  // namespace meta_model::dispatch
