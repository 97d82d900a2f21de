#include "net/signal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

namespace meta_model::net {

void signal::notify() {
    is_set_ = true;
    timer_.cancel();
}

task<> signal::wait_until(base::steady_time until) {
    if (!is_set_) {
        timer_.expires_at(until);
        co_await timer_.async_wait(asio::as_tuple(asio::deferred));
    }
    is_set_ = false;
}

}  // namespace meta_model::net
