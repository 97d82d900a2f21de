// What calls have in common that a model server may have cached.
#pragma once

#include "api/chat_request.hpp"

#include <cstdint>

namespace meta_model::upstream {

// The same for requests with the same `prompt_cache_key`; without one, with the same `user`; without that, with the
// same beginning of the conversation: up to its first user message, which later turns repeat. Never 0.
std::uint64_t affinity_of(const api::chat_request& request);

}  // namespace meta_model::upstream
