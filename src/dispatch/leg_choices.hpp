// The drafts of a call that asks for several choices at once: each is collected, bounded and ended as if a call of its own
// had brought it.
#pragma once

#include "api/answer_event.hpp"
#include "api/chat_wire.hpp"
#include "api/draft_builder.hpp"
#include "dispatch/leg_result.hpp"

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

class leg_choices {
public:
    // Is told of a draft that is over while the call still brings others.
    using over_hook = std::function<void(std::size_t choice)>;

    leg_choices(
        std::size_t count, over_hook on_over, const api::draft_builder::options& bounds = {}
    )
        : drafts_(count, one_draft(bounds)), on_over_(std::move(on_over)) {}

    std::size_t count() const { return drafts_.size(); }
    const leg_result& result(std::size_t i) const { return drafts_[i].result; }
    leg_result& result(std::size_t i) { return drafts_[i].result; }

    // An event of the call's stream. `call`: what is known of the call.
    void on_event(const api::answer_event& event, const leg_result& call);

    // No draft is to come any more, and one or more of them because it was too large.
    bool is_too_large() const;

    // The reply of a call that was not streamed; the call's usage goes into call.draft.
    api::completion_fault take_body(std::string_view body, leg_result& call);

    // The call is over: what it did not finish ends as it did, and what it never began was not given.
    void end(const leg_result& call);

    // How many drafts came, whole or in part. Of a call that is over.
    std::size_t given() const;

    std::size_t content_bytes() const;  // of all drafts

private:
    struct one_draft {
        explicit one_draft(const api::draft_builder::options& bounds) : builder(bounds) {}

        api::draft_builder builder;
        leg_result result{};
        bool has_begun = false;
    };

    void finish(std::size_t i, const leg_result& call);
    std::size_t running() const;

    std::vector<one_draft> drafts_;
    over_hook on_over_;
};

// A server that does not know `n`, or not so many choices, refuses the call as the caller's mistake, in words of its own.
bool may_refuse_choices(const leg_result& call);

}  // namespace meta_model::dispatch
