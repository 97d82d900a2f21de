// What simulated upstreams say. Each voice is recognised by the model's key and says that it is simulated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::upstream {

// Deterministic choices from one seed (splitmix64).
class seeded_choice {
public:
    explicit seeded_choice(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next();
    std::size_t below(std::size_t n) { return n == 0 ? 0 : next() % n; }

private:
    std::uint64_t state_;
};

struct voice_task {
    std::string_view key{};       // of the upstream
    std::string_view model_id{};  // the name it gives itself
    std::uint64_t seed = 0;
    std::string_view question{};  // the last user message; may be empty
    std::string_view tool_result{};
    bool has_tool_result = false;  // the conversation ends with it
    std::string_view synthesis{};  // the gateway's synthesis task; empty: there is none
};

std::string spoken_reply(const voice_task& task);

// True when `text` is a task of the gateway's synthesizer.
bool is_synthesis_task(std::string_view text);

// The beginnings of the drafts below the headers `candidate 1`, `candidate 2`, … of a synthesis task, in that order.
std::vector<std::string> candidate_excerpts(std::string_view synthesis);

// `text` on one line, cut to `max_bytes`.
std::string quoted_part(std::string_view text, std::size_t max_bytes);

}  // namespace meta_model::upstream
