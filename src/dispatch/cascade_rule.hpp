// What a cascade does after a step failed: pure decisions (spec §3.5).
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// Whose matter a refusal is.
enum class refusal_kind {
    passing,         // this upstream's, or this moment's: another step may do better
    caller,          // the caller's own mistake: every step would say the same
    context_length,  // the conversation is too long for this upstream's window
    content_filter,  // the conversation itself was refused
};

// `status`: of the reply, or what an error object in a 2xx reply stands for. `body`: its JSON text, may be anything.
refusal_kind judge_refusal(int status, std::string_view body);

// What an upstream's error body says to people; views `body`, still escaped. Empty when it says nothing.
std::string_view refusal_text(std::string_view body);

struct step_facts {
    int context = 0;           // window in tokens
    bool is_available = true;  // false: it would not be called now
};

// The first step from `from` on that may be tried, or steps.size(). `refused_context`: the largest window that was
// already too small; 0: none was.
std::size_t next_step(const std::vector<step_facts>& steps, std::size_t from, int refused_context);

}  // namespace meta_model::dispatch
