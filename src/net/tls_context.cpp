#include "net/tls_context.hpp"

#include "net/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace meta_model::net {

namespace {

struct bio_delete {
    void operator()(BIO* b) const { BIO_free(b); }
};
using bio_ptr = std::unique_ptr<BIO, bio_delete>;

bio_ptr reader_of(std::string_view pem) {
    return bio_ptr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

struct x509_delete {
    void operator()(X509* c) const { X509_free(c); }
};
using x509_ptr = std::unique_ptr<X509, x509_delete>;

// No prompt for a pass phrase: a key that needs one cannot be read.
int no_pass_phrase(char*, int, int, void*) {
    return 0;
}

x509_ptr next_certificate(BIO* in) {
    return x509_ptr(PEM_read_bio_X509(in, nullptr, no_pass_phrase, nullptr));
}

// Whether reading ended because there is nothing more, and not because of what there is.
bool is_at_end() {
    const auto last = ERR_peek_last_error();
    ERR_clear_error();
    return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

bool use_own_certificate(SSL_CTX* context, const tls_options& options) {
    const auto in = reader_of(options.certificate_pem);
    const auto leaf = next_certificate(in.get());
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
        return false;
    }
    while (auto link = next_certificate(in.get())) {
        if (SSL_CTX_add0_chain_cert(context, link.get()) != 1) {
            return false;
        }
        link.release();
    }
    return is_at_end();
}

bool use_own_key(SSL_CTX* context, const tls_options& options) {
    const auto in = reader_of(options.key_pem);
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(in.get(), nullptr, no_pass_phrase, nullptr);
    const bool is_used =
        key != nullptr
        && SSL_CTX_use_PrivateKey(context, key) == 1;  // also: belongs to the certificate
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_used;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<tls_session*>(SSL_get_app_data(ssl))->keep(openssl_ptr<SSL_SESSION>(session));
    return 1;
}

}  // namespace

void openssl_delete::operator()(SSL_CTX* p) const {
    SSL_CTX_free(p);
}

void openssl_delete::operator()(SSL* p) const {
    SSL_free(p);
}

void openssl_delete::operator()(SSL_SESSION* p) const {
    SSL_SESSION_free(p);
}

void openssl_delete::operator()(X509_STORE* p) const {
    X509_STORE_free(p);
}

std::shared_ptr<const tls_trust> tls_trust::of_system() {
    openssl_ptr<X509_STORE> store(X509_STORE_new());
    if (!store) {
        return nullptr;
    }
    X509_STORE_set_default_paths(store.get());
    ERR_clear_error();  // one of the places may not exist
    return std::shared_ptr<const tls_trust>(new tls_trust(std::move(store)));
}

std::shared_ptr<const tls_trust> tls_trust::of_certificates(std::string_view pem) {
    openssl_ptr<X509_STORE> store(X509_STORE_new());
    const auto in = reader_of(pem);
    if (!store || !in) {
        return nullptr;
    }
    int count = 0;
    while (const auto authority = next_certificate(in.get())) {
        count += X509_STORE_add_cert(store.get(), authority.get());
    }
    if (!is_at_end() || count == 0) {
        return nullptr;
    }
    return std::shared_ptr<const tls_trust>(new tls_trust(std::move(store)));
}

std::unique_ptr<tls_context> tls_context::make(const tls_options& options, std::string& why) {
    openssl_ptr<SSL_CTX> owned(SSL_CTX_new(TLS_client_method()));
    auto* const context = owned.get();
    if (context == nullptr) {
        why = "TLS is not available";
        return nullptr;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    // A write may take part of what it is given and go on from another address; buffers live only while they hold bytes.
    SSL_CTX_set_mode(
        context,
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
            | SSL_MODE_RELEASE_BUFFERS
    );
    SSL_CTX_set_read_ahead(context, 1);  // one recv for a record instead of two
    static constexpr unsigned char protocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    SSL_CTX_set_verify(context, options.is_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (options.trust) {
        SSL_CTX_set1_cert_store(context, options.trust->get());
    }
    if (!options.certificate_pem.empty() && !use_own_certificate(context, options)) {
        why = "the client certificate cannot be read";
        return nullptr;
    }
    if (!options.certificate_pem.empty() && !use_own_key(context, options)) {
        why = "the client certificate's key cannot be read, or is another one's";
        return nullptr;
    }
    return std::unique_ptr<tls_context>(new tls_context(std::move(owned)));
}

void tls_tickets::put(openssl_ptr<SSL_SESSION> session) {
    if (kept_.size() == max_kept) {
        kept_.erase(kept_.begin());
    }
    kept_.push_back(std::move(session));
}

openssl_ptr<SSL_SESSION> tls_tickets::take() {
    while (!kept_.empty()) {
        auto newest = std::move(kept_.back());
        kept_.pop_back();
        if (SSL_SESSION_is_resumable(newest.get()) != 1) {
            continue;
        }
        // A session of TLS 1.2 is not renewed when it is resumed.
        if (SSL_SESSION_get_protocol_version(newest.get()) < TLS1_3_VERSION
            && SSL_SESSION_up_ref(newest.get()) == 1) {
            kept_.emplace_back(newest.get());
        }
        return newest;
    }
    return nullptr;
}

}  // namespace meta_model::net
