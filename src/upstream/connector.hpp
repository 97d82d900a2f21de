// Opens a connection to an upstream: name, address, TLS. All of it within the caller's time.
#pragma once

#include "net/dialer.hpp"
#include "net/event_loop.hpp"
#include "net/resolver.hpp"
#include "net/tls_context.hpp"
#include "upstream/connection_pool.hpp"
#include "upstream/registry.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace meta_model::upstream {

// What TLS to an endpoint needs; both must outlive the connections.
struct tls_means {
    net::tls_context* context = nullptr;
    net::tls_tickets* tickets = nullptr;
    const std::string* server_name = nullptr;
};

// One use each.
class connector {
public:
    connector(net::event_loop& loop, net::resolver& names) : loop_(loop), names_(names) {}
    connector(const connector&) = delete;
    connector& operator=(const connector&) = delete;

    // Null: failure() says why. `tls` is looked at for https only.
    net::task<std::unique_ptr<connection>> open(const endpoint& where, tls_means tls);

    // open() then returns soon, with null.
    void cancel();

    const std::string& failure() const { return failure_; }  // for the log
    bool is_own_lack() const {
        return is_own_lack_;
    }  // of descriptors or memory; the server was not asked
    std::string_view stage() const {
        return stage_;
    }  // what it is at: "name lookup", "connect", "TLS handshake"

private:
    net::task<std::unique_ptr<connection>> secure(std::unique_ptr<connection> made, tls_means tls);

    net::event_loop& loop_;
    net::resolver& names_;
    std::optional<net::resolver::wait> lookup_;
    std::optional<net::dialer> dialer_;
    net::stream* securing_ = nullptr;
    std::string failure_;
    std::string_view stage_ = "connect";
    bool is_cancelled_ = false;
    bool is_own_lack_ = false;
};

}  // namespace meta_model::upstream
