#include "dispatch/leg_choices.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::dispatch {

using api::answer_event_kind;
using telemetry::call_outcome;

namespace {

void fail(leg_result& result, call_outcome reason, std::string detail) {
    result.outcome = leg_outcome::failed;
    result.reason = reason;
    result.detail = std::move(detail);
}

// What a draft has of its call.
void copy_facts(leg_result& result, const leg_result& call) {
    result.status = call.status;
    result.first_byte = call.first_byte;
    result.total = call.total;
    result.retry_after_s = call.retry_after_s;
    result.error_status = call.error_status;
}

}  // namespace

std::size_t leg_choices::running() const {
    return static_cast<std::size_t>(std::ranges::count_if(drafts_, [](const auto& d) {
        return d.result.outcome == leg_outcome::running && !d.builder.is_finished();
    }));
}

void leg_choices::on_event(const api::answer_event& event, const leg_result& call) {
    if (event.kind == answer_event_kind::start) {
        for (auto& d : drafts_) {
            d.builder.on_event(event);
        }
        return;
    }
    const auto i = static_cast<std::size_t>(event.choice);
    auto& d = drafts_[i];
    if (d.result.outcome != leg_outcome::running) {
        return;
    }
    d.has_begun = true;
    d.builder.on_event(event);
    if (d.builder.is_too_large()) {
        copy_facts(d.result, call);
        fail(d.result, call_outcome::too_large, "the answer is too large");
        on_over_(i);
    } else if (event.kind == answer_event_kind::finish && running() > 0) {
        // The last one ends with the call, which has yet to tell what all of them used.
        finish(i, call);
        on_over_(i);
    }
}

void leg_choices::finish(std::size_t i, const leg_result& call) {
    auto& d = drafts_[i];
    copy_facts(d.result, call);
    d.result.draft = d.builder.take();
    d.result.content_bytes = d.builder.content_bytes();
    d.result.outcome = leg_outcome::answered;
}

bool leg_choices::is_too_large() const {
    const auto too_large = [](const auto& d) { return d.builder.is_too_large(); };
    return running() == 0 && std::ranges::any_of(drafts_, too_large)
           && std::ranges::none_of(drafts_, [](const auto& d) {
                  return d.result.outcome == leg_outcome::running;
              });
}

api::completion_fault leg_choices::take_body(std::string_view body, leg_result& call) {
    std::vector<api::decoded_choice> decoded(drafts_.size());
    const auto fault = api::decode_chat_choices(body, decoded, call.draft.usage);
    bool has_answer = false;
    for (std::size_t i = 0; i < decoded.size(); ++i) {
        auto& d = drafts_[i];
        if (decoded[i].fault == api::completion_fault::malformed) {
            copy_facts(d.result, call);
            d.result.is_misshapen = true;
            fail(d.result, call_outcome::unusable, "no usable choice");
        } else if (decoded[i].fault == api::completion_fault::none) {
            copy_facts(d.result, call);
            d.result.draft = std::move(decoded[i].answer);
            const auto& content = d.result.draft.content;
            d.result.content_bytes = content ? content->size() : 0;
            d.result.outcome = leg_outcome::answered;
            has_answer = true;
        }
        d.has_begun = d.result.outcome != leg_outcome::running;
    }
    const bool is_empty = fault == api::completion_fault::none && !has_answer;
    return is_empty ? api::completion_fault::no_choice : fault;
}

void leg_choices::end(const leg_result& call) {
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
        auto& d = drafts_[i];
        auto& result = d.result;
        if (result.outcome == leg_outcome::running && call.is_answered() && d.has_begun) {
            finish(i, call);
        } else if (result.outcome == leg_outcome::running) {
            copy_facts(result, call);
            result.draft = d.builder.take();
            result.content_bytes = d.builder.content_bytes();
            result.is_cut_short = call.is_cut_short;
            result.is_misshapen = call.is_misshapen;
            if (call.is_answered()) {
                result.is_misshapen = true;
                fail(result, call_outcome::unusable, "fewer choices came than were asked for");
            } else {
                fail(result, call.reason, call.detail);
            }
        }
        // It is what the call used: servers do not say which choice used what of it.
        if (result.is_answered()) {
            result.draft.usage = call.draft.usage;
        }
    }
}

std::size_t leg_choices::given() const {
    return static_cast<std::size_t>(std::ranges::count_if(drafts_, &one_draft::has_begun));
}

std::size_t leg_choices::content_bytes() const {
    std::size_t bytes = 0;
    for (const auto& d : drafts_) {
        bytes += std::max(d.builder.content_bytes(), d.result.content_bytes);
    }
    return bytes;
}

bool may_refuse_choices(const leg_result& call) {
    return call.reason == call_outcome::non_2xx && (call.status == 400 || call.status == 422);
}

}  // namespace meta_model::dispatch
