#include "dispatch/progress.hpp"

#include "api/json_text.hpp"
#include "api/reply_ids.hpp"
#include "dispatch/stream_keepalive.hpp"

#include <chrono>

namespace meta_model::dispatch {

namespace {

void append_member(std::string& out, std::string_view key, std::string_view value) {
    out += out.back() == '{' ? "\"" : ",\"";
    out += key;
    out += "\":";
    api::append_json_string(out, value);
}

std::string progress_chunk(const request_context& c, const ledger_line& call) {
    using namespace std::chrono;
    std::string out = R"(data: {"id":)";
    api::append_json_string(out, c.stream_id);
    out += R"(,"object":"chat.completion.chunk","created":)";
    api::append_json_number(out, c.created);
    out += R"(,"model":)";
    api::append_json_string(out, c.reply_model());
    out += R"(,"choices":[],"x_meta_model":{"progress":{)";
    append_member(out, "role", to_string(call.role));
    append_member(out, "upstream", call.upstream);
    if (call.samples > 1) {
        out += R"(,"samples":)";
        api::append_json_number(out, static_cast<std::int64_t>(call.samples));
    }
    append_member(out, "state", call.state);
    if (!call.reason.empty()) {
        append_member(out, "reason", call.reason);
    }
    out += R"(,"elapsed_ms":)";
    api::append_json_number(
        out, duration_cast<milliseconds>(steady_clock::now() - c.start).count()
    );
    out += "}}}\n\n";
    return out;
}

}  // namespace

void report_progress(request_context& c, const ledger_line& call) {
    const bool is_wanted = c.request.envelope().progress && c.request.stream();
    const bool has_begun = c.record.first_byte != telemetry::not_reached;
    if (!is_wanted || has_begun || c.sink.has_pending()
        || (!c.sink.is_committed() && !c.sink.may_commit_early())) {
        return;
    }
    if (c.stream_id.empty()) {
        using namespace std::chrono;
        c.stream_id = api::make_completion_id();
        c.created = duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
    }
    const auto chunk = progress_chunk(c, call);
    if (c.sink.is_committed()) {
        c.sink.write({chunk});
    } else {
        std::string storage;
        const auto head = stream_keepalive::stream_head(c, storage);
        c.sink.begin(head, std::nullopt, {chunk});
    }
}

}  // namespace meta_model::dispatch
