// What TLS connections to one server share: whom they trust, who they are, and the sessions they can resume.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// <openssl/types.h> leaves this one out; <openssl/ssl.h> is heavy.
using SSL_SESSION = struct ssl_session_st;

namespace meta_model::net {

struct openssl_delete {
    void operator()(SSL_CTX* p) const;
    void operator()(SSL* p) const;
    void operator()(SSL_SESSION* p) const;
    void operator()(X509_STORE* p) const;
};

template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_delete>;

// The authorities that may vouch for a server. Shared by all threads: OpenSSL locks what it keeps in it.
class tls_trust {
public:
    // What the system's OpenSSL trusts. Null only when memory is short.
    static std::shared_ptr<const tls_trust> of_system();

    // One or more certificates. Null when `pem` holds none, or one that cannot be read.
    static std::shared_ptr<const tls_trust> of_certificates(std::string_view pem);

    X509_STORE* get() const { return store_.get(); }

private:
    explicit tls_trust(openssl_ptr<X509_STORE> store) : store_(std::move(store)) {}

    openssl_ptr<X509_STORE> store_;
};

struct tls_options {
    std::shared_ptr<const tls_trust> trust{};
    bool is_verified = true;             // false: any certificate will do
    std::string_view certificate_pem{};  // our own, with its chain behind it; empty: none
    std::string_view key_pem{};
};

// TLS 1.2 or newer with ALPN `http/1.1`, for one server. Confined to one thread.
class tls_context {
public:
    // Null: `why` says what is wrong with our certificate or key.
    static std::unique_ptr<tls_context> make(const tls_options& options, std::string& why);

    SSL_CTX* get() const { return context_.get(); }

private:
    explicit tls_context(openssl_ptr<SSL_CTX> context) : context_(std::move(context)) {}

    openssl_ptr<SSL_CTX> context_;
};

// Sessions that a server offered to resume, the newest last. A ticket of TLS 1.3 is used once: seen twice it would
// link two connections (RFC 8446 §C.4). Confined to one thread.
class tls_tickets {
public:
    static constexpr std::size_t max_kept = 16;

    void put(openssl_ptr<SSL_SESSION> session);
    openssl_ptr<SSL_SESSION> take();  // the newest, or null

private:
    std::vector<openssl_ptr<SSL_SESSION>> kept_;
};

}  // namespace meta_model::net
