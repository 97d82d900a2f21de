// Drives one HTTP server with chat requests: one thread, epoll. Command line: load_options.cpp.
//
// A run with any fault is void, so faults are counted apart and nothing is ever retried silently.
#include "chat_request.hpp"
#include "load_options.hpp"
#include "load_report.hpp"
#include "loopback.hpp"
#include "reply_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <fcntl.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace meta_model::bench {

namespace {

constexpr std::uint64_t ns_per_s = 1'000'000'000;
// How long replies may take after the last request went out.
constexpr std::uint64_t last_replies_ns = 15 * ns_per_s;
// A server that refuses everything should not be hammered until the end of the run.
constexpr std::uint64_t hopeless_faults = 1000;
// In hold mode: connections waiting for their answer at a time, so that no accept queue overflows.
constexpr std::size_t opening_at_once = 64;

std::uint64_t to_ns(double seconds) {
    return static_cast<std::uint64_t>(seconds * static_cast<double>(ns_per_s));
}

struct connection {
    int fd = -1;
    bool is_busy = false;
    bool is_waiting_to_write = false;
    bool was_answered = false;  // hold: the whole reply, or the first chunk of a stream, came
    std::uint64_t due_ns = 0;   // when the request should have gone out
    std::uint64_t sent_ns = 0;  // when it did
    std::size_t written = 0;    // of the request
    std::uint64_t stamps = 0;   // seen in this reply
    reply_reader reply{};
};

class load_generator {
public:
    explicit load_generator(const load_options& options)
        : options_(options),
          request_(chat_request(options.request)),
          epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
          connections_(options.connections) {}

    load_report run() {
        if (options_.mode != load_mode::hold) {
            for (connection& peer : connections_) open(peer);
        }
        begin_clock();
        std::vector<epoll_event> events(512);
        while (!is_finished()) {
            send_what_is_due();
            const std::size_t count = wait_for_events(epoll_fd_, events, next_wake_ns());
            for (std::size_t i = 0; i < count; ++i) handle(events[i]);
        }
        return finished_report();
    }

private:
    // --- the course of a run

    void begin_clock() {
        start_ns_ = now_ns();
        const double warm_up_s = std::min(0.3, options_.seconds / 10);
        warm_ns_ = start_ns_ + to_ns(warm_up_s);
        end_ns_ = start_ns_ + to_ns(options_.seconds);
        report_.timed_seconds = options_.seconds - warm_up_s;
        if (options_.mode == load_mode::open) {
            for (connection& peer : connections_) idle_.push_back(&peer);
        }
        if (options_.mode == load_mode::hold) watch_stdin();
    }

    bool is_finished() const {
        if (options_.mode == load_mode::hold) return is_released_;
        const std::uint64_t now = now_ns();
        if (report_.faults() > hopeless_faults || now >= end_ns_ + last_replies_ns) return true;
        return now >= end_ns_ && busy_ == 0 && backlog_.empty();
    }

    load_report finished_report() {
        report_.total_seconds =
            static_cast<double>(now_ns() - start_ns_) / static_cast<double>(ns_per_s);
        if (options_.mode != load_mode::hold) report_.errors += busy_ + backlog_.size();
        return std::move(report_);
    }

    void send_what_is_due() {
        switch (options_.mode) {
            case load_mode::closed: return start_closed_loop();
            case load_mode::open: return send_scheduled();
            case load_mode::hold: return open_more();
        }
    }

    // The next moment something happens without a socket event.
    std::uint64_t next_wake_ns() const {
        const std::uint64_t soon = now_ns() + ns_per_s / 20;
        if (options_.mode == load_mode::open && now_ns() < end_ns_) return scheduled_ns(scheduled_);
        if (options_.mode == load_mode::closed && started_ < connections_.size()) {
            return std::min(soon, first_due_ns(started_));
        }
        return soon;
    }

    // --- closed loop

    std::uint64_t first_due_ns(std::size_t index) const {
        const auto share = static_cast<double>(index) / static_cast<double>(connections_.size());
        return start_ns_ + to_ns(options_.spread_s * share);
    }

    void start_closed_loop() {
        const std::uint64_t now = now_ns();
        while (started_ < connections_.size() && first_due_ns(started_) <= now) {
            begin_request(connections_[started_++], now);
        }
    }

    // --- open loop

    std::uint64_t scheduled_ns(std::uint64_t index) const {
        return start_ns_ + to_ns(static_cast<double>(index) / options_.rate);
    }

    void send_scheduled() {
        const std::uint64_t now = now_ns();
        for (; scheduled_ns(scheduled_) <= std::min(now, end_ns_ - 1); ++scheduled_) {
            backlog_.push_back(scheduled_ns(scheduled_));
        }
        while (!backlog_.empty() && !idle_.empty()) {
            connection& peer = *idle_.back();
            idle_.pop_back();
            const std::uint64_t due = backlog_.front();
            backlog_.pop_front();
            begin_request(peer, due);
        }
    }

    // --- hold

    void watch_stdin() {
        fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = nullptr;
        // Not possible for a plain file or /dev/null, which count as ended already.
        if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) is_released_ = true;
    }

    void open_more() {
        while (started_ < connections_.size() && started_ - answered_ < opening_at_once) {
            connection& peer = connections_[started_++];
            open(peer);
            begin_request(peer, now_ns());
        }
    }

    void note_answer(connection& peer) {
        if (peer.was_answered) return;
        peer.was_answered = true;
        if (++answered_ < connections_.size()) return;
        std::puts("ready");
        std::fflush(stdout);
    }

    // --- one connection

    void open(connection& peer) {
        peer.fd = connect_to_loopback(options_.port);
        if (peer.fd < 0) fail("connect");
        watch(peer, EPOLL_CTL_ADD, EPOLLIN);
    }

    void watch(connection& peer, int operation, std::uint32_t mask) {
        epoll_event event{};
        event.events = mask;
        event.data.ptr = &peer;
        epoll_ctl(epoll_fd_, operation, peer.fd, &event);
    }

    void begin_request(connection& peer, std::uint64_t due_ns) {
        peer.is_busy = true;
        ++busy_;
        peer.due_ns = due_ns;
        peer.sent_ns = now_ns();
        peer.written = 0;
        peer.stamps = 0;
        peer.reply.reset();
        write_request(peer);
    }

    void write_request(connection& peer) {
        while (peer.written < request_.size()) {
            const std::string_view left = std::string_view(request_).substr(peer.written);
            const ssize_t sent = send(peer.fd, left.data(), left.size(), MSG_NOSIGNAL);
            if (sent < 0) break;  // full, or broken: then the read tells
            peer.written += static_cast<std::size_t>(sent);
        }
        const bool is_left = peer.written < request_.size();
        if (is_left == peer.is_waiting_to_write) return;
        peer.is_waiting_to_write = is_left;
        watch(peer, EPOLL_CTL_MOD, is_left ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }

    void handle(const epoll_event& event) {
        if (event.data.ptr == nullptr) return read_stdin();
        auto& peer = *static_cast<connection*>(event.data.ptr);
        if ((event.events & EPOLLOUT) != 0) write_request(peer);
        if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read_reply(peer);
    }

    void read_stdin() {
        char ignored[64];
        is_released_ = read(STDIN_FILENO, ignored, sizeof ignored) == 0;
    }

    void read_reply(connection& peer) {
        for (;;) {
            const ssize_t got = recv(peer.fd, scratch_.data(), scratch_.size(), 0);
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) return reconnect(peer);
            const std::uint64_t now = now_ns();
            take({scratch_.data(), static_cast<std::size_t>(got)}, peer, now);
            if (peer.reply.is_complete() || peer.reply.is_broken()) return complete(peer, now);
            if (static_cast<std::size_t>(got) < scratch_.size()) return;
        }
    }

    void take(std::string_view bytes, connection& peer, std::uint64_t now) {
        const auto on_stamp = [&](std::uint64_t stamp) {
            const std::uint64_t delay = now > stamp ? now - stamp : 0;
            const bool is_first = peer.stamps++ == 0;
            ++report_.chunks;
            if (peer.due_ns < warm_ns_) return;
            report_.chunk_delays.push_back(delay);
            if (!is_first) return;
            report_.first_delays.push_back(delay);
            report_.first_tokens.push_back(now - peer.sent_ns);
        };
        peer.reply.take(bytes, on_stamp);
        if (options_.mode == load_mode::hold && peer.stamps > 0) note_answer(peer);
    }

    void complete(connection& peer, std::uint64_t now) {
        if (!peer.is_busy) return reconnect(peer);  // bytes that nobody asked for
        count_reply(peer, now);
        peer.is_busy = false;
        --busy_;
        // A reply that came before its request was read, or with bad framing, leaves the connection
        // unusable.
        if (peer.written < request_.size() || peer.reply.is_broken()) return reconnect(peer);
        next_request(peer, now);
    }

    void count_reply(const connection& peer, std::uint64_t now) {
        ++report_.requests;
        report_.payload_bytes += peer.reply.payload_bytes();
        const bool is_success = peer.reply.status() / 100 == 2;
        if (!is_success) ++report_.non_2xx;
        if (is_success && !is_as_expected(peer)) ++report_.bad_replies;
        if (peer.due_ns >= warm_ns_) report_.latencies.push_back(now - peer.due_ns);
        if (now >= warm_ns_ && now < end_ns_) ++report_.timed_requests;
    }

    bool is_as_expected(const connection& peer) const {
        if (peer.reply.is_broken()) return false;
        if (options_.request.stream && !peer.reply.ended_with_done()) return false;
        if (options_.expected_chunks > 0 && peer.stamps != options_.expected_chunks) return false;
        return options_.expected_bytes == 0
               || peer.reply.payload_bytes() == options_.expected_bytes;
    }

    void next_request(connection& peer, std::uint64_t now) {
        switch (options_.mode) {
            case load_mode::closed:
                if (now < end_ns_) begin_request(peer, now);
                return;
            case load_mode::open: idle_.push_back(&peer); return;
            case load_mode::hold: note_answer(peer); return;
        }
    }

    void reconnect(connection& peer) {
        close(peer.fd);
        ++report_.reconnects;
        if (peer.is_busy) {
            ++report_.errors;
            --busy_;
        }
        const bool was_idle = std::find(idle_.begin(), idle_.end(), &peer) != idle_.end();
        peer.is_busy = peer.is_waiting_to_write = false;
        open(peer);
        if (!was_idle) next_request(peer, now_ns());
    }

    const load_options options_;
    const std::string request_;
    int epoll_fd_;
    std::vector<connection> connections_;
    std::size_t started_ = 0;      // closed, hold: connections that sent their first request
    std::size_t answered_ = 0;     // hold
    bool is_released_ = false;     // hold: stdin ended
    std::size_t busy_ = 0;         // requests without a complete reply
    std::uint64_t scheduled_ = 0;  // open: requests that became due
    std::deque<std::uint64_t> backlog_{};  // open: due times without a free connection
    std::vector<connection*> idle_{};      // open
    std::uint64_t start_ns_ = 0;
    std::uint64_t warm_ns_ = 0;
    std::uint64_t end_ns_ = 0;
    load_report report_{};
    std::vector<char> scratch_ = std::vector<char>(256 * 1024);
};

}  // namespace

}  // namespace meta_model::bench

int main(int argc, char** argv) {
    using namespace meta_model::bench;
    prepare_process();
    load_report report = load_generator(parse_command_line(argc, argv)).run();
    print_json(report, stdout);
}
