#include "dispatch/stream_keepalive.hpp"

#include "api/wire_words.hpp"

namespace meta_model::dispatch {

namespace {

base::steady_duration to_steady(config::seconds_f s) {
    return std::chrono::duration_cast<base::steady_duration>(s);
}

}  // namespace

stream_keepalive::stream_keepalive(request_context& context, bool is_active) : context_(context) {
    if (is_active) {
        // A relayed call has no progress to tell, and its status may still be that of an error.
        const bool is_at_once = context.request.envelope().progress
                                && context.target.type != config::profile_type::passthrough;
        const auto wait = is_at_once ? base::steady_duration::zero()
                                     : to_steady(context.config.server.stream_commit);
        context.loop.timers().arm(*this, std::chrono::steady_clock::now() + wait);
    }
}

answer_head stream_keepalive::stream_head(const request_context& context, std::string& storage) {
    storage = "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
    storage += context.header_lines;
    return {.status = 200, .content_type = "text/event-stream", .header_lines = storage};
}

void stream_keepalive::on_deadline() {
    auto& sink = context_.sink;
    const auto now = std::chrono::steady_clock::now();
    const auto heartbeat = api::heartbeat_of(context_.request.shape().kind);
    const auto period = to_steady(context_.config.server.keepalive);
    if (!sink.is_committed()) {
        if (!sink.may_commit_early()) {
            return;
        }
        std::string storage;
        const auto head = stream_head(context_, storage);
        sink.begin(head, std::nullopt, {heartbeat});
    } else if (!sink.has_pending() && now - sink.last_write() >= period) {
        sink.write({heartbeat});
    }
    context_.loop.timers().arm(*this, std::max(now, sink.last_write()) + period);
}

}  // namespace meta_model::dispatch
