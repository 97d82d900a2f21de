// Cancellation as a tree: whoever waits hangs a hook on a source, and a source can itself hang on another one.
// Confined to one thread.
#pragma once

#include <cstdint>

namespace meta_model::base {

enum class cancel_reason : std::uint8_t {
    none,
    client_gone,  // the client closed its connection
    deadline,     // the request's time is over
    timeout,      // the panel's time is over
    decided,      // the answer no longer needs this leg
    shutdown,     // the process stops
};

class cancel_source;

// Leaves its source when destroyed.
class cancel_hook {
public:
    cancel_hook() = default;
    cancel_hook(const cancel_hook&) = delete;
    cancel_hook& operator=(const cancel_hook&) = delete;
    virtual ~cancel_hook();

    // Called at most once, by the source, never after detach().
    virtual void on_cancel(cancel_reason reason) = 0;

    void detach();

private:
    friend class cancel_source;
    cancel_source* source_ = nullptr;
    cancel_hook* prev_ = nullptr;
    cancel_hook* next_ = nullptr;
};

class cancel_source {
public:
    cancel_source() = default;
    cancel_source(const cancel_source&) = delete;
    cancel_source& operator=(const cancel_source&) = delete;
    ~cancel_source();

    // The first reason stays.
    void cancel(cancel_reason reason);
    cancel_reason reason() const { return reason_; }
    bool is_cancelled() const { return reason_ != cancel_reason::none; }

    // A source that was cancelled already calls the hook at once.
    void attach(cancel_hook& hook);

private:
    friend class cancel_hook;
    cancel_hook* first_ = nullptr;
    cancel_reason reason_ = cancel_reason::none;
};

// A source that is cancelled with its parent, or alone.
class child_cancel_source : public cancel_source, private cancel_hook {
public:
    explicit child_cancel_source(cancel_source& parent) { parent.attach(*this); }

private:
    void on_cancel(cancel_reason reason) override { cancel(reason); }
};

}  // namespace meta_model::base
