// One call to one upstream, whatever carries it. The caller starts it, reads the reply's body and may cancel it at any
// time; a call that is destroyed before its end closes what it used.
#pragma once

#include "api/message.hpp"
#include "api/span_edits.hpp"
#include "base/cancel.hpp"
#include "base/timer_wheel.hpp"
#include "net/asio_types.hpp"
#include "upstream/breaker.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace meta_model::upstream {

enum class call_fault {
    none,
    misconfigured,  // a secret or a file of its configuration is missing or unusable
    unreached,      // refused, unresolved, no handshake: nothing was sent
    transport,      // reset, ended before the head
    garbage,        // not HTTP/1, or framing that cannot be trusted
    timeout,        // one of the call's own limits; `detail` says which
    deadline,       // the request's time is over
    too_large,      // the reply exceeds its limit
    cut,            // the body ended before its end
    unavailable,  // not called: its breaker is open, it asked to be left alone, or we have no descriptor left for it;
    // see `retry_after_s`
    unpaid,  // a nested profile's calls do not fit what the request may cost
    cancelled,
};

struct call_error {
    call_fault fault = call_fault::none;
    std::string detail{};   // for the log: what failed, without secrets
    int retry_after_s = 0;  // of `unavailable`

    explicit operator bool() const { return fault != call_fault::none; }
};

enum class body_kind { json, event_stream, other };

// What the gateway needs of a reply head.
struct reply_facts {
    int status = 0;
    upstream::body_kind kind = body_kind::other;
    bool is_encoded = false;  // a Content-Encoding that was not asked for
    bool has_length = false;
    std::uint64_t content_length = 0;
    int retry_after_s = -1;
    std::string passed_headers{};  // header lines that clients may see, each with CRLF
};

struct call_options {
    std::string_view method = "POST";
    std::string_view path{};            // behind the base URL, e.g. "/chat/completions"
    bool is_beside_version = false;     // the path takes the place of a base URL's "/v1" at its end
    std::string_view header_lines{};    // e.g. the request id, each with CRLF
    const api::pieces* body = nullptr;  // must live until start() returned
    base::steady_time deadline = base::no_deadline;  // of the whole request
    base::cancel_source* cancel = nullptr;
    std::uint64_t affinity =
        0;  // calls with the same one may share a server's cache; 0: nothing is known
    std::size_t answers = 1;  // that it asks for: the reply may be so many times as large
    api::thinking_telling telling =
        api::thinking_telling::in_one;  // of a stream that is translated
};

// What calls found out of one server where an upstream has several.
struct server_change {
    state_change change = state_change::none;
    std::string_view name{};  // for logs; lives as long as the upstream
};

enum class read_state { data, end, would_block, failed };

class call {
public:
    virtual ~call() = default;

    // Connects or takes a pooled connection, sends the request and reads the reply's head.
    virtual net::task<call_error> start(const call_options& options) = 0;
    virtual const reply_facts& reply() const = 0;

    // Moves body bytes that are there into `into` (`room` > 0 bytes). `data`: `got` > 0. `failed`: see error().
    virtual read_state try_read(char* into, std::size_t room, std::size_t& got) = 0;

    // Waits until try_read has something to say.
    virtual net::task<> wait() = 0;

    // The first content came: from now on the idle limit holds instead of the first-token limit.
    virtual void note_first_token() = 0;

    // Everything that matters was read; what is left is the end of the body, waited for only briefly so that the
    // connection can be used again. Then the body counts as ended, unless the connection was cut.
    virtual void expect_end() = 0;

    virtual const call_error& error() const = 0;

    // Ends the call as soon as possible; a waiting start() or wait() returns.
    virtual void cancel() = 0;

    virtual base::steady_time head_time() const = 0;  // when the head came

    // To be told once how the call ended, before it is destroyed.
    virtual server_change note_end(call_signal) { return {}; }
    // Whether the upstream has another server that may serve, so that a failure of this one says nothing of the whole.
    virtual bool others_can_serve() const { return false; }
    // The servers that were tried, as a set for avoid().
    virtual std::uint64_t servers() const { return 0; }
    // Before start(): servers that serve only when no other is left.
    virtual void avoid(std::uint64_t) {}

    // Token counts that the reply told by the way, whether or not its body shows them; null: none.
    virtual const api::token_usage* usage() const { return nullptr; }
};

}  // namespace meta_model::upstream
