// One client connection: reads requests strictly, judges them in a fixed order, hands them to their route and writes
// the reply. Owns every limit and every timer of the client side. Confined to its loop's thread.
#pragma once

#include "api/span_edits.hpp"
#include "base/cancel.hpp"
#include "base/error.hpp"
#include "base/timer_wheel.hpp"
#include "http/auth.hpp"
#include "http/request.hpp"
#include "http/route.hpp"
#include "http/service.hpp"
#include "net/event_loop.hpp"
#include "net/request_head.hpp"
#include "net/stream.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace meta_model::http {

// What the access log and the counters are told of a request; its handler fills it in.
struct request_facts {
    std::string profile{};
    std::string_view strategy{};  // a static text, as is `code`
    std::string_view code{};      // of the error, or empty
    std::string detail{};         // of a failure, without secrets
    std::optional<base::error_code_id> error{};
    int status = 0;
    std::int64_t tokens_in = 0;
    std::int64_t tokens_out = 0;
    std::optional<std::chrono::microseconds> elapsed{
    };  // set when its handler wrote the record itself
};

enum class send_state { done, pending, closed };

class connection final : private net::peer_watch, private base::deadline_node {
public:
    connection(service& s, thread_service& thread, net::tcp_socket socket);
    ~connection() override;

    // Serves `c` until the client leaves, or an error or a limit ends the connection. The one place that catches what a
    // request threw.
    static net::task<> serve(std::unique_ptr<connection> c);

    // Stops taking requests: closes after the reply in progress, or at once when idle, except that a connection's
    // first request is still waited for briefly.
    void drain();

    // --- For handlers ---
    const http::request& request() const { return *request_; }
    net::event_loop& loop() { return thread_.loop; }
    thread_service& thread() { return thread_; }
    base::cancel_source& cancel() { return *cancel_; }
    request_facts& facts() { return facts_; }
    std::string_view request_id() const { return request_id_; }  // "metamodel-…"
    base::steady_time start() const { return start_; }

    // Sets request().body when all of it came with the head, as small ones do; else read_body() has to be awaited.
    bool try_read_body();
    // Reads the body into request().body. False: the reply was sent or the client is gone; the handler just returns.
    net::task<bool> read_body();
    // The handler goes on with so many bytes that it made of the body, which is given back. They count against what all
    // requests may hold together until release_request(). False: it is too much.
    bool replace_body(std::size_t bytes);
    static base::error too_many_bytes();
    // Gives back the memory of body and head, for replies that go on long after they were needed; to be called once
    // the reply's head went out. What is left of request() is the method and the path.
    void release_request();

    // A whole reply. HEAD gets the head alone.
    send_state send(
        int status,
        std::string_view content_type,
        std::string_view header_lines,
        const api::pieces& body
    );
    send_state begin(
        int status,
        std::string_view content_type,
        std::string_view header_lines,
        std::optional<std::uint64_t> content_length,
        const api::pieces& first
    );
    send_state write(const api::pieces& more);
    send_state end(const api::pieces& last);
    void abort();
    net::task<bool> flush();
    net::task<> send_error(const base::error& e, std::string_view header_lines = {});

    // Whether errors are told as Anthropic does.
    bool has_anthropic_envelope() const;

    bool is_committed() const { return is_committed_; }
    bool is_authenticated() const { return is_authenticated_; }  // or no key is needed
    credential_id credential() const { return credential_; }
    bool has_pending() const { return !pending_.empty(); }
    bool is_http_1_0() const { return is_http_1_0_; }
    base::steady_time last_write() const { return last_write_; }

private:
    enum class input_state { ready, closed, refused };
    enum class phase : std::uint8_t { idle, head, body, serving };

    void on_peer_closed() override;
    void on_deadline() override;

    net::task<bool> serve_one(input_state state, std::size_t head_bytes);
    bool begin_idle();
    net::task<input_state> read_head(std::size_t& head_bytes);
    std::size_t make_input_room();
    void note_input(std::size_t bytes);
    net::task<bool> fill_input();
    net::task<> refuse(base::maybe_error e, bool is_fatal);
    base::maybe_error judge_unfinished_head(std::string_view text);
    base::maybe_error judge_head(std::string_view head);
    base::maybe_error judge_access();
    base::maybe_error judge_body_head() const;
    void begin_request();
    void end_request();
    void note_fault(const char* what);
    bool take_slot();
    net::task<> answer_preflight();
    net::task<bool> read_sized_body(std::size_t length);
    net::task<bool> read_chunked_body();
    net::task<bool> refuse_body();
    void keep_surplus(std::string_view bytes);
    net::task<bool> skip_body();
    bool reserve_body(std::size_t bytes);
    bool account_body(std::size_t bytes);
    void release_body();
    void release_input();
    void arm_body_deadline(std::size_t received);
    net::task<> linger();

    void make_head(
        std::string& out, int status, std::string_view content_type, std::string_view header_lines
    );
    send_state transmit(
        std::string_view head, const api::pieces& body, bool as_chunk, bool is_last
    );
    bool closes_after() const;
    void write_access_line();

    // At the end, for the first request of a connection: who just connected has it on its way.
    static constexpr std::chrono::milliseconds first_request_grace{300};
    // For what comes first of a new connection, and then for the usual head with a small body.
    static constexpr std::size_t first_input_bytes = 512;
    static constexpr std::size_t input_bytes = 2048;

    service& service_;
    thread_service& thread_;
    net::stream stream_;
    std::unique_ptr<base::cancel_source> cancel_;

    // Input: what was received and not consumed is at [begin_, end_).
    std::unique_ptr<char[]> input_;
    std::size_t input_capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::string_view input() const { return {input_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t n) { begin_ += n; }

    std::unique_ptr<http::request> request_;  // null while none is on its way
    const http::route* route_ = nullptr;
    base::maybe_error access_error_;  // found with the head, told after preflights were answered
    credential_id credential_ = anyone;
    std::string_view allow_origin_;
    std::string_view client_request_id_;
    std::string_view preflight_headers_;
    std::string request_id_;
    std::string kept_line_;  // method and path, once the head was released
    request_facts facts_;
    base::steady_time start_{};
    base::steady_time last_write_{};
    std::optional<std::uint64_t> content_length_;
    std::unique_ptr<char[]> body_;
    std::size_t body_capacity_ = 0;
    std::size_t body_accounted_ = 0;
    std::size_t unread_body_ = 0;  // bytes of the body that are still to be read off the connection
    phase phase_ = phase::idle;
    bool is_chunked_ = false;
    bool expects_continue_ = false;
    bool keep_alive_ = true;
    bool is_http_1_0_ = false;
    bool is_head_request_ = false;
    bool body_is_pending_ = false;  // not read yet
    bool holds_slot_ = false;
    bool is_authenticated_ = false;
    bool is_committed_ = false;
    bool is_open_ended_ = false;  // the body in progress is chunked or close-delimited
    bool is_sized_ = false;       // and its length was announced
    bool is_aborted_ = false;
    bool is_timed_out_ = false;
    bool is_draining_ = false;
    bool has_served_ = false;  // at least one request
    bool is_gone_ = false;     // the client closed or reset
    std::string pending_;      // accepted from a handler, not yet taken by the kernel
    std::size_t pending_at_ = 0;
};

}  // namespace meta_model::http
