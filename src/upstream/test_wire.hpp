// A simulated answer as OpenAI wire bytes: a chat completion, or the events of its stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::upstream {

struct simulated_call {
    std::string id{};
    std::string name{};
    std::vector<std::string> pieces{};  // of the arguments
};

struct simulated_choice {
    std::vector<std::string> pieces{};  // of the content
    std::vector<simulated_call> calls{};
    std::string_view finish_reason = "stop";  // of static storage
};

// A reply before it is written on a wire.
struct simulated_answer {
    std::string id{};
    std::string model{};
    std::int64_t created = 0;
    std::vector<simulated_choice> choices{};
    std::int64_t prompt_tokens = 0;
    std::int64_t completion_tokens = 0;  // of all choices
};

std::string completion_body(const simulated_answer& answer);

// Whole events: the role, a delta per piece, the finish, the usage if asked for, `[DONE]`. Of several choices one by one
// in turn.
std::vector<std::string> stream_events(const simulated_answer& answer, bool with_usage);

// Sixteen hexadecimal digits.
std::string hex_text(std::uint64_t value);

}  // namespace meta_model::upstream
