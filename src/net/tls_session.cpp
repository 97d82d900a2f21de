#include "net/tls_session.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace meta_model::net {

namespace {

constexpr std::size_t record_bytes = 16384;  // RFC 8446 §5.1

bool is_address(const std::string& host) {
    in6_addr buffer{};
    return ::inet_pton(AF_INET, host.c_str(), &buffer) == 1
           || ::inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

// What the pieces of a gathering write are cut into: one record each.
class record_cutter {
public:
    record_cutter(const iovec* parts, int count) : parts_(parts), left_(count) { skip_finished(); }

    bool is_done() const { return left_ == 0; }

    // The next record's bytes, collected in `staging` unless they lie together already. Depends only on the bytes that
    // are left, so that a write that is tried again offers what it offered before.
    std::size_t next(char* staging, const char*& data) const {
        const auto first = parts_[0].iov_len - at_;
        const auto* const begin = static_cast<const char*>(parts_[0].iov_base) + at_;
        if (first >= record_bytes || left_ == 1) {
            data = begin;
            return std::min(first, record_bytes);
        }
        std::memcpy(staging, begin, first);
        auto size = first;
        for (int i = 1; i < left_ && size < record_bytes; ++i) {
            const auto n = std::min(parts_[i].iov_len, record_bytes - size);
            std::memcpy(staging + size, parts_[i].iov_base, n);
            size += n;
        }
        data = staging;
        return size;
    }

    void advance(std::size_t n) {
        while (n > 0) {
            const auto step = std::min(n, parts_[0].iov_len - at_);
            at_ += step;
            n -= step;
            skip_finished();
        }
    }

private:
    void skip_finished() {
        while (left_ > 0 && at_ == parts_[0].iov_len) {
            ++parts_;
            --left_;
            at_ = 0;
        }
    }

    const iovec* parts_;
    int left_;
    std::size_t at_ = 0;  // in the first part
};

}  // namespace

// OpenSSL's way to the descriptor. Unlike its own one it raises no SIGPIPE, and knows when another recv is useless.
struct descriptor_io {
    static tls_session& session_of(BIO* b) { return *static_cast<tls_session*>(BIO_get_data(b)); }

    static int write(BIO* b, const char* data, int size) {
        BIO_clear_retry_flags(b);
        const auto n =
            ::send(session_of(b).fd_, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            BIO_set_retry_write(b);
        }
        return static_cast<int>(n);
    }

    static int read(BIO* b, char* data, int size) {
        BIO_clear_retry_flags(b);
        auto& s = session_of(b);
        const auto n = s.is_drained_ ? -1 : ::recv(s.fd_, data, static_cast<std::size_t>(size), 0);
        if (n < 0 && (s.is_drained_ || errno == EAGAIN || errno == EINTR)) {
            s.is_drained_ = true;
            BIO_set_retry_read(b);
            return -1;
        }
        s.is_drained_ = n > 0 && n < size;
        s.is_at_end_ = n == 0;
        return static_cast<int>(n);
    }

    static long control(BIO* b, int command, long, void*) {
        switch (command) {
            case BIO_CTRL_FLUSH: return 1;
            case BIO_CTRL_EOF: return session_of(b).is_at_end_ ? 1 : 0;
            default: return 0;
        }
    }

    static BIO_METHOD* make_method() {
        auto* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "descriptor");
        BIO_meth_set_write(m, write);
        BIO_meth_set_read(m, read);
        BIO_meth_set_ctrl(m, control);
        return m;
    }

    static BIO* make(tls_session& s) {
        static BIO_METHOD* const method = make_method();
        auto* const b = BIO_new(method);
        BIO_set_data(b, &s);
        BIO_set_init(b, 1);
        return b;
    }
};

tls_session::tls_session(
    tls_context& context, tls_tickets& tickets, int fd, const std::string& server
)
    : tickets_(tickets), fd_(fd), ssl_(SSL_new(context.get())) {
    auto* const ssl = ssl_.get();
    SSL_set_app_data(ssl, this);
    auto* const io = descriptor_io::make(*this);
    SSL_set_bio(ssl, io, io);
    if (is_address(server)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl, server.c_str());
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, server.c_str());
    }
    if (const auto earlier = tickets_.take()) {
        SSL_set_session(ssl, earlier.get());
    }
    SSL_set_connect_state(ssl);
}

tls_session::~tls_session() {
    // Without this, OpenSSL takes a connection that was cut by us for an attack and spoils its ticket.
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

io_status tls_session::handshake() {
    is_drained_ = false;
    ERR_clear_error();
    const int outcome = SSL_do_handshake(ssl_.get());
    return outcome == 1 ? io_status::ok : status_of(outcome);
}

io_status tls_session::read(char* data, std::size_t size, std::size_t& got) {
    is_drained_ = false;
    std::size_t total = 0;
    auto status = read_end_;
    while (status == io_status::ok && total < size) {
        std::size_t n = 0;
        ERR_clear_error();
        const int outcome = SSL_read_ex(ssl_.get(), data + total, size - total, &n);
        if (outcome == 1) {
            total += n;
            continue;
        }
        status = status_of(outcome);
        if (status != io_status::would_block) {
            read_end_ = status;
        }
    }
    if (total == 0) {
        return status;
    }
    got = total;  // first what came; the next read tells the rest
    return io_status::ok;
}

io_status tls_session::write(const iovec* parts, int count, std::size_t& written) {
    char staging[record_bytes];
    std::size_t total = 0;
    for (record_cutter records(parts, count); !records.is_done();) {
        const char* data = nullptr;
        const auto size = records.next(staging, data);
        std::size_t n = 0;
        ERR_clear_error();
        const int outcome = SSL_write_ex(ssl_.get(), data, size, &n);
        if (outcome != 1) {
            const auto status = status_of(outcome);
            if (total == 0) {
                return status;
            }
            break;  // the next write tells it
        }
        total += n;
        records.advance(n);
    }
    written = total;
    return io_status::ok;
}

std::size_t tls_session::peek(char* into, std::size_t size) {
    std::size_t n = 0;
    ERR_clear_error();
    is_drained_ = false;
    return SSL_peek_ex(ssl_.get(), into, size, &n) == 1 ? n : 0;
}

bool tls_session::has_unexpected_input() {
    char byte = 0;
    if (read_end_ == io_status::ok && SSL_has_pending(ssl_.get()) == 0) {
        const auto n = ::recv(fd_, &byte, 1, MSG_PEEK);
        if (n <= 0) {
            return n == 0 || (errno != EAGAIN && errno != EINTR);
        }
    }
    is_drained_ = false;
    std::size_t n = 0;
    ERR_clear_error();
    const int outcome = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
    return outcome == 1 || status_of(outcome) != io_status::would_block;
}

void tls_session::say_goodbye() {
    if (SSL_is_init_finished(ssl_.get()) == 1 && read_end_ == io_status::ok && error_.empty()) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
}

io_status tls_session::status_of(int outcome) {
    const int system_error = errno;
    switch (SSL_get_error(ssl_.get(), outcome)) {
        case SSL_ERROR_WANT_READ: wants_write_ = false; return io_status::would_block;
        case SSL_ERROR_WANT_WRITE: wants_write_ = true; return io_status::would_block;
        case SSL_ERROR_ZERO_RETURN: return io_status::closed;
        case SSL_ERROR_SYSCALL:
            error_ = is_at_end_ ? "the server closed the connection" : std::strerror(system_error);
            return io_status::failed;
        default: error_ = failure_text(); return io_status::failed;
    }
}

std::string tls_session::failure_text() const {
    const bool is_handshake = SSL_is_init_finished(ssl_.get()) == 0;
    const auto verdict = SSL_get_verify_result(ssl_.get());
    if (is_handshake && verdict != X509_V_OK
        && SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE) {
        return std::string("certificate refused: ") + X509_verify_cert_error_string(verdict);
    }
    const auto first = ERR_peek_error();
    const int reason = ERR_GET_LIB(first) == ERR_LIB_SSL ? ERR_GET_REASON(first) : 0;
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return "the server closed the connection";
    }
    if (reason == SSL_R_WRONG_VERSION_NUMBER && is_handshake) {
        return "the server does not speak TLS";
    }
    const char* const text = ERR_reason_error_string(first);
    return text != nullptr ? text : "TLS failed";
}

}  // namespace meta_model::net
