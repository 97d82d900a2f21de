#include "dispatch/continuation.hpp"

#include "api/json_text.hpp"
#include "dispatch/prompt_texts.hpp"

namespace meta_model::dispatch {

std::string continuation_messages(std::string_view sent, continuation_seam::kind how) {
    std::string out;
    if (sent.empty()) {
        return out;
    }
    out = R"({"role":"assistant","content":)";
    api::append_json_string(out, sent);
    out += '}';
    if (how == continuation_seam::kind::followup) {
        out += R"(,{"role":"user","content":)";
        api::append_json_string(out, prompt_texts::continuation);
        out += '}';
    }
    return out;
}

continuation::continuation(live_answer& answer, continuation_seam::kind how, bool hides_reasoning)
    : answer_(answer), seam_(answer.text(), how), hides_reasoning_(hides_reasoning) {
}

void continuation::on_event(const api::answer_event& event) {
    using kind = api::answer_event_kind;
    switch (event.kind) {
        case kind::text_delta:
            answer_.append(seam_.feed(hides_reasoning_ ? filter_.feed(event.text) : event.text));
            has_failed_ = has_failed_ || seam_.has_diverged();
            return;
        case kind::refusal_delta:
        case kind::tool_call_delta:
        case kind::function_delta: has_failed_ = true; return;
        default: return;
    }
}

net::task<bool> continuation::flush() {
    if (has_failed_) {
        co_return false;
    }
    co_return co_await answer_.flush();
}

bool continuation::finish() {
    if (!has_failed_) {
        answer_.append(seam_.feed(filter_.finish()));
        answer_.append(seam_.finish());
    }
    return !has_failed_ && !seam_.has_diverged();
}

}  // namespace meta_model::dispatch
