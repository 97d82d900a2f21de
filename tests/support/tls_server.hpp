// The server's side of TLS for the fake upstream: what it shows, what it accepts, and how it breaks handshakes.
#pragma once

#include "support/certificates.hpp"
#include "support/socket.hpp"

#include <openssl/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace meta_model::support {

enum class handshake_fault {
    none,
    cut,  // closes after the client's first message
    reset,
    hang,          // reads, never answers
    drip,          // one byte of its answer every drip_interval
    answers_http,  // has no TLS: an HTTP error in plain text
};

inline constexpr milliseconds drip_interval{100};

struct tls_settings {
    identity own{};
    int newest_version = 0;       // e.g. TLS1_1_VERSION; 0: what OpenSSL has
    std::string client_ca_pem{};  // not empty: clients must show a certificate of this authority
    handshake_fault fault = handshake_fault::none;
    std::shared_ptr<std::atomic<int>> dripped{};  // counts the bytes of `drip`; null: nobody asks
};

// What was agreed on with one client.
struct tls_facts {
    std::string version{};  // "TLSv1.3"
    std::string alpn{};
    std::string server_name{};  // that the client asked for (SNI)
    std::string client_name{};  // common name of its certificate
    bool is_resumed = false;
};

// Thread-safe.
class tls_server {
public:
    explicit tls_server(tls_settings settings);
    ~tls_server();
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;

    handshake_fault fault() const { return settings_.fault; }
    const std::shared_ptr<std::atomic<int>>& dripped() const { return settings_.dripped; }
    SSL_CTX* context() const { return context_; }

private:
    tls_settings settings_;
    SSL_CTX* context_;
};

// One connection. The descriptor becomes non-blocking and must outlive the channel.
class tls_channel {
public:
    // Returns false when the test is over: waits go through it.
    using waiting = std::function<bool(short events, milliseconds at_most)>;

    tls_channel(const tls_server& server, int fd, waiting wait);
    ~tls_channel();
    tls_channel(const tls_channel&) = delete;
    tls_channel& operator=(const tls_channel&) = delete;

    // False: failed, was broken on purpose, or the test is over.
    bool handshake();
    tls_facts facts() const;

    // Waits for the first byte.
    read_result read_some(char* into, std::size_t size);
    io_end write_all(std::string_view bytes);
    void say_goodbye();  // close_notify

private:
    bool break_handshake();
    bool drip_handshake();
    bool wait_as(int ssl_error);

    handshake_fault fault_;
    std::shared_ptr<std::atomic<int>> dripped_;
    int fd_;
    waiting wait_;
    SSL* ssl_;
};

}  // namespace meta_model::support
