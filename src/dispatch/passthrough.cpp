#include "dispatch/passthrough.hpp"

#include "api/chat_stream_decoder.hpp"
#include "api/chat_wire.hpp"
#include "api/reasoning.hpp"
#include "api/wire_words.hpp"
#include "base/text.hpp"
#include "dispatch/body_reader.hpp"
#include "dispatch/breach_log.hpp"
#include "dispatch/call_cost.hpp"
#include "dispatch/contract_check.hpp"
#include "dispatch/cost_bounds.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/filtered_stream.hpp"
#include "dispatch/guarded_call.hpp"
#include "dispatch/large_reply.hpp"
#include "dispatch/operator_changes.hpp"
#include "dispatch/own_wire_changes.hpp"
#include "dispatch/raw_stream.hpp"
#include "dispatch/relay_account.hpp"
#include "dispatch/replayed_reply.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"
#include "upstream/prepare.hpp"

#include <memory>

namespace meta_model::dispatch {

namespace {

using base::error;
using base::error_code_id;
using base::maybe_error;
using upstream::body_kind;
using upstream::read_state;

constexpr std::size_t max_error_body_bytes = 1u << 20;

// One request to one upstream and its relay.
class passthrough {
public:
    explicit passthrough(request_context& c)
        : c_(c), upstream_(*c.target.upstreams.front()), call_(c, upstream_) {}

    net::task<maybe_error> serve();
    void end_call(const maybe_error& failure);

private:
    call_end end_of(const maybe_error& failure);
    upstream::body_changes changes() const;
    maybe_error take_cost();
    net::task<upstream::call_error> start();
    maybe_error judge_reply(const upstream::call_error& fault) const;
    net::task<maybe_error> relay_whole();
    net::task<maybe_error> relay_large(std::string_view first);
    net::task<maybe_error> relay_refusal();
    net::task<maybe_error> relay_told_error(std::string_view body, std::string_view told);
    net::task<maybe_error> refuse(int status, std::string_view body, bool may_pass);
    template <class Stream>
    net::task<maybe_error> relay_raw_stream();
    net::task<maybe_error> relay_filtered_stream();
    net::task<maybe_error> replay_as_stream();
    net::task<maybe_error> replay_own_wire(
        std::string_view body, bool is_object, const reply_members& members
    );
    bool keeps_declared_calls(api::draft& answer);
    net::task<maybe_error> send_written(api::draft answer);
    net::task<maybe_error> finish_with(maybe_error e);
    bool is_filtered() const { return c_.hides_reasoning(); }
    api::request_kind kind() const { return c_.request.shape().kind; }

    request_context& c_;
    upstream::upstream_state& upstream_;
    guarded_call call_;
    std::unique_ptr<relay_account> account_;  // when the client wants to see the books
    bool is_misshapen_ = false;               // the reply is JSON, but no chat completion
    int told_status_ = 0;  // of an error in a reply with a good status, passed on as a refusal
    bool has_own_fault_ = false;
};

void passthrough::end_call(const maybe_error& failure) {
    const auto end = end_of(failure);
    if (end.outcome != telemetry::call_outcome::ok) {
        c_.record.quorum = 0;
        c_.record.failures.push_back({.upstream = upstream_.metric_id, .reason = end.outcome});
    }
    call_.end(end);
}

// What is wrong with a reply as far as its head tells.
maybe_error passthrough::judge_reply(const upstream::call_error& fault) const {
    if (fault) {
        return error_of(c_, fault);
    }
    const auto& reply = call_->reply();
    if (reply.is_encoded) {
        return protocol_error("an encoded reply was not asked for");
    }
    const bool is_ok = reply.status >= 200 && reply.status <= 299;
    if (is_ok && !c_.request.stream() && reply.kind == body_kind::event_stream) {
        return protocol_error("a stream was not asked for");
    }
    return {};
}

call_end passthrough::end_of(const maybe_error& failure) {
    using telemetry::call_outcome;
    const auto status = call_->reply().status;
    const bool is_success = status >= 200 && status <= 299;
    call_end end{
        .outcome = outcome_of(call_->error().fault),
        .status = status,
        .is_own_pace = !c_.request.stream()
    };
    if (has_own_fault_) {
        end.outcome = call_outcome::cancelled;
    }
    if (end.outcome != call_outcome::ok) {
        return end;
    }
    if (status != 0 && !is_success) {
        end.outcome = call_outcome::non_2xx;
    } else if (told_status_ != 0) {
        end.outcome = call_outcome::non_2xx;
        end.status = told_status_;
    } else if (failure) {
        end.outcome = is_misshapen_ ? call_outcome::unusable : outcome_of(*failure);
        end.status = failure->http_status();
    } else if (c_.was_cut) {
        end.outcome = call_outcome::cut;
    }
    return end;
}

net::task<maybe_error> passthrough::serve() {
    append_plan_headers(c_);
    c_.header_lines +=
        "X-MetaModel-Generators: 1\r\nX-MetaModel-Quorum: 1\r\nX-MetaModel-Fallback-Reason: "
        "none\r\n";
    c_.record.generators = 1;
    if (c_.purse != nullptr) {
        if (auto refusal = take_cost()) {
            co_return std::move(refusal);
        }
    }
    const stream_keepalive keepalive(c_, c_.request.stream());
    const auto fault = co_await start();
    if (auto e = judge_reply(fault)) {
        co_return co_await finish_with(std::move(e));
    }
    const auto& reply = call_->reply();
    if (reply.status < 200 || reply.status > 299) {
        co_return co_await relay_refusal();
    }
    c_.record.quorum = 1;
    if (!c_.request.stream()) {
        co_return co_await relay_whole();
    }
    if (reply.kind != body_kind::event_stream) {
        co_return co_await replay_as_stream();
    }
    if (is_filtered()) {
        co_return co_await relay_filtered_stream();
    }
    switch (kind()) {
        case api::request_kind::messages: co_return co_await relay_raw_stream<raw_message_stream>();
        case api::request_kind::responses:
            co_return co_await relay_raw_stream<raw_response_stream>();
        default: co_return co_await relay_raw_stream<raw_chat_stream>();
    }
}

upstream::body_changes passthrough::changes() const {
    if (!api::is_generation(kind())) {
        return {};
    }
    auto changes =
        c_.request.is_chat() ? operator_changes(c_, upstream_) : own_wire_changes(c_, upstream_);
    if (c_.target.profile != nullptr && c_.target.profile->strip_tools) {
        upstream::remove_tools(changes);
    }
    if (c_.request.stream() && !upstream_.config.stream) {
        changes.members.push_back({"stream", std::nullopt});
        changes.members.push_back({"stream_options", std::nullopt});
    }
    return changes;
}

// The error: the call may cost more than the request is allowed to, or nobody knows how much.
maybe_error passthrough::take_cost() {
    const auto changes = this->changes();
    const auto ceiling = bound_call(c_, upstream_, changes).ceiling;
    const bool is_free = ceiling == base::money{};
    if (auto refusal = judge_cost_bounds(c_.request, changes); refusal && !is_free) {
        return refusal;
    }
    if (c_.purse->take(ceiling)) {
        return std::nullopt;
    }
    c_.shard.counters.call_refused(upstream_.metric_id, telemetry::call_outcome::cost);
    return over_cost_limit(c_, ceiling);
}

// Sends the request. What it was made of is gone when the reply's head is there.
net::task<upstream::call_error> passthrough::start() {
    auto changes = this->changes();
    const auto most_output =
        c_.purse != nullptr ? limit_output(c_.request, upstream_.config, changes) : std::int64_t{0};
    upstream::prepared_body body;
    body.prepare(c_.request, upstream_.config, changes);
    if (c_.request.envelope().trace) {
        const auto sent = estimate_body_tokens(c_.request, body.pieces());
        account_ = std::make_unique<relay_account>(c_, upstream_, sent, most_output);
    }
    upstream::call_options options;
    options.path = c_.request.shape().upstream_path;
    options.header_lines = c_.upstream_header_lines;
    options.body = &body.pieces();
    options.affinity = body.affinity();
    options.telling = c_.thinking_telling();
    options.deadline = c_.deadline;
    options.cancel = &c_.cancel;
    co_return co_await call_.start(options, retries::allowed);
}

// Before anything was committed the caller answers with the error; after it, an error event ends the stream.
net::task<maybe_error> passthrough::finish_with(maybe_error e) {
    if (!c_.sink.is_committed()) {
        co_return e;
    }
    c_.record.outcome = telemetry::outcome_of(e->id);
    c_.error_detail = e->detail;
    c_.was_cut = true;
    const auto event = api::error_event_of(kind(), *e, c_.request_id);
    if (c_.sink.end({event}) == write_state::pending) {
        co_await c_.sink.drain();
    }
    co_return std::nullopt;
}

net::task<maybe_error> passthrough::relay_refusal() {
    std::string body;
    const auto status = call_->reply().status;
    const bool is_whole = co_await read_body(c_.loop, *call_, max_error_body_bytes, body);
    c_.record.status = static_cast<std::uint16_t>(status);
    c_.error_detail = "status " + std::to_string(status);
    if (!is_whole && call_->error().fault == upstream::call_fault::cancelled) {
        co_return co_await finish_with(error_of(c_, call_->error()));
    }
    co_return co_await refuse(status, body, is_whole);
}

// An error in a reply with a good status has the status that it stands for; in a wire of its own it keeps its words.
net::task<maybe_error> passthrough::relay_told_error(std::string_view body, std::string_view told) {
    const auto status = status_of_error(kind(), told);
    const bool is_own_wire = !c_.request.is_chat() && api::is_generation(kind());
    told_status_ = is_own_wire ? status : 0;
    co_return co_await refuse(status, body, is_own_wire);
}

// Passes an error on as the upstream wrote it, or tells of it in our own words.
net::task<maybe_error> passthrough::refuse(int status, std::string_view body, bool may_pass) {
    const auto& reply = call_->reply();
    if (!may_pass || c_.sink.is_committed() || !may_pass_refusal(c_, status, body)) {
        co_return co_await finish_with(
            error_of_status(status, reply.retry_after_s, loggable(c_, body))
        );
    }
    c_.error_detail = "status " + std::to_string(status);
    if (send_refusal(c_, status, reply.passed_headers, body) == write_state::pending) {
        co_await c_.sink.drain();
    }
    co_return std::nullopt;
}

net::task<maybe_error> passthrough::relay_whole() {
    constexpr auto room = net::event_loop::scratch_bytes;
    const auto& reply = call_->reply();
    const bool must_hold = is_filtered() || account_ != nullptr || !model_replacement(c_).empty();
    const bool is_large = reply.has_length && reply.content_length > room && !must_hold;
    const auto limit = must_hold ? upstream_.config.limits.max_reply_bytes : room;
    std::string held;  // what came before the reply was complete
    for (;;) {
        char* const buffer = c_.loop.scratch();
        std::size_t got = 0;
        auto state = call_->try_read(buffer, room, got);
        if (state == read_state::would_block) {
            co_await call_->wait();
            continue;
        }
        if (state == read_state::failed) {
            co_return co_await finish_with(error_of(c_, call_->error()));
        }
        std::string_view bytes(buffer, got);
        if (state == read_state::data && is_large) {
            co_return co_await relay_large(bytes);
        }
        if (state == read_state::data) {
            std::size_t none = 0;
            // Often that was all: then it is judged and sent from where it lies.
            char peek = 0;
            if (held.empty() && call_->try_read(&peek, 1, none) == read_state::end) {
                state = read_state::end;
            } else {
                held.append(bytes);
                held.append(&peek, none);
                if (held.size() > limit) {
                    const auto all = std::move(held);
                    co_return co_await relay_large(all);
                }
                continue;
            }
        }
        const std::string_view body = held.empty() ? bytes : std::string_view(held);
        reply_members members;
        if (!read_reply(body, members, kind())) {
            co_return co_await finish_with(protocol_error("the reply is not a JSON object"));
        }
        if (const auto told = error_in(members); !told.empty()) {
            co_return co_await relay_told_error(body, told);
        }
        if (!has_answer(kind(), members)) {
            is_misshapen_ = true;
            co_return co_await finish_with(protocol_error("the reply has no answer"));
        }
        note_told_failure(c_, members);
        if (account_ != nullptr) {
            account_->close(members.usage, api::is_generation(kind()) ? body.size() : 0);
        }
        api::draft answer;
        const bool may_call = is_filtered() && body.find("_call") != std::string_view::npos;
        if (may_call && has_one_choice(c_.request)
            && api::decode_chat_completion(body, answer) == api::completion_fault::none
            && !keeps_declared_calls(answer)) {
            c_.header_lines += reply.passed_headers;
            co_return co_await send_written(std::move(answer));
        }
        if (send_whole_reply(c_, reply.status, reply.passed_headers, body, members)
            == write_state::pending) {
            co_await c_.sink.drain();
        }
        co_return std::nullopt;
    }
}

// A reply that is not held as a whole.
net::task<maybe_error> passthrough::relay_large(std::string_view first) {
    const auto start = first.find_first_not_of(" \t\r\n");
    if (call_->reply().kind != body_kind::json || start == std::string_view::npos
        || first[start] != '{') {
        co_return co_await finish_with(protocol_error("the reply is not a JSON object"));
    }
    co_return co_await relay_large_reply(c_, *call_, first);
}

template <class Stream>
net::task<maybe_error> passthrough::relay_raw_stream() {
    // Events of the other wires may hold what a tool made: an image, a document.
    const auto most_bytes =
        c_.request.is_chat() ? std::size_t{1} << 20 : upstream_.config.limits.max_reply_bytes;
    Stream relay(c_, *call_, model_replacement(c_), most_bytes, account_.get());
    auto failure = co_await relay.run();
    told_status_ = relay.refused_with();
    has_own_fault_ = relay.has_own_fault();
    co_return std::move(failure);
}

net::task<maybe_error> passthrough::relay_filtered_stream() {
    filtered_stream relay(c_, *call_, account_.get());
    co_return co_await relay.run();
}

// Where reasoning is hidden, the answer is not the upstream's own bytes anyway: calls that the request does not declare are
// taken away. False when the answer is another one now.
bool passthrough::keeps_declared_calls(api::draft& answer) {
    if (!is_filtered()) {
        return true;
    }
    const bool strips = c_.target.profile != nullptr && c_.target.profile->strip_tools;
    const auto kept = keep_declared_calls(answer, resolve_tool_policy(c_.request, strips));
    if (kept.breach) {
        log_breach(c_, upstream_, *kept.breach);
    }
    return !kept.is_changed;
}

// Sends what is left of such an answer.
net::task<maybe_error> passthrough::send_written(api::draft answer) {
    api::separate_reasoning(answer);
    const bool shows_something = api::has_visible_content(answer) || !answer.tool_calls.empty()
                                 || answer.function_call || !answer.refusal.empty();
    if (!shows_something) {
        is_misshapen_ = true;
        co_return co_await finish_with(protocol_error("nothing but calls that are not declared"));
    }
    co_await send_draft(c_, std::move(answer));
    co_return std::nullopt;
}

// A whole completion where a stream was asked for is cut into the stream's events (spec §2.6).
net::task<maybe_error> passthrough::replay_as_stream() {
    std::string body;
    const bool is_ok =
        co_await read_body(c_.loop, *call_, upstream_.config.limits.max_reply_bytes, body);
    if (!is_ok) {
        co_return co_await finish_with(error_of(c_, call_->error()));
    }
    reply_members members;
    const bool is_object = read_reply(body, members, kind());
    if (const auto told = error_in(members); is_object && !told.empty()) {
        co_return co_await relay_told_error(body, told);
    }
    if (!c_.request.is_chat()) {
        co_return co_await replay_own_wire(body, is_object, members);
    }
    api::draft answer;
    if (!is_object || api::decode_chat_completion(body, answer) != api::completion_fault::none) {
        is_misshapen_ = is_object;
        co_return co_await finish_with(protocol_error("the reply has no usable choice"));
    }
    if (account_ != nullptr) {
        account_->close(answer.usage, answer.content ? answer.content->size() : 0);
    }
    if (!keeps_declared_calls(answer)) {
        co_return co_await send_written(std::move(answer));
    }
    co_await send_draft_as_stream(c_, std::move(answer), c_.target.expose_reasoning);
    co_return std::nullopt;
}

// The same in the client's own wire.
net::task<maybe_error> passthrough::replay_own_wire(
    std::string_view body, bool is_object, const reply_members& members
) {
    maybe_error refusal = protocol_error("the reply has no answer");
    if (is_object && has_answer(kind(), members)) {
        const auto& headers = call_->reply().passed_headers;
        refusal = co_await send_replayed(c_, headers, body, members, account_.get());
    }
    if (refusal) {
        is_misshapen_ = is_object;
        co_return co_await finish_with(std::move(refusal));
    }
    co_return std::nullopt;
}

// What the upstream's wire has no word for would be left out unseen.
maybe_error judge_choices(const request_context& c) {
    const bool gives_one =
        c.target.upstreams.front()->config.protocol == config::wire_protocol::anthropic;
    if (!gives_one || !c.request.is_chat() || has_one_choice(c.request)) {
        return std::nullopt;
    }
    return base::make_error(
        error_code_id::unsupported_v1, "This model gives one choice only; 'n' must be 1.", "n"
    );
}

}  // namespace

net::task<maybe_error> run_passthrough(request_context& context) {
    if (auto refusal = judge_choices(context)) {
        co_return std::move(refusal);
    }
    passthrough relay(context);
    auto failure = co_await relay.serve();
    relay.end_call(failure);
    co_return std::move(failure);
}

}  // namespace meta_model::dispatch
