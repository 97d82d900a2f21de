#include "routes/translated_sink.hpp"

#include "api/error_body.hpp"

namespace meta_model::routes {

using dispatch::answer_head;
using dispatch::write_state;

namespace {

void append(std::string& out, const api::pieces& parts) {
    for (const auto part : parts) {
        out += part;
    }
}

}  // namespace

write_state translated_sink::send(const answer_head& head, const api::pieces& body) {
    std::string chat;
    append(chat, body);
    if (head.status >= 300) {
        out_ = replies_->error(head.status, chat);
        return client_->send(head, {out_});
    }
    out_ = replies_->whole(chat);
    if (!out_.empty()) {
        return client_->send(head, {out_});
    }
    const auto e = base::make_error(
        base::error_code_id::upstream_protocol_error,
        "The model server's reply is no chat completion."
    );
    auto failed = head;
    failed.status = e.http_status();
    out_ = replies_->error(failed.status, api::error_body(e));
    return client_->send(failed, {out_});
}

write_state translated_sink::begin(
    const answer_head& head, std::optional<std::uint64_t>, const api::pieces& first
) {
    if (head.content_type == "text/event-stream") {
        if (!translate(first)) {
            client_->abort();
            return write_state::closed;
        }
        return client_->begin(head, std::nullopt, {out_});
    }
    is_whole_ = true;
    append(whole_, first);
    header_lines_ = head.header_lines;
    return write_state::done;
}

write_state translated_sink::write(const api::pieces& more) {
    if (is_whole_) {
        append(whole_, more);
        return write_state::done;
    }
    if (!translate(more)) {
        client_->abort();
        return write_state::closed;
    }
    return out_.empty() ? write_state::done : client_->write({out_});
}

write_state translated_sink::end(const api::pieces& last) {
    if (is_whole_) {
        append(whole_, last);
        answer_head head;
        head.header_lines = header_lines_;
        return send(head, {whole_});
    }
    if (!translate(last)) {
        client_->abort();
        return write_state::closed;
    }
    replies_->end(out_);
    return client_->end({out_});
}

// While a whole reply is held nothing went out, and the connection still reads what it was sent.
void translated_sink::release_request() {
    std::string().swap(body_);
    if (!is_whole_) {
        client_->release_request();
    }
}

bool translated_sink::translate(const api::pieces& chunks) {
    out_.clear();
    for (const auto chunk : chunks) {
        const bool is_ok = events_.feed(chunk, [this](std::string_view event) {
            replies_->take_event(event, out_);
            return true;
        });
        if (!is_ok) {
            return false;
        }
    }
    return true;
}

}  // namespace meta_model::routes
