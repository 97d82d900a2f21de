#include "dispatch/large_reply.hpp"

#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"

#include <algorithm>

namespace meta_model::dispatch {

using upstream::read_state;

net::task<base::maybe_error> relay_large_reply(
    request_context& context, upstream::call& call, std::string_view first
) {
    const auto& reply = call.reply();
    constexpr std::size_t tail_bytes = 2048;  // where the usage is looked for
    std::string tail(first.substr(first.size() - std::min(first.size(), tail_bytes)));
    std::size_t total = first.size();
    context.note_first_byte();
    context.header_lines += reply.passed_headers;
    answer_head head;
    head.status = reply.status;
    head.header_lines = context.header_lines;
    const auto length = reply.has_length ? std::optional(reply.content_length) : std::nullopt;
    auto written = context.sink.begin(head, length, {first});
    context.request.release();
    context.sink.release_request();
    for (;;) {
        bool is_open = written != write_state::closed;
        if (written == write_state::pending) {
            is_open = co_await context.sink.drain();
        }
        if (!is_open) {
            break;
        }
        char* const buffer = context.loop.scratch();
        std::size_t got = 0;
        const auto state = call.try_read(buffer, net::event_loop::scratch_bytes, got);
        written = write_state::done;
        if (state == read_state::would_block) {
            co_await call.wait();
        } else if (state == read_state::data) {
            const std::string_view bytes(buffer, got);
            total += got;
            tail.append(bytes.substr(bytes.size() - std::min(bytes.size(), tail_bytes)));
            tail.erase(0, tail.size() - std::min(tail.size(), tail_bytes));
            written = context.sink.write({bytes});
        } else if (state == read_state::end) {
            if (context.sink.end({}) == write_state::pending) {
                co_await context.sink.drain();
            }
            break;
        } else {
            if (!context.sink.is_committed()) {
                // It was kept, to be translated as a whole.
                co_return error_of(context, call.error());
            }
            context.was_cut = true;
            context.record.outcome = telemetry::outcome_of(error_of(context, call.error()).id);
            context.error_detail = call.error().detail;
            context.sink.abort();
            break;
        }
    }
    account_tail(context, tail, total);
    co_return std::nullopt;
}

}  // namespace meta_model::dispatch
