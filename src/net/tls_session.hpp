// One TLS connection on a non-blocking descriptor: what net::stream does when it speaks TLS.
//
// Nothing here waits. After `would_block`, wants_write() says for which readiness of the descriptor to wait.
#pragma once

#include "net/stream.hpp"
#include "net/tls_context.hpp"

#include <cstddef>
#include <string>
#include <sys/uio.h>

namespace meta_model::net {

class tls_session {
public:
    // The client's side of a connection to `server`, a host name or an address literal. The context and the tickets
    // must outlive the session; the descriptor must be open until it is destroyed.
    tls_session(tls_context& context, tls_tickets& tickets, int fd, const std::string& server);
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;
    ~tls_session();

    // ok: certificate and name were verified, as far as the context asks for it.
    io_status handshake();

    // Reads until `size` bytes are there or the kernel has no more, so that a short read means: wait. An end of the
    // connection without a close_notify is `failed`.
    io_status read(char* data, std::size_t size, std::size_t& got);

    // A write that would block must be tried again with the same bytes, or with the same and more behind them.
    io_status write(const iovec* parts, int count, std::size_t& written);

    bool wants_write() const { return wants_write_; }

    // True when application bytes or an end wait to be read; tickets and key updates are taken in.
    bool has_unexpected_input();

    // The first of the application bytes that wait to be read; they stay there.
    std::size_t peek(char* into, std::size_t size);

    // Tells the server that nothing more comes. Best effort.
    void say_goodbye();

    // Why handshake(), read() or write() failed, e.g. "certificate has expired".
    const std::string& error() const { return error_; }

    void keep(openssl_ptr<SSL_SESSION> session) { tickets_.put(std::move(session)); }

private:
    friend struct descriptor_io;

    io_status status_of(int outcome);
    std::string failure_text() const;

    tls_tickets& tickets_;
    int fd_;
    bool is_drained_ =
        false;  // the last recv gave less than it could: do not ask the kernel again in this call
    bool is_at_end_ = false;  // recv saw the end
    bool wants_write_ = false;
    io_status read_end_ = io_status::ok;  // what ended reading, once something did
    std::string error_;
    openssl_ptr<SSL> ssl_;
};

}  // namespace meta_model::net
