#include "dispatch/call_filter.hpp"

#include "dispatch/call_names.hpp"

namespace meta_model::dispatch {

namespace {

constexpr std::size_t max_waiting_bytes = 1u << 20;

}  // namespace

call_filter::call_filter(const tool_policy& policy, api::answer_listener& next)
    : policy_(policy), next_(next) {
}

void call_filter::on_event(const api::answer_event& event) {
    switch (event.kind) {
        case api::answer_event_kind::tool_call_delta: {
            const auto position = indices_.position_of(event.index);
            if (position >= calls_.size()) {
                calls_.emplace_back();
            }
            return on_call(calls_[position], event);
        }
        case api::answer_event_kind::function_delta: return on_call(function_, event);
        case api::answer_event_kind::finish: return on_finish(event);
        default: next_.on_event(event);
    }
}

call_filter::fate call_filter::judge(const std::string& name) {
    if (policy_.is_declared(name)) {
        return fate::passes;
    }
    has_dropped_ = true;
    if (!name.empty() && !breach_) {
        breach_ = {.reason = telemetry::call_outcome::undeclared_tool, .name = name};
    }
    return fate::dropped;
}

void call_filter::on_call(call& c, const api::answer_event& event) {
    auto told = event;
    std::string name;
    std::string arguments;
    std::string extra;
    if (c.fate == fate::waits) {
        if (c.id.empty()) {
            c.id = event.id;
        }
        c.arguments += event.text;
        if (!event.extra.empty()) {
            c.extra = event.extra;
        }
        waiting_bytes_ += event.id.size() + event.text.size() + event.extra.size();
        if (event.name.empty() && waiting_bytes_ <= max_waiting_bytes) {
            return;
        }
        name = clean_call_name(event.name);
        c.fate = judge(name);
        c.index = passed_;
        arguments = std::move(c.arguments);
        told.id = c.id;
        told.name = name;
        told.text = arguments;
        extra = std::move(c.extra);
        told.extra = extra;
        if (c.fate == fate::passes) {
            ++passed_;
        }
    } else {
        told.name = {};
    }
    if (c.fate == fate::passes) {
        told.index = c.index;
        next_.on_event(told);
    }
}

void call_filter::on_finish(const api::answer_event& event) {
    auto told = event;
    const bool says_calls = event.text == "tool_calls" || event.text == "function_call";
    if (has_dropped_ && passed_ == 0 && says_calls) {
        told.text = "stop";
    }
    next_.on_event(told);
}

}  // namespace meta_model::dispatch
