// An OpenAI-like upstream for measurements: one thread, epoll, canned replies chosen by the path
// (mock_reply.hpp).
//
//   bench_mock_upstream [PORT]     prints "listening on PORT"; runs until it is told to stop
#include "http_head.hpp"
#include "loopback.hpp"
#include "mock_reply.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace meta_model::bench {

namespace {

struct connection {
    int fd = -1;
    std::uint64_t serial = 0;  // tells a connection from a later one with the same descriptor
    std::string input{};       // bytes of heads, and of requests behind the one being answered
    bool is_in_body = false;
    std::uint64_t body_left = 0;  // of the request being read
    std::string body{};           // kept for drafts only, which look into it
    reply_plan plan{};
    bool is_answering = false;
    std::uint64_t started_ns = 0;  // when the request was complete
    std::uint64_t sent_chunks = 0;
    std::string output{};  // what the socket did not take yet
    bool is_waiting_to_write = false;
    bool is_broken = false;
};

struct timer {
    std::uint64_t due_ns;
    int fd;
    std::uint64_t serial;
    bool operator>(const timer& other) const { return due_ns > other.due_ns; }
};

class mock_upstream {
public:
    explicit mock_upstream(std::uint16_t port) : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
        listener_ = listen_on_loopback(port, port_);
        watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
    }

    std::uint16_t port() const { return port_; }

    void run() {
        std::vector<epoll_event> events(512);
        for (;;) {
            const std::size_t count = wait_for_events(epoll_fd_, events, next_due_ns());
            for (std::size_t i = 0; i < count; ++i) handle(events[i]);
            run_due_timers();
        }
    }

private:
    void watch(int fd, int operation, std::uint32_t mask) {
        epoll_event event{};
        event.events = mask;
        event.data.fd = fd;
        epoll_ctl(epoll_fd_, operation, fd, &event);
    }

    void handle(const epoll_event& event) {
        if (event.data.fd == listener_) return accept_all();
        connection* peer = connections_[static_cast<std::size_t>(event.data.fd)].get();
        if (peer == nullptr) return;
        if ((event.events & EPOLLOUT) != 0) write_pending(*peer);
        if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read_available(*peer);
        close_if_broken(*peer);
    }

    void accept_all() {
        for (;;) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            disable_nagle(fd);
            const auto index = static_cast<std::size_t>(fd);
            if (connections_.size() <= index) connections_.resize(index + 1);
            connections_[index] = std::make_unique<connection>();
            connections_[index]->fd = fd;
            connections_[index]->serial = ++last_serial_;
            watch(fd, EPOLL_CTL_ADD, EPOLLIN);
        }
    }

    void close_if_broken(connection& peer) {
        if (!peer.is_broken) return;
        close(peer.fd);
        connections_[static_cast<std::size_t>(peer.fd)].reset();
    }

    // --- requests

    void read_available(connection& peer) {
        for (;;) {
            const ssize_t got = recv(peer.fd, scratch_.data(), scratch_.size(), 0);
            if (got <= 0) {
                peer.is_broken = peer.is_broken || got == 0 || errno != EAGAIN;
                return;
            }
            take({scratch_.data(), static_cast<std::size_t>(got)}, peer);
            if (peer.is_broken || static_cast<std::size_t>(got) < scratch_.size()) return;
        }
    }

    void take(std::string_view bytes, connection& peer) {
        if (peer.is_in_body) bytes = take_body(bytes, peer);
        peer.input += bytes;
        take_requests(peer);
    }

    // Bodies are counted, not kept: a run with 64 MB requests should measure the gateway, not us.
    std::string_view take_body(std::string_view bytes, connection& peer) {
        const std::uint64_t part = std::min<std::uint64_t>(peer.body_left, bytes.size());
        if (peer.plan.kind == reply_kind::draft) peer.body += bytes.substr(0, part);
        peer.body_left -= part;
        if (peer.body_left == 0) {
            peer.is_in_body = false;
            begin_reply(peer);
        }
        return bytes.substr(part);
    }

    void take_requests(connection& peer) {
        while (!peer.is_answering && !peer.is_in_body && !peer.is_broken) {
            const auto head = parse_head(peer.input);
            if (!head) return;
            if (!take_head(*head, peer)) {
                peer.is_broken = true;
                return;
            }
            const std::string rest = peer.input.substr(head->size);
            peer.input.clear();
            peer.input += take_body(rest, peer);
        }
    }

    bool take_head(const http_head& head, connection& peer) {
        if (head.is_chunked) return false;  // nobody here sends such requests
        const std::size_t begin = head.start_line.find(' ');
        const std::size_t end = head.start_line.rfind(' ');
        if (begin == std::string_view::npos || end <= begin) return false;
        peer.plan = plan_for(head.start_line.substr(begin + 1, end - begin - 1));
        peer.body.clear();
        peer.body_left = head.content_length.value_or(0);
        peer.is_in_body = true;
        if (head.expects_continue) write(peer, "HTTP/1.1 100 Continue\r\n\r\n");
        return true;
    }

    // --- replies

    void begin_reply(connection& peer) {
        peer.is_answering = true;
        peer.started_ns = now_ns();
        peer.sent_chunks = 0;
        if (peer.plan.kind == reply_kind::draft) {
            if (!asks_for_stream(peer.body)) peer.plan.chunks = 0;
            schedule(peer, due_of_next_step(peer));
        } else if (peer.plan.delay_ns > 0) {
            schedule(peer, peer.started_ns + peer.plan.delay_ns);
        } else {
            step(peer);
        }
    }

    // Sends what is due now; arms the timer for the rest.
    void step(connection& peer) {
        switch (peer.plan.kind) {
            case reply_kind::not_found: return finish(peer, canned_not_found_);
            case reply_kind::models: return finish(peer, canned_models_);
            case reply_kind::json: return finish(peer, canned_json(peer.plan.bytes));
            case reply_kind::burst: return send_burst(peer);
            case reply_kind::stream: return send_next_chunk(peer);
            case reply_kind::draft:
                if (peer.plan.chunks > 0) return send_next_chunk(peer);
                return finish(peer, draft_reply(peer.plan.bytes, peer.serial));
        }
    }

    void finish(connection& peer, std::string_view last_bytes) {
        write(peer, last_bytes);
        peer.is_answering = false;
    }

    void send_burst(connection& peer) {
        text_.clear();
        append_stream_head(text_);
        for (std::uint64_t i = 0; i < peer.plan.chunks; ++i) {
            append_event(text_, now_ns(), i == 0 ? event_position::first : event_position::later);
        }
        append_stream_end(text_);
        finish(peer, text_);
    }

    // The head travels with the first chunk: one send per chunk, none besides.
    void send_next_chunk(connection& peer) {
        const auto position = peer.sent_chunks == 0 ? event_position::first : event_position::later;
        text_.clear();
        if (position == event_position::first) append_stream_head(text_);
        if (peer.plan.kind == reply_kind::draft) {
            const std::uint64_t part = peer.plan.bytes / peer.plan.chunks;
            append_draft_event(text_, part, peer.serial, position);
        } else {
            append_event(text_, now_ns(), position);
        }
        if (++peer.sent_chunks >= peer.plan.chunks) {
            append_stream_end(text_);
            return finish(peer, text_);
        }
        write(peer, text_);
        schedule(peer, due_of_next_step(peer));
    }

    // Counted from the start of the reply, so that lateness does not add up.
    static std::uint64_t due_of_next_step(const connection& peer) {
        const reply_plan& plan = peer.plan;
        if (plan.kind == reply_kind::stream) {
            return peer.started_ns + plan.delay_ns + peer.sent_chunks * plan.interval_ns;
        }
        if (plan.chunks == 0) return peer.started_ns + plan.delay_ns;
        return peer.started_ns + plan.delay_ns * (peer.sent_chunks + 1) / plan.chunks;
    }

    std::string_view canned_json(std::uint64_t bytes) {
        const auto [at, is_new] = canned_json_.try_emplace(bytes);
        if (is_new) at->second = json_reply(bytes);
        return at->second;
    }

    // --- sockets and timers

    void write(connection& peer, std::string_view bytes) {
        if (peer.output.empty()) {
            const ssize_t sent = send(peer.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) peer.is_broken = true;
            if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        if (bytes.empty() || peer.is_broken) return;
        peer.output += bytes;
        if (peer.is_waiting_to_write) return;
        peer.is_waiting_to_write = true;
        watch(peer.fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }

    void write_pending(connection& peer) {
        const ssize_t sent = send(peer.fd, peer.output.data(), peer.output.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            peer.is_broken = errno != EAGAIN;
            return;
        }
        peer.output.erase(0, static_cast<std::size_t>(sent));
        if (!peer.output.empty()) return;
        peer.is_waiting_to_write = false;
        watch(peer.fd, EPOLL_CTL_MOD, EPOLLIN);
    }

    void schedule(const connection& peer, std::uint64_t due_ns) {
        timers_.push({due_ns, peer.fd, peer.serial});
    }

    std::uint64_t next_due_ns() const { return timers_.empty() ? 0 : timers_.top().due_ns; }

    void run_due_timers() {
        // Taken out first: a stream without interval is due again at once and must not starve the
        // sockets.
        const std::uint64_t now = now_ns();
        due_.clear();
        for (; !timers_.empty() && timers_.top().due_ns <= now; timers_.pop()) {
            due_.push_back(timers_.top());
        }
        for (const timer& entry : due_) {
            connection* peer = connections_[static_cast<std::size_t>(entry.fd)].get();
            if (peer == nullptr || peer->serial != entry.serial) continue;
            step(*peer);
            take_requests(*peer);
            close_if_broken(*peer);
        }
    }

    int epoll_fd_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::uint64_t last_serial_ = 0;
    std::vector<std::unique_ptr<connection>> connections_{};  // by descriptor
    std::priority_queue<timer, std::vector<timer>, std::greater<>> timers_{};
    std::vector<timer> due_{};
    std::map<std::uint64_t, std::string> canned_json_{};
    const std::string canned_not_found_ = not_found_reply();
    const std::string canned_models_ = models_reply();
    std::string text_{};
    std::vector<char> scratch_ = std::vector<char>(256 * 1024);
};

}  // namespace

}  // namespace meta_model::bench

int main(int argc, char** argv) {
    using namespace meta_model::bench;
    prepare_process();
    mock_upstream mock(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
    std::printf("listening on %u\n", mock.port());
    std::fflush(stdout);
    mock.run();
}
