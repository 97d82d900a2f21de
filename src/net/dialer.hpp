// Connects to the first of several addresses that answers, as in RFC 8305: the families take turns, and an address that
// is silent gets company after a short while. An address that refuses is followed at once.
#pragma once

#include "net/event_loop.hpp"
#include "net/resolver.hpp"

#include <chrono>
#include <memory>

namespace meta_model::net {

// The order in which addresses are tried: as given, but IPv6 and IPv4 in turn, the first one's family first.
addresses in_turn(const addresses& given);

class dialer {
public:
    static constexpr std::chrono::milliseconds stagger{250};

    explicit dialer(event_loop& loop);
    dialer(const dialer&) = delete;
    dialer& operator=(const dialer&) = delete;
    ~dialer();

    // Takes as long as it takes: the caller has the deadline and calls cancel(). Without a connection the error is that
    // of the last address that failed; operation_aborted after cancel(). One call per dialer.
    task<boost::system::error_code> connect(addresses to, std::uint16_t port, tcp_socket& into);
    void cancel();

private:
    struct race;

    std::shared_ptr<race> race_;
};

}  // namespace meta_model::net
