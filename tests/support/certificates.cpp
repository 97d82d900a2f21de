#include "support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace meta_model::support {

namespace {

struct openssl_free {
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(X509* p) const { X509_free(p); }
    void operator()(BIO* p) const { BIO_free(p); }
    void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using owned = std::unique_ptr<T, openssl_free>;

void require(bool is_ok) {
    if (!is_ok) {
        throw std::runtime_error("a certificate could not be made");
    }
}

owned<EVP_PKEY> make_key() {
    // Not EVP_EC_gen: that macro casts away a const.
    owned<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    require(key != nullptr);
    return key;
}

template <class Write>
std::string pem_of(Write write) {
    const owned<BIO> out(BIO_new(BIO_s_mem()));
    require(write(out.get()) == 1);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
    return pem_of([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string pem_of(EVP_PKEY* key) {
    return pem_of([&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

void add_extension(X509* to, int kind, const std::string& value) {
    const owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str())
    );
    require(extension != nullptr && X509_add_ext(to, extension.get(), -1) == 1);
}

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& part : parts) {
        out += (out.empty() ? "" : ",") + part;
    }
    return out;
}

owned<X509> make_certificate(
    const certificate_options& options, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key
) {
    static std::atomic<long> serial{1};
    owned<X509> out(X509_new());
    X509_set_version(out.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), options.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), options.valid_until_s);
    X509_set_pubkey(out.get(), key);
    const auto* const name = reinterpret_cast<const unsigned char*>(options.name.c_str());
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(out.get()), "CN", MBSTRING_UTF8, name, -1, -1, 0
    );
    X509_set_issuer_name(out.get(), X509_get_subject_name(issuer != nullptr ? issuer : out.get()));
    if (options.hosts.empty()) {
        add_extension(out.get(), NID_basic_constraints, "critical,CA:TRUE");
    } else {
        add_extension(out.get(), NID_subject_alt_name, joined(options.hosts));
    }
    require(X509_sign(out.get(), issuer_key, EVP_sha256()) > 0);
    return out;
}

}  // namespace

struct certificate_authority::parts {
    explicit parts(const std::string& name)
        : key(make_key()),
          certificate(make_certificate({.name = name, .hosts = {}}, key.get(), nullptr, key.get())
          ) {}

    owned<EVP_PKEY> key;
    owned<X509> certificate;
};

certificate_authority::certificate_authority(const std::string& name)
    : parts_(std::make_unique<parts>(name)), pem_(pem_of(parts_->certificate.get())) {
}

certificate_authority::~certificate_authority() = default;

identity certificate_authority::issue(const certificate_options& options) const {
    const auto key = make_key();
    const auto made =
        make_certificate(options, key.get(), parts_->certificate.get(), parts_->key.get());
    return {pem_of(made.get()), pem_of(key.get())};
}

identity self_signed(const certificate_options& options) {
    const auto key = make_key();
    const auto made = make_certificate(options, key.get(), nullptr, key.get());
    return {pem_of(made.get()), pem_of(key.get())};
}

}  // namespace meta_model::support
