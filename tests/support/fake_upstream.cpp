#include "support/fake_upstream.hpp"

#include <array>
#include <charconv>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace meta_model::support {

namespace {

constexpr std::size_t read_bytes = 65536;
// Tests of larger bodies look at their bytes.
constexpr std::size_t most_parsed_bytes = 8u << 20;
constexpr auto write_limit = std::chrono::seconds(20);
// How often a held script looks at its gate. The socket is watched without such steps.
constexpr int gate_look_ms = 2;

// "/u/<name>/rest" -> name
std::string upstream_of(const std::string& target) {
    if (target.rfind("/u/", 0) != 0) {
        return {};
    }
    return target.substr(3, target.find('/', 3) - 3);
}

bool is_probe(const recorded_request& request) {
    const auto path = request.target.substr(0, request.target.find('?'));
    return request.method == "GET"
           && (path.ends_with("/models") || path.find("/models/") != path.npos);
}

std::size_t content_length(const header_list& headers) {
    const auto text = header_value(headers, "Content-Length");
    std::size_t length = 0;
    std::from_chars(text.data(), text.data() + text.size(), length);
    return length;
}

}  // namespace

fake_upstream::fake_upstream() : fake_upstream(std::unique_ptr<tls_server>()) {
}

fake_upstream::fake_upstream(tls_settings tls)
    : fake_upstream(std::make_unique<tls_server>(std::move(tls))) {
}

fake_upstream::fake_upstream(std::unique_ptr<tls_server> tls)
    : tls_(std::move(tls)),
      listener_(listen_on_loopback()),
      refused_(bind_without_listening()),
      stop_event_(::eventfd(0, EFD_CLOEXEC)) {
    port_ = local_port(listener_.get());
    acceptor_ = std::thread([this] { accept_loop(); });
}

fake_upstream::~fake_upstream() {
    note([this] { is_stopping_ = true; });
    const std::uint64_t one = 1;
    if (::write(stop_event_.get(), &one, sizeof one) != sizeof one) {
        std::terminate();  // an eventfd takes eight bytes
    }
    acceptor_.join();
    for (auto& each : connections_) {
        each.thread.join();
    }
}

void fake_upstream::on(const std::string& name, reply default_reply) {
    note([&] { behaviours_[name].calls = std::move(default_reply); });
}

void fake_upstream::next(const std::string& name, reply once) {
    note([&] { behaviours_[name].queue.push_back(std::move(once)); });
}

void fake_upstream::answer_early(const std::string& name) {
    note([&] { early_.insert(name); });
}

void fake_upstream::on_models(const std::string& name, reply default_reply) {
    note([&] { behaviours_[name].models = std::move(default_reply); });
}

bool fake_upstream::is_early(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return early_.contains(name);
}

std::string fake_upstream::base_url(const std::string& name, const std::string& host) const {
    return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port_) + "/u/" + name
           + "/v1";
}

std::string fake_upstream::refused_url() const {
    return "http://127.0.0.1:" + std::to_string(local_port(refused_.get())) + "/v1";
}

std::vector<recorded_request> fake_upstream::requests(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    std::vector<recorded_request> out;
    for (const auto& each : requests_) {
        if (each.upstream == name && !is_probe(each)) {
            out.push_back(each);
        }
    }
    return out;
}

std::vector<recorded_request> fake_upstream::requests() const {
    const std::lock_guard lock(mutex_);
    std::vector<recorded_request> out;
    for (const auto& each : requests_) {
        if (!is_probe(each)) {
            out.push_back(each);
        }
    }
    return out;
}

std::vector<recorded_request> fake_upstream::probes(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    std::vector<recorded_request> out;
    for (const auto& each : requests_) {
        if (each.upstream == name && is_probe(each)) {
            out.push_back(each);
        }
    }
    return out;
}

recorded_request fake_upstream::last_request(const std::string& name) const {
    const auto all = requests(name);
    if (all.empty()) {
        throw std::runtime_error("upstream " + name + " was not called");
    }
    return all.back();
}

std::size_t fake_upstream::connection_count() const {
    const std::lock_guard lock(mutex_);
    return connection_count_;
}

std::size_t fake_upstream::open_connection_count() const {
    const std::lock_guard lock(mutex_);
    return open_count_;
}

std::size_t fake_upstream::flooded_bytes() const {
    const std::lock_guard lock(mutex_);
    return flooded_;
}

std::vector<tls_facts> fake_upstream::handshakes() const {
    const std::lock_guard lock(mutex_);
    return handshakes_;
}

std::size_t fake_upstream::failed_handshake_count() const {
    const std::lock_guard lock(mutex_);
    return failed_handshakes_;
}

bool fake_upstream::wait_until(const std::function<bool()>& is_true, milliseconds within) const {
    const auto until = clock::now() + within;
    while (true) {
        std::unique_lock lock(mutex_);
        const auto seen = version_;
        lock.unlock();
        if (is_true()) {
            return true;
        }
        lock.lock();
        if (!changed_.wait_until(lock, until, [&] { return version_ != seen; })) {
            return false;
        }
    }
}

bool fake_upstream::wait_for_calls(const std::string& name, std::size_t count, milliseconds within)
    const {
    return wait_until([&] { return call_count(name) >= count; }, within);
}

bool fake_upstream::wait_for_peer_close(const std::string& name, milliseconds within) const {
    const auto was_left = [&] {
        const auto all = requests(name);
        return !all.empty() && all.back().peer_closed.has_value();
    };
    return wait_until(was_left, within);
}

void fake_upstream::note(const std::function<void()>& change) {
    const std::lock_guard lock(mutex_);
    change();
    ++version_;
    changed_.notify_all();
}

void fake_upstream::accept_loop() {
    while (true) {
        std::array<pollfd, 2> entries{
            pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_event_.get(), POLLIN, 0}
        };
        ::poll(entries.data(), entries.size(), -1);
        if (entries[1].revents != 0) {
            return;
        }
        descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket.is_open()) {
            continue;
        }
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto& added = connections_.emplace_back();
        added.socket = std::move(socket);
        note([&] {
            added.number = ++connection_count_;
            ++open_count_;
        });
        added.thread = std::thread([this, &added] { serve(added); });
    }
}

void fake_upstream::serve(connection& self) {
    if (!tls_ || shake_hands(self)) {
        serve_requests(self);
    }
    self.tls.reset();
    self.socket.close();
    note([this] { --open_count_; });
}

bool fake_upstream::shake_hands(connection& self) {
    const auto wait_here = [this, &self](short events, milliseconds at_most) {
        return wait_for(self, events, at_most);
    };
    self.tls = std::make_unique<tls_channel>(*tls_, self.socket.get(), wait_here);
    const bool is_done = self.tls->handshake();
    note([&] {
        if (is_done) {
            handshakes_.push_back(self.tls->facts());
        } else {
            ++failed_handshakes_;
        }
    });
    return is_done;
}

void fake_upstream::serve_requests(connection& self) {
    std::string buffer;
    recorded_request request;
    while (read_request(self, buffer, request)) {
        script steps;
        const auto index = record(std::move(request), steps);
        const auto end = run(self, steps);
        note([&] {
            auto& stored = requests_[index];
            (end == outcome::peer_left ? stored.peer_closed : stored.replied) = clock::now();
        });
        if (end != outcome::finished) {
            break;
        }
        request = {};
    }
}

bool fake_upstream::wait_for(connection& self, short events, milliseconds at_most) {
    std::array<pollfd, 2> entries{
        pollfd{self.socket.get(), events, 0}, pollfd{stop_event_.get(), POLLIN, 0}
    };
    ::poll(entries.data(), entries.size(), static_cast<int>(at_most.count()));
    return entries[0].revents != 0 && entries[1].revents == 0;
}

bool fake_upstream::receive(connection& self, std::string& buffer) {
    const auto old_size = buffer.size();
    buffer.resize(old_size + read_bytes);
    read_result got{io_end::closed, 0};
    if (self.tls) {
        got = self.tls->read_some(buffer.data() + old_size, read_bytes);
    } else if (wait_for(self, POLLIN, std::chrono::hours(1))) {
        got = read_some(self.socket.get(), buffer.data() + old_size, read_bytes, clock::now());
    }
    buffer.resize(old_size + got.bytes);
    return got.end == io_end::ok;
}

bool fake_upstream::send(connection& self, const std::string& bytes) {
    const auto end = self.tls ? self.tls->write_all(bytes)
                              : write_all(self.socket.get(), bytes, clock::now() + write_limit);
    return end == io_end::ok;
}

bool fake_upstream::read_request(connection& self, std::string& buffer, recorded_request& request) {
    std::optional<message_head> head;
    chunk_reader chunks;
    bool is_chunked = false;
    std::size_t left = 0;
    while (true) {
        if (!head) {
            head = take_head(buffer);
            if (head) {
                request.headers = head->headers;
                is_chunked = same_name(request.header("Transfer-Encoding"), "chunked");
                left = content_length(request.headers);
                const auto& line = head->start_line;
                request.method = line.substr(0, line.find(' '));
                request.target =
                    line.substr(line.find(' ') + 1, line.rfind(' ') - line.find(' ') - 1);
                request.upstream = upstream_of(request.target);
            }
        }
        if (head) {
            if (is_early(request.upstream)) {
                break;
            }
            if (is_chunked) {
                request.body += chunks.take(buffer);
            } else {
                const auto part = std::min(left, buffer.size());
                request.body.append(buffer, 0, part);
                buffer.erase(0, part);
                left -= part;
            }
            if (is_chunked ? chunks.is_done() : left == 0) {
                break;
            }
        }
        if (!receive(self, buffer)) {
            return false;
        }
    }
    const bool is_parsed = request.body.size() <= most_parsed_bytes;
    request.json =
        is_parsed ? json::parse(request.body, nullptr, false) : json(json::value_t::discarded);
    request.connection = self.number;
    request.tls = self.tls ? self.tls->facts() : tls_facts{};
    request.received = clock::now();
    return true;
}

std::size_t fake_upstream::record(recorded_request request, script& out) {
    std::size_t index = 0;
    reply chosen;
    note([&] {
        chosen = chosen_reply(request);
        index = requests_.size();
        requests_.push_back(request);
    });
    out = chosen(request);
    return index;
}

reply fake_upstream::chosen_reply(const recorded_request& request) {
    auto& known = behaviours_[request.upstream];
    if (is_probe(request)) {
        return known.models ? known.models : model_list({model_id(request.upstream)});
    }
    if (!known.queue.empty()) {
        auto first = std::move(known.queue.front());
        known.queue.pop_front();
        return first;
    }
    return known.calls ? known.calls : json_reply(404, {{"error", {{"message", "no script"}}}});
}

fake_upstream::outcome fake_upstream::run(connection& self, const script& steps) {
    for (const auto& each : steps) {
        outcome end = outcome::finished;
        switch (each.kind) {
            case step_kind::send: end = send(self, each.bytes) ? end : outcome::peer_left; break;
            case step_kind::flood:
                while (send(self, each.bytes)) {
                    note([&] { flooded_ += each.bytes.size(); });
                }
                return outcome::peer_left;
            case step_kind::pause: {
                const auto until = clock::now() + each.duration;
                end = wait(self, [until] { return clock::now() >= until; });
                break;
            }
            case step_kind::hold: end = wait(self, [&] { return each.until->is_open(); }); break;
            case step_kind::hang: end = wait(self, [] { return false; }); break;
            case step_kind::close:
                if (self.tls) {
                    self.tls->say_goodbye();
                }
                return outcome::connection_over;
            case step_kind::cut: return outcome::connection_over;
            case step_kind::reset: close_with_reset(self.socket); return outcome::connection_over;
        }
        if (end != outcome::finished) {
            return end;
        }
    }
    return outcome::finished;
}

fake_upstream::outcome fake_upstream::wait(connection& self, const std::function<bool()>& is_over) {
    while (!is_over()) {
        std::array<pollfd, 2> entries{
            pollfd{self.socket.get(), POLLRDHUP, 0}, pollfd{stop_event_.get(), POLLIN, 0}
        };
        ::poll(entries.data(), entries.size(), gate_look_ms);
        if (entries[1].revents != 0) {
            return outcome::connection_over;
        }
        if (entries[0].revents != 0) {
            return outcome::peer_left;
        }
    }
    return outcome::finished;
}

}  // namespace meta_model::support
