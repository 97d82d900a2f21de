// A connected byte stream, TCP or TLS over it: tried synchronously first, awaited only when the kernel has nothing or no
// room.
#pragma once

#include "net/asio_types.hpp"

#include <cstddef>
#include <memory>
#include <sys/uio.h>

namespace meta_model::net {

enum class io_status {
    ok,
    would_block,
    closed,     // the peer ended its side
    cancelled,  // by cancel() or close()
    failed,     // reset, broken pipe and the like
};

class tls_session;

class stream {
public:
    explicit stream(tcp_socket socket);
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;
    ~stream();

    // Everything from now on is TLS. `session` is of this stream's descriptor; handshake() comes before any other call.
    void use_tls(std::unique_ptr<tls_session> session);
    task<io_status> handshake();
    const tls_session* tls() const { return tls_.get(); }

    int fd() { return socket_.native_handle(); }
    bool is_open() const { return socket_.is_open(); }

    // Never suspend, never block.
    io_status try_read(char* data, std::size_t size, std::size_t& got);
    io_status try_write(const iovec* parts, int count, std::size_t& written);

    // Waits until at least one byte was read into `data`, which must live until then.
    task<io_status> read_some(char* data, std::size_t size, std::size_t& got);

    // Waits until the kernel takes bytes again.
    task<io_status> wait_writable();
    // The same, or until something arrives: bytes, or the peer's end.
    task<io_status> wait_writable_or_readable();

    // Ends the pending operation with `cancelled`, and every later wait as well. try_* still work.
    void cancel();
    bool is_cancelled() const { return is_cancelled_; }

    // True when bytes or an end wait to be read: a connection at rest that shows this must not be used again.
    bool has_unexpected_input();
    // Copies the first of the bytes that wait to be read, which stay there; 0: there are none.
    std::size_t peek(char* into, std::size_t size);

    void shutdown_write();
    void reset_on_close();  // close() then resets the connection instead of ending it
    void close();

private:
    task<io_status> read_some_tcp(char* data, std::size_t size, std::size_t& got);
    task<io_status> read_some_tls(char* data, std::size_t size, std::size_t& got);
    task<io_status> wait_for(tcp_socket::wait_type readiness);
    tcp_socket::wait_type tls_readiness() const;

    tcp_socket socket_;
    std::unique_ptr<tls_session> tls_;  // null: plain TCP. Goes before the socket.
    bool is_cancelled_ = false;
};

// No delay, no blocking.
void prepare_socket(tcp_socket& socket);

}  // namespace meta_model::net
