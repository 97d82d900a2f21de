// A call over HTTP/1.1 on a pooled connection.
#pragma once

#include "net/chunk_decoder.hpp"
#include "net/event_loop.hpp"
#include "net/reply_head.hpp"
#include "net/resolver.hpp"
#include "upstream/call.hpp"
#include "upstream/connection_pool.hpp"
#include "upstream/connector.hpp"
#include "upstream/endpoint_lease.hpp"
#include "upstream/registry.hpp"

#include <memory>
#include <optional>

namespace meta_model::upstream {

class http_call final : public call, private base::cancel_hook, private base::deadline_node {
public:
    http_call(
        net::event_loop& loop,
        net::resolver& names,
        upstream_channels& channels,
        upstream_state& upstream,
        endpoint_state* only
    );
    ~http_call() override;

    net::task<call_error> start(const call_options& options) override;
    const reply_facts& reply() const override { return reply_; }
    read_state try_read(char* into, std::size_t room, std::size_t& got) override;
    net::task<> wait() override;
    void note_first_token() override;
    void expect_end() override;
    const call_error& error() const override { return error_; }
    void cancel() override;
    base::steady_time head_time() const override { return head_time_; }
    server_change note_end(call_signal signal) override { return endpoint_.note_end(signal); }
    bool others_can_serve() const override { return endpoint_.others_can_serve(); }
    std::uint64_t servers() const override { return endpoint_.tried(); }
    void avoid(std::uint64_t servers) override { endpoint_.avoid(servers); }

private:
    enum class phase { idle, connect, send, first_byte, first_token, body, end };

    void on_cancel(base::cancel_reason reason) override;
    void on_deadline() override;
    // `now`: when the caller has just asked the clock.
    void enter(phase p, base::steady_time now = {});
    bool has_unread();
    void arm(config::seconds_f limit, base::steady_time now);
    read_state fail(call_fault fault, std::string detail);
    std::string cut_text(net::io_status status, std::string_view where) const;

    bool give_up_endpoint(std::uint64_t affinity);
    upstream::channel& channel() { return channels_.endpoints[endpoint_->index]; }
    net::task<bool> connect();
    void write_head(const call_options& options, std::string& head) const;
    bool send_at_once(const call_options& options, std::size_t& sent);
    net::task<bool> send_rest(const call_options& options, std::size_t sent);
    net::task<net::io_status> wait_to_send(
        base::steady_time start, base::steady_time last_progress, std::size_t sent
    );
    bool has_early_reply();
    net::task<bool> read_head();
    bool digest_head(std::string_view head);
    void pass_header(const net::header_field& field);
    read_state take_body(char* data, std::size_t size, std::size_t& got);
    void finish();

    net::event_loop& loop_;
    net::resolver& names_;
    upstream_channels& channels_;
    upstream_state& upstream_;
    endpoint_lease endpoint_;
    std::unique_ptr<connection> connection_;
    connector* connecting_ = nullptr;
    std::optional<net::chunk_decoder> chunks_;
    reply_facts reply_;
    call_error error_;
    base::steady_time deadline_ = base::no_deadline;
    base::steady_time head_time_{};
    phase phase_ = phase::idle;
    net::body_framing framing_ = net::body_framing::none;
    std::uint64_t left_ = 0;        // of a sized body
    std::uint64_t body_bytes_ = 0;  // received so far
    std::uint64_t most_body_bytes_ = 0;
    bool may_reuse_ = false;
    bool expects_more_ = false;    // the last read filled its room: look again before waiting
    bool is_end_overdue_ = false;  // expect_end() waited long enough: what is there is all
    bool has_ended_ = false;
    bool is_cancelled_ = false;
    bool is_stream_ = false;
    bool has_token_ = false;
    bool got_reply_bytes_ = false;
    bool ignores_input_ = false;  // while sending: what came is no reply yet
};

}  // namespace meta_model::upstream
