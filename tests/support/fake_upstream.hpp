// A scripted model server on 127.0.0.1: many upstreams by path prefix (/u/<name>/v1), every request recorded.
// Thread-safe; one thread per connection. The destructor closes everything and joins.
#pragma once

#include "support/socket.hpp"
#include "support/upstream_reply.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace meta_model::support {

class fake_upstream {
public:
    fake_upstream();
    // Speaks TLS.
    explicit fake_upstream(tls_settings tls);
    ~fake_upstream();
    fake_upstream(const fake_upstream&) = delete;
    fake_upstream& operator=(const fake_upstream&) = delete;

    // What `name` answers to calls; without it, 404. `next` goes first, once per call, in order.
    void on(const std::string& name, reply default_reply);
    void next(const std::string& name, reply once);
    // `name` answers when it has read a request's head; the body stays unread. Its scripts must not end as `finished`.
    void answer_early(const std::string& name);
    // What `name` answers to GET …/models; by default a list with model_id(name).
    void on_models(const std::string& name, reply default_reply);

    std::string base_url(const std::string& name, const std::string& host = "127.0.0.1") const;
    // A base URL whose connects are refused while this object lives.
    std::string refused_url() const;
    static std::string model_id(const std::string& name) { return "org/" + name; }

    // Calls (everything but probes) and probes (GET …/models), in order of arrival.
    std::vector<recorded_request> requests(const std::string& name) const;
    std::vector<recorded_request> requests() const;
    std::vector<recorded_request> probes(const std::string& name) const;
    std::size_t call_count(const std::string& name) const { return requests(name).size(); }
    // The only or newest call. Throws std::runtime_error when there was none.
    recorded_request last_request(const std::string& name) const;
    std::size_t connection_count() const;
    std::size_t open_connection_count() const;
    std::size_t flooded_bytes() const;  // that scripts of step_kind::flood could write
    // TLS handshakes that went well, in order, and the number of those that did not.
    std::vector<tls_facts> handshakes() const;
    std::size_t failed_handshake_count() const;

    // Waits until `is_true`, looking again after each recorded event. False: `within` passed first. The default is no
    // limit of the gateway's: it ends a test that hangs, on a slow machine too.
    bool wait_until(const std::function<bool()>& is_true, milliseconds within = milliseconds{10000})
        const;
    bool wait_for_calls(
        const std::string& name, std::size_t count, milliseconds within = milliseconds{10000}
    ) const;
    // Waits until the newest call of `name` was left by its caller.
    bool wait_for_peer_close(const std::string& name, milliseconds within = milliseconds{3000})
        const;

private:
    struct behaviour {
        reply calls{};
        reply models{};
        std::deque<reply> queue{};
    };
    struct connection {
        descriptor socket{};
        std::unique_ptr<tls_channel> tls{};
        std::thread thread{};
        std::uint64_t number = 0;
    };
    enum class outcome { finished, connection_over, peer_left };

    explicit fake_upstream(std::unique_ptr<tls_server> tls);

    void accept_loop();
    void serve(connection& self);
    void serve_requests(connection& self);
    bool shake_hands(connection& self);
    // Waits for the first byte. False: the peer has left, or the test is over.
    bool receive(connection& self, std::string& buffer);
    bool send(connection& self, const std::string& bytes);
    bool wait_for(connection& self, short events, milliseconds at_most);
    bool read_request(connection& self, std::string& buffer, recorded_request& request);
    bool is_early(const std::string& name) const;
    // Stores the request and decides its script.
    std::size_t record(recorded_request request, script& out);
    reply chosen_reply(const recorded_request& request);
    outcome run(connection& self, const script& steps);
    outcome wait(connection& self, const std::function<bool()>& is_over);
    void note(const std::function<void()>& change);

    std::unique_ptr<tls_server> tls_;  // null: plain TCP
    descriptor listener_;
    descriptor refused_;
    descriptor stop_event_;
    std::uint16_t port_ = 0;
    std::thread acceptor_;
    std::list<connection>
        connections_;  // touched by the acceptor and, after joining it, the destructor

    mutable std::mutex mutex_;  // guards everything below
    mutable std::condition_variable changed_;
    std::uint64_t version_ = 0;
    std::map<std::string, behaviour> behaviours_;
    std::set<std::string> early_;
    std::deque<recorded_request> requests_;
    std::size_t connection_count_ = 0;
    std::size_t open_count_ = 0;
    std::size_t flooded_ = 0;
    std::vector<tls_facts> handshakes_;
    std::size_t failed_handshakes_ = 0;
    bool is_stopping_ = false;
};

}  // namespace meta_model::support
