#include "upstream/test_wire.hpp"

#include "api/json_text.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::upstream {

namespace {

std::string joined(const std::vector<std::string>& pieces) {
    std::string text;
    for (const auto& piece : pieces) {
        text.append(piece);
    }
    return text;
}

// The members that every object of an answer begins with.
std::string head(const simulated_answer& answer, std::string_view object) {
    std::string out = "\"id\":\"" + answer.id + "\",\"object\":\"";
    out.append(object).append("\",\"created\":").append(std::to_string(answer.created));
    out.append(",\"model\":");
    api::append_json_string(out, answer.model);
    return out.append(",\"system_fingerprint\":\"fp_simulated\"");
}

// The members of a call, to its closing brace.
void append_call(std::string& out, const simulated_call& call, std::string_view arguments) {
    out.append("\"id\":\"")
        .append(call.id)
        .append("\",\"type\":\"function\",\"function\":{\"name\":");
    api::append_json_string(out, call.name);
    out.append(",\"arguments\":");
    api::append_json_string(out, arguments);
    out.append("}}");
}

std::string usage(const simulated_answer& answer) {
    const auto total = answer.prompt_tokens + answer.completion_tokens;
    return "{\"prompt_tokens\":" + std::to_string(answer.prompt_tokens) + ",\"completion_tokens\":"
           + std::to_string(answer.completion_tokens) + ",\"total_tokens\":" + std::to_string(total)
           + ",\"prompt_tokens_details\":{\"cached_tokens\":0}"
           + ",\"completion_tokens_details\":{\"reasoning_tokens\":0}}";
}

class event_list {
public:
    event_list(const simulated_answer& answer, bool with_usage)
        : opening_("data: {" + head(answer, "chat.completion.chunk") + ",\"choices\":["),
          ending_(with_usage ? "],\"usage\":null}\n\n" : "]}\n\n") {}

    // The choice that the next deltas are of.
    void begin_choice(std::size_t index) {
        choice_ = std::to_string(index);
        choices_.emplace_back();
    }

    // `members` of the delta as JSON text; `finish` empty: not yet.
    void add_delta(std::string_view members, std::string_view finish = {}) {
        std::string event = opening_ + "{\"index\":" + choice_ + ",\"delta\":{";
        event.append(members).append("},\"logprobs\":null,\"finish_reason\":");
        event.append(finish.empty() ? "null" : "\"" + std::string(finish) + "\"");
        choices_.back().push_back(event.append("}").append(ending_));
    }

    void add_call(std::size_t index, const simulated_call& call) {
        const auto position = "\"tool_calls\":[{\"index\":" + std::to_string(index) + ",";
        std::string members = position;
        append_call(members, call, "");
        add_delta(members.append("]"));
        for (const auto& piece : call.pieces) {
            members = position + "\"function\":{\"arguments\":";
            api::append_json_string(members, piece);
            add_delta(members.append("}}]"));
        }
    }

    // An event of each choice, then the next of each.
    void interleave() {
        std::size_t longest = 0;
        for (const auto& events : choices_) {
            longest = std::max(longest, events.size());
        }
        for (std::size_t i = 0; i < longest; ++i) {
            for (auto& events : choices_) {
                if (i < events.size()) {
                    events_.push_back(std::move(events[i]));
                }
            }
        }
    }

    void add_usage(const simulated_answer& answer) {
        events_.push_back(opening_ + "],\"usage\":" + usage(answer) + "}\n\n");
    }

    std::vector<std::string> finish() {
        events_.emplace_back("data: [DONE]\n\n");
        return std::move(events_);
    }

private:
    std::string opening_;
    std::string ending_;
    std::string choice_;
    std::vector<std::vector<std::string>> choices_;
    std::vector<std::string> events_;
};

}  // namespace

std::string completion_body(const simulated_answer& answer) {
    std::string out = "{" + head(answer, "chat.completion") + ",\"choices\":[";
    for (std::size_t at = 0; at < answer.choices.size(); ++at) {
        const auto& choice = answer.choices[at];
        out.append(at == 0 ? "{\"index\":" : ",{\"index\":").append(std::to_string(at));
        out.append(",\"message\":{\"role\":\"assistant\",\"content\":");
        if (choice.calls.empty()) {
            api::append_json_string(out, joined(choice.pieces));
        } else {
            out.append("null,\"tool_calls\":[");
            for (std::size_t i = 0; i < choice.calls.size(); ++i) {
                out.append(i == 0 ? "{" : ",{");
                append_call(out, choice.calls[i], joined(choice.calls[i].pieces));
            }
            out.append("]");
        }
        out.append(",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"");
        out.append(choice.finish_reason).append("\"}");
    }
    return out.append("],\"usage\":").append(usage(answer)).append("}");
}

std::vector<std::string> stream_events(const simulated_answer& answer, bool with_usage) {
    event_list events(answer, with_usage);
    for (std::size_t at = 0; at < answer.choices.size(); ++at) {
        const auto& choice = answer.choices[at];
        events.begin_choice(at);
        const std::string_view first_content = choice.calls.empty() ? "\"\"" : "null";
        events.add_delta("\"role\":\"assistant\",\"content\":" + std::string(first_content));
        for (const auto& piece : choice.pieces) {
            std::string members = "\"content\":";
            api::append_json_string(members, piece);
            events.add_delta(members);
        }
        for (std::size_t i = 0; i < choice.calls.size(); ++i) {
            events.add_call(i, choice.calls[i]);
        }
        events.add_delta("", choice.finish_reason);
    }
    events.interleave();
    if (with_usage) {
        events.add_usage(answer);
    }
    return events.finish();
}

std::string hex_text(std::uint64_t value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) {
        text.push_back(digits[(value >> shift) & 15]);
    }
    return text;
}

}  // namespace meta_model::upstream
