#include "support/tls_server.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdexcept>
#include <sys/socket.h>

namespace meta_model::support {

namespace {

constexpr auto step_limit = std::chrono::seconds(20);

void require(bool is_ok, const char* what) {
    if (!is_ok) {
        throw std::runtime_error(std::string("TLS server: ") + what);
    }
}

template <class Use>
void with_pem(const std::string& pem, Use use) {
    BIO* const in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    use(in);
    BIO_free(in);
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned int offered_size, void*) {
    static constexpr unsigned char known[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, size, known, sizeof known, offered, offered_size)
        != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

tls_server::tls_server(tls_settings settings)
    : settings_(std::move(settings)), context_(SSL_CTX_new(TLS_server_method())) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to clients that have left
    require(context_ != nullptr, "no context");
    with_pem(settings_.own.certificate_pem, [&](BIO* in) {
        X509* const leaf = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
        require(SSL_CTX_use_certificate(context_, leaf) == 1, "certificate");
        X509_free(leaf);
    });
    with_pem(settings_.own.key_pem, [&](BIO* in) {
        EVP_PKEY* const key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
        require(SSL_CTX_use_PrivateKey(context_, key) == 1, "key");
        EVP_PKEY_free(key);
    });
    if (settings_.newest_version != 0) {
        // The system's settings would refuse old versions before the client can.
        SSL_CTX_set_cipher_list(context_, "DEFAULT:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context_, settings_.newest_version);
    }
    if (!settings_.client_ca_pem.empty()) {
        with_pem(settings_.client_ca_pem, [&](BIO* in) {
            X509* const authority = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
            X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), authority);
            X509_free(authority);
        });
        SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("fake"), 4);
    SSL_CTX_set_alpn_select_cb(context_, choose_alpn, nullptr);
}

tls_server::~tls_server() {
    SSL_CTX_free(context_);
}

tls_channel::tls_channel(const tls_server& server, int fd, waiting wait)
    : fault_(server.fault()),
      dripped_(server.dripped()),
      fd_(fd),
      wait_(std::move(wait)),
      ssl_(SSL_new(server.context())) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    SSL_set_fd(ssl_, fd);
    SSL_set_accept_state(ssl_);
}

tls_channel::~tls_channel() {
    SSL_free(ssl_);
}

bool tls_channel::wait_as(int ssl_error) {
    if (ssl_error != SSL_ERROR_WANT_READ && ssl_error != SSL_ERROR_WANT_WRITE) {
        return false;
    }
    const short events = ssl_error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    return wait_(events, std::chrono::duration_cast<milliseconds>(step_limit));
}

bool tls_channel::handshake() {
    if (fault_ != handshake_fault::none) {
        return break_handshake();
    }
    while (true) {
        ERR_clear_error();
        const int outcome = SSL_do_handshake(ssl_);
        if (outcome == 1) {
            return true;
        }
        if (!wait_as(SSL_get_error(ssl_, outcome))) {
            return false;
        }
    }
}

bool tls_channel::break_handshake() {
    if (fault_ == handshake_fault::drip) {
        return drip_handshake();
    }
    std::array<char, 4096> hello{};
    if (!wait_(POLLIN, step_limit) || ::recv(fd_, hello.data(), hello.size(), MSG_DONTWAIT) <= 0) {
        return false;
    }
    if (fault_ == handshake_fault::answers_http) {
        const std::string_view answer = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        support::write_all(fd_, answer, clock::now() + step_limit);
    } else if (fault_ == handshake_fault::hang) {
        wait_(POLLRDHUP, step_limit);
    } else if (fault_ == handshake_fault::reset) {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    return false;
}

// A handshake that goes well, but never ends in time.
bool tls_channel::drip_handshake() {
    BIO* const out = BIO_new(BIO_s_mem());
    SSL_set0_wbio(ssl_, out);
    while (true) {
        ERR_clear_error();
        const int outcome = SSL_do_handshake(ssl_);
        char byte = 0;
        while (BIO_read(out, &byte, 1) == 1) {
            if (support::write_all(fd_, {&byte, 1}, clock::now() + step_limit) != io_end::ok) {
                return false;
            }
            if (dripped_) {
                ++*dripped_;
            }
            const bool has_left = wait_(POLLRDHUP, drip_interval);
            if (has_left) {
                return false;
            }
        }
        if (outcome == 1 || !wait_as(SSL_get_error(ssl_, outcome))) {
            return false;
        }
    }
}

tls_facts tls_channel::facts() const {
    tls_facts out;
    out.version = SSL_get_version(ssl_);
    const unsigned char* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_, &protocol, &size);
    out.alpn.assign(reinterpret_cast<const char*>(protocol), size);
    const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    out.server_name = name != nullptr ? name : "";
    out.is_resumed = SSL_session_reused(ssl_) == 1;
    if (X509* const client = SSL_get0_peer_certificate(ssl_)) {
        char text[128] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, text, sizeof text);
        out.client_name = text;
    }
    return out;
}

read_result tls_channel::read_some(char* into, std::size_t size) {
    while (true) {
        std::size_t got = 0;
        ERR_clear_error();
        const int outcome = SSL_read_ex(ssl_, into, size, &got);
        if (outcome == 1) {
            return {io_end::ok, got};
        }
        const int error = SSL_get_error(ssl_, outcome);
        if (error == SSL_ERROR_ZERO_RETURN) {
            return {io_end::closed, 0};
        }
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            return {io_end::reset, 0};
        }
        if (!wait_(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, std::chrono::hours(1))) {
            return {io_end::timed_out, 0};
        }
    }
}

io_end tls_channel::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t written = 0;
        ERR_clear_error();
        const int outcome = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
        if (outcome == 1) {
            bytes.remove_prefix(written);
        } else if (!wait_as(SSL_get_error(ssl_, outcome))) {
            return io_end::reset;
        }
    }
    return io_end::ok;
}

void tls_channel::say_goodbye() {
    ERR_clear_error();
    SSL_shutdown(ssl_);
}

}  // namespace meta_model::support
