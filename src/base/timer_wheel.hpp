// Deadlines on a coarse tick: arming and disarming cost a few instructions, so every read and write can have one.
//
// A hashed timing wheel (Varghese, Lauck 1987). One per thread, confined to it. A deadline that is moved later is
// left in its slot and moved when that slot comes round, so re-arming an idle limit per chunk only stores a number.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace meta_model::base {

using steady_time = std::chrono::steady_clock::time_point;
using steady_duration = std::chrono::steady_clock::duration;

inline constexpr steady_time no_deadline = steady_time::max();

class timer_wheel;

// Something that can be late. Owned by its user, neither copied nor moved; disarms itself when destroyed.
class deadline_node {
public:
    deadline_node() = default;
    deadline_node(const deadline_node&) = delete;
    deadline_node& operator=(const deadline_node&) = delete;
    virtual ~deadline_node();

    bool is_armed() const { return due_ != no_deadline; }
    steady_time due() const { return due_; }

protected:
    // Called once, from timer_wheel::advance, no earlier than due(). The node is disarmed by then.
    virtual void on_deadline() = 0;

private:
    friend class timer_wheel;
    void unlink();

    deadline_node* prev_ = nullptr;
    deadline_node* next_ = nullptr;
    steady_time due_ = no_deadline;
    std::uint64_t slot_tick_ = 0;  // the tick whose slot holds the node
};

class timer_wheel {
public:
    // 20 ticks a second: late by 50 ms at most, and a client that left is seen within 100 ms.
    static constexpr std::chrono::milliseconds tick{50};

    explicit timer_wheel(steady_time start);
    timer_wheel(const timer_wheel&) = delete;
    timer_wheel& operator=(const timer_wheel&) = delete;
    ~timer_wheel();

    void arm(deadline_node& node, steady_time due);
    void disarm(deadline_node& node) {
        node.due_ = no_deadline;
    }  // stays linked until its slot comes round

    // Calls on_deadline of everything due at or before `now`.
    void advance(steady_time now);

private:
    static constexpr std::size_t slots = 256;

    struct list_head : deadline_node {
        void on_deadline() override {}
    };

    std::uint64_t tick_of(steady_time t) const;
    void link(deadline_node& node, std::uint64_t at_tick);

    std::array<list_head, slots> slots_;
    steady_time start_;
    std::uint64_t current_ = 0;  // last tick that was processed
};

}  // namespace meta_model::base
