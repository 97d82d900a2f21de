// The strategy of `type = "cascade"`: upstreams in order, the first usable answer wins (spec §3.5).
#pragma once

#include "dispatch/request_context.hpp"

namespace meta_model::dispatch {

net::task<base::maybe_error> run_cascade(request_context& context);

}  // namespace meta_model::dispatch
