// Where a strategy's answer goes: the client's connection, seen from dispatch. Implemented in routes.
//
// Writes are tried at once. What the kernel does not take is copied and kept (`pending`); the writer then awaits
// drain() before it writes again, which is how a slow reader slows the upstream down.
#pragma once

#include "api/span_edits.hpp"
#include "base/timer_wheel.hpp"
#include "net/asio_types.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace meta_model::dispatch {

enum class write_state { done, pending, closed };

struct answer_head {
    int status = 200;
    std::string_view content_type = "application/json";
    std::string_view header_lines{};  // more lines, each with CRLF
};

class answer_sink {
public:
    virtual ~answer_sink() = default;

    // A whole reply in one go.
    virtual write_state send(const answer_head& head, const api::pieces& body) = 0;

    // Commits to a reply whose body follows: with a length, or open-ended. `first` may be empty; the head goes out
    // at once either way.
    virtual write_state begin(
        const answer_head& head,
        std::optional<std::uint64_t> content_length,
        const api::pieces& first
    ) = 0;
    virtual write_state write(const api::pieces& more) = 0;
    // The clean end of an open-ended body, with its last bytes.
    virtual write_state end(const api::pieces& last) = 0;
    // The reply cannot be completed: the connection is closed without a clean end.
    virtual void abort() = 0;

    // Waits until everything kept was written. False: the client is gone.
    virtual net::task<bool> drain() = 0;

    virtual bool is_committed() const = 0;
    virtual bool has_pending() const = 0;
    // False for clients (HTTP/1.0) that take the end of the connection as the end of the body.
    virtual bool may_commit_early() const = 0;
    virtual base::steady_time last_write() const = 0;

    // The request is no longer needed: its memory may go. To be called once the reply's head went out.
    virtual void release_request() = 0;
};

}  // namespace meta_model::dispatch
