// What a strategy needs of the request it serves. Lives as long as the request; confined to its thread.
#pragma once

#include "api/chat_request.hpp"
#include "base/cancel.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/timer_wheel.hpp"
#include "config/config.hpp"
#include "dispatch/answer_sink.hpp"
#include "dispatch/catalog.hpp"
#include "dispatch/ledger.hpp"
#include "dispatch/purse.hpp"
#include "net/event_loop.hpp"
#include "telemetry/recorder.hpp"
#include "upstream/client.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

// The end of the request's time: what the client asks for shortens it, never lengthens it.
base::steady_time request_deadline(
    const config::gateway_config& config, const api::chat_request& request, base::steady_time start
);

// What it may cost: what the client allows lowers the profile's limit, never raises it; `outer` limits a request that is part
// of another. Null: there is no limit.
std::shared_ptr<purse> purse_of(
    const target& target, const api::chat_request& request, std::shared_ptr<purse> outer = nullptr
);

struct request_context {
    net::event_loop& loop;
    upstream::client& client;
    telemetry::thread_shard& shard;
    base::logger& log;
    const config::gateway_config& config;
    const dispatch::target& target;
    api::chat_request& request;
    answer_sink& sink;
    base::cancel_source& cancel;
    telemetry::request_record& record;       // filled in on the way; apart, because it is large
    std::string_view request_id;             // ours, for logs and upstreams
    std::string_view upstream_header_lines;  // header lines for upstreams, each with CRLF
    base::steady_time start{};
    base::steady_time deadline{};
    std::shared_ptr<dispatch::purse> purse{};  // null: nothing limits what it may cost
    // Of what the client sent; `request` may be the chat it stands for.
    api::request_kind client_kind = api::request_kind::chat;

    bool is_time_shortened =
        false;  // by a profile around it: its end says nothing of the upstreams

    // Filled in on the way.
    std::int64_t prompt_estimate = 0;  // tokens of what a request that is no chat gives to read
    media_weight media{};        // of the conversation; unknown on passthroughs, which do not look
    dispatch::ledger ledger{};   // of the calls that are legs
    std::string header_lines{};  // X-MetaModel-… facts for the reply's head, each with CRLF
    std::string stream_id{};     // of the completion, once a chunk of its stream told one
    std::int64_t created = 0;    // Unix time, likewise
    std::string error_detail{};  // for the access log: what an upstream did
    int dropped_events = 0;      // malformed ones that were kept from the client
    bool was_cut = false;        // a stream that could not be completed
    bool usage_is_estimated = false;

    // The name of the model as the client is to see it when the gateway writes it.
    std::string_view reply_model() const {
        const auto& facade = config.server.model_name;
        return facade.empty() ? request.requested_name() : std::string_view(facade);
    }

    // Nobody waits for the answer any more: the client has left, or the profile around it has decided.
    bool is_unwanted() const {
        const auto why = cancel.reason();
        return why == base::cancel_reason::client_gone || why == base::cancel_reason::decided
               || why == base::cancel_reason::timeout;
    }

    // Media of the conversation that this upstream must not be sent.
    media_set hidden_from(const upstream::upstream_state& u) const {
        return media.kinds.without(declared_media(u.config));
    }

    // Whether reasoning has to be kept out of what an upstream wrote.
    bool hides_reasoning() const { return !target.expose_reasoning && request.is_chat(); }

    api::thinking_telling thinking_telling() const {
        const bool is_chat = client_kind == api::request_kind::chat;
        return is_chat ? api::thinking_telling::in_one : api::thinking_telling::in_turn;
    }

    void note_first_byte() {
        record.first_byte = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - start
        );
    }

    // Ensembles and media routes answer under the name that was asked for; one upstream's own answer keeps the name it wrote.
    bool is_model_replaced() const {
        const bool is_of_one_upstream = target.type == config::profile_type::passthrough
                                        || target.type == config::profile_type::cascade;
        return !is_of_one_upstream || target.route != config::modality::text
               || !config.server.model_name.empty()
               || config.server.reply_model == config::reply_model::requested;
    }
};

// A request within `outer`: of the same client, in the same time, with books and a purse of its own (none yet).
request_context inner_context(
    request_context& outer,
    const target& target,
    api::chat_request& request,
    answer_sink& sink,
    base::cancel_source& cancel,
    telemetry::request_record& record
);

}  // namespace meta_model::dispatch
