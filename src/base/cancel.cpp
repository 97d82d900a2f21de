#include "base/cancel.hpp"

namespace meta_model::base {

cancel_hook::~cancel_hook() {
    detach();
}

void cancel_hook::detach() {
    if (source_ == nullptr) {
        return;
    }
    (prev_ != nullptr ? prev_->next_ : source_->first_) = next_;
    if (next_ != nullptr) {
        next_->prev_ = prev_;
    }
    source_ = nullptr;
    prev_ = next_ = nullptr;
}

cancel_source::~cancel_source() {
    while (first_ != nullptr) {
        first_->detach();
    }
}

void cancel_source::cancel(cancel_reason reason) {
    if (is_cancelled()) {
        return;
    }
    reason_ = reason;
    // A hook may detach or destroy others, so always take the first that is left.
    while (first_ != nullptr) {
        cancel_hook& hook = *first_;
        hook.detach();
        hook.on_cancel(reason);
    }
}

void cancel_source::attach(cancel_hook& hook) {
    if (is_cancelled()) {
        hook.on_cancel(reason_);
        return;
    }
    hook.source_ = this;
    hook.prev_ = nullptr;
    hook.next_ = first_;
    if (first_ != nullptr) {
        first_->prev_ = &hook;
    }
    first_ = &hook;
}

}  // namespace meta_model::base
