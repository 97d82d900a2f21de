#include "upstream/connector.hpp"

#include "net/tls_session.hpp"

namespace meta_model::upstream {

namespace {

// Descriptors or memory that this machine has no more of say nothing of the server.
bool tells_of_lack(const boost::system::error_code& ec) {
    namespace errc = boost::system::errc;
    return ec == errc::too_many_files_open || ec == errc::too_many_files_open_in_system
           || ec == errc::no_buffer_space || ec == errc::not_enough_memory;
}

}  // namespace

void connector::cancel() {
    is_cancelled_ = true;
    if (lookup_) {
        lookup_->give_up();
    }
    if (dialer_) {
        dialer_->cancel();
    }
    if (securing_ != nullptr) {
        securing_->cancel();
    }
}

net::task<std::unique_ptr<connection>> connector::open(const endpoint& where, tls_means tls) {
    net::addresses found;
    if (!names_.try_resolve(where.host, found)) {
        stage_ = "name lookup";
        lookup_.emplace(loop_);
        auto looked_up = co_await names_.resolve(*lookup_, where.host);
        found = std::move(looked_up.found);
        failure_ = "name lookup: " + looked_up.failure;
    }
    if (is_cancelled_ || found.empty()) {
        co_return nullptr;
    }
    stage_ = "connect";
    net::tcp_socket socket(loop_.get_executor());
    dialer_.emplace(loop_);
    const auto ec = co_await dialer_->connect(std::move(found), where.port, socket);
    if (ec || is_cancelled_) {
        failure_ = "connect: " + ec.message();
        is_own_lack_ = tells_of_lack(ec);
        co_return nullptr;
    }
    dialer_.reset();
    auto made = std::make_unique<connection>(std::move(socket));
    if (!where.is_tls) {
        co_return made;
    }
    if (tls.context == nullptr) {  // never in the clear instead
        failure_ = "TLS is not available";
        co_return nullptr;
    }
    co_return co_await secure(std::move(made), tls);
}

net::task<std::unique_ptr<connection>> connector::secure(
    std::unique_ptr<connection> made, tls_means tls
) {
    stage_ = "TLS handshake";
    auto& stream = made->stream;
    auto session = std::make_unique<net::tls_session>(
        *tls.context, *tls.tickets, stream.fd(), *tls.server_name
    );
    stream.use_tls(std::move(session));
    securing_ = &stream;
    const auto status = co_await stream.handshake();
    securing_ = nullptr;
    if (status != net::io_status::ok || is_cancelled_) {
        const auto& why = stream.tls()->error();
        failure_ = "TLS handshake: " + (why.empty() ? std::string("cut") : why);
        co_return nullptr;
    }
    co_return made;
}

}  // namespace meta_model::upstream
