#include "dispatch/replayed_reply.hpp"

#include "api/wire_replay.hpp"
#include "dispatch/stream_keepalive.hpp"

namespace meta_model::dispatch {

net::task<base::maybe_error> send_replayed(
    request_context& c,
    std::string_view passed_headers,
    std::string_view body,
    const reply_members& members,
    relay_account* account
) {
    account_usage(c, members.usage, body.size());
    c.record.final_content_chars = static_cast<std::uint32_t>(body.size());
    if (account != nullptr) {
        account->close(members.usage, body.size());
    }
    std::string renamed;
    if (const auto model = model_replacement(c); !model.empty() && !members.model.empty()) {
        const auto at = static_cast<std::size_t>(members.model.data() - body.data());
        renamed = body;
        renamed.replace(at, members.model.size(), model);
        body = renamed;
    }
    api::replayed_events replayed;
    if (!api::replay_reply(c.request.shape().kind, body, replayed)) {
        co_return protocol_error("the reply is no finished answer");
    }
    c.note_first_byte();
    note_told_failure(c, members);
    if (account != nullptr) {
        replayed.last = account->with_books(replayed.last);
    }
    const api::pieces events{replayed.events, replayed.last};
    if (!c.sink.is_committed()) {
        std::string storage;
        c.header_lines += passed_headers;
        c.sink.begin(stream_keepalive::stream_head(c, storage), std::nullopt, events);
    } else {
        c.sink.write(events);
    }
    const bool is_open = co_await c.sink.drain();
    if (is_open) {
        c.sink.end({});
        co_await c.sink.drain();
    }
    co_return std::nullopt;
}

}  // namespace meta_model::dispatch
