#include "base/timer_wheel.hpp"

#include <algorithm>

namespace meta_model::base {

deadline_node::~deadline_node() {
    unlink();
}

void deadline_node::unlink() {
    if (next_ == nullptr) {
        return;
    }
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
}

timer_wheel::timer_wheel(steady_time start) : start_(start) {
    // Circular lists: an empty one is its head linked to itself.
    for (auto& head : slots_) {
        head.prev_ = head.next_ = &head;
    }
}

timer_wheel::~timer_wheel() {
    // Nodes that outlive the wheel must not touch it.
    for (auto& head : slots_) {
        while (head.next_ != &head) {
            head.next_->unlink();
        }
    }
}

std::uint64_t timer_wheel::tick_of(steady_time t) const {
    // Rounded up, so that a deadline never fires early.
    const auto since = std::max(t - start_, steady_duration::zero());
    return static_cast<std::uint64_t>((since + tick - steady_duration{1}) / tick);
}

void timer_wheel::link(deadline_node& node, std::uint64_t at_tick) {
    auto& head = slots_[at_tick % slots];
    node.slot_tick_ = at_tick;
    node.prev_ = head.prev_;
    node.next_ = &head;
    head.prev_->next_ = &node;
    head.prev_ = &node;
}

void timer_wheel::arm(deadline_node& node, steady_time due) {
    node.due_ = due;
    if (due == no_deadline) {
        return;
    }
    const auto at = std::max(tick_of(due), current_ + 1);
    if (node.next_ != nullptr) {
        if (node.slot_tick_ <= at) {
            return;  // its present slot comes round first and will move it on
        }
        node.unlink();
    }
    // Further than one turn away: park it in the farthest slot; it is moved on from there.
    link(node, std::min(at, current_ + slots - 1));
}

void timer_wheel::advance(steady_time now) {
    const auto since = std::max(now - start_, steady_duration::zero());
    const auto last = static_cast<std::uint64_t>(since / tick);
    while (current_ < last) {
        ++current_;
        auto& head = slots_[current_ % slots];
        // Nodes may be armed, disarmed or destroyed by on_deadline, so always take the first one. A node linked
        // again meanwhile goes to a later slot, hence the list runs empty.
        while (head.next_ != &head) {
            deadline_node& node = *head.next_;
            node.unlink();
            if (node.due_ == no_deadline) {
                continue;
            }
            if (tick_of(node.due_) > current_) {
                arm(node, node.due_);
                continue;
            }
            node.due_ = no_deadline;
            node.on_deadline();
        }
    }
}

}  // namespace meta_model::base
