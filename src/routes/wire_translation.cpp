#include "routes/wire_translation.hpp"

#include "api/completions_wire.hpp"
#include "api/json_walk.hpp"
#include "api/messages_request.hpp"
#include "api/messages_stream.hpp"
#include "api/responses_request.hpp"
#include "api/responses_stream.hpp"
#include "dispatch/token_estimate.hpp"
#include "routes/response_json.hpp"
#include "routes/stored_history.hpp"

namespace meta_model::routes {

using api::request_kind;

bool is_translated(request_kind kind) {
    return kind == request_kind::completions || kind == request_kind::responses
           || kind == request_kind::input_tokens || kind == request_kind::messages;
}

request_kind served_kind(request_kind kind) {
    return kind == request_kind::input_tokens ? request_kind::tokenize : request_kind::chat;
}

namespace {

using base::error_code_id;

// What needs responses to be kept.
base::result<void> judge_stateful(
    const api::responses_request& request, const config::stored_responses& kept
) {
    if (const auto value = request.member("conversation"); !value.empty() && value != "false") {
        return base::make_error(
            error_code_id::unsupported_responses_param,
            "'conversation' is not supported on /v1/responses.",
            "conversation"
        );
    }
    const char* const name = request.is_background()                   ? "background"
                             : !request.previous_response_id().empty() ? "previous_response_id"
                                                                       : nullptr;
    if (name != nullptr && !kept.store) {
        return base::make_error(
            error_code_id::feature_disabled,
            "'" + std::string(name)
                + "' needs responses to be stored, and this gateway keeps none.",
            name
        );
    }
    if (request.is_background() && kept.max_background == 0) {
        return base::make_error(
            error_code_id::feature_disabled,
            "This gateway makes no responses in the background.",
            "background"
        );
    }
    if (request.is_background() && !request.wants_store()) {
        return base::make_error(
            error_code_id::shape, "A response in the background needs 'store' to be true.", "store"
        );
    }
    return {};
}

// What is referred to stands there itself: whoever goes on from here needs no response but this one.
std::string input_list(
    const api::responses_request& request, const api::response_history& history
) {
    std::string list = "[";
    request.for_each_input_item([&](std::string_view item) {
        const bool is_reference = api::is_string(api::find_member(item, "type"), "item_reference");
        const auto referred = is_reference ? history.find_item(item_id(item)) : std::string_view{};
        list += list.size() == 1 ? "" : ",";
        list += referred.empty() ? item : referred;
    });
    return list + ']';
}

bool has_room_for(const response_services& s, std::size_t bytes) {
    const auto in_flight = s.service.in_flight_bytes.load(std::memory_order_relaxed);
    const auto most = static_cast<std::int64_t>(s.config.server.limits.max_in_flight_bytes);
    return bytes <= s.config.responses.max_stored_bytes
           && in_flight + static_cast<std::int64_t>(bytes) <= most;
}

// Null: nothing can be kept.
std::unique_ptr<response_writer> writer_for(
    const api::responses_request& request,
    const api::response_history& history,
    const api::response_facts& facts,
    const wire_client& client
) {
    using keeping = response_writer::keeping;
    const auto what = !request.is_background() ? keeping::result
                      : request.is_stream()    ? keeping::events
                                               : keeping::state;
    auto input = input_list(request, history);
    if (!request.is_background() && !has_room_for(client.responses, input.size())) {
        return nullptr;  // what cannot be kept is served all the same
    }
    auto writer = std::make_unique<response_writer>(
        client.responses.store, client.who, facts, std::move(input), what
    );
    writer->count_in(client.responses.service);
    return writer;
}

// What a tokenizer said of the chat; `estimate` where what it said is no count.
class input_tokens_translator final : public api::reply_translator {
public:
    explicit input_tokens_translator(std::int64_t estimate) : estimate_(estimate) {}

    std::string whole(std::string_view reply) override {
        std::int64_t count = 0;
        if (!api::to_int64(api::find_member(reply, "count"), count)) {
            const auto tokens = list_items(api::find_member(reply, "tokens"));
            count = tokens.empty() ? estimate_ : static_cast<std::int64_t>(tokens.size());
        }
        std::string out = R"({"object":"response.input_tokens","input_tokens":)";
        api::append_json_number(out, count);
        out += '}';
        return out;
    }
    void take_event(std::string_view, std::string&) override {}

private:
    std::int64_t estimate_;
};

// What goes on is no longer than what could be sent whole.
stored_history history_of(const wire_client& client) {
    const auto max_bytes = client.responses.config.server.limits.max_body_bytes;
    return {client.responses.store, client.who, max_bytes};
}

// The chat that `body` stands for. Fills in what was read on the way.
base::result<std::string> read_response(
    std::string_view body,
    int max_depth,
    const wire_client& client,
    api::responses_request& request,
    stored_history& history
) {
    if (auto parsed = request.parse(body, max_depth); !parsed) {
        return parsed.error();
    }
    if (auto judged = judge_stateful(request, client.responses.config.responses); !judged) {
        return judged.error();
    }
    if (auto loaded = history.load(request.previous_response_id()); !loaded) {
        return loaded.error();
    }
    return request.chat(history);
}

base::result<translated_request> tokens_of_response(
    std::string_view body, int max_depth, const wire_client& client
) {
    api::responses_request request;
    auto history = history_of(client);
    auto chat = read_response(body, max_depth, client, request, history);
    if (!chat) {
        return chat.error();
    }
    translated_request translated;
    translated.body = std::move(*chat);
    const auto estimate = dispatch::estimate_text_tokens(translated.body.size());
    translated.replies = std::make_unique<input_tokens_translator>(estimate);
    return translated;
}

base::result<translated_request> chat_of_response(
    std::string_view body, int max_depth, const wire_client& client
) {
    api::responses_request request;
    auto history = history_of(client);
    auto chat = read_response(body, max_depth, client, request, history);
    if (!chat) {
        return chat.error();
    }
    auto facts = request.facts();
    facts.is_stored = client.responses.config.responses.store && request.wants_store();
    translated_request translated;
    translated.body = std::move(*chat);
    translated.is_background = request.is_background();
    if (facts.is_stored) {
        translated.kept = writer_for(request, history, facts, client);
    }
    translated.replies =
        std::make_unique<api::response_translator>(std::move(facts), translated.kept.get());
    return translated;
}

}  // namespace

base::result<translated_request> chat_of(
    request_kind kind, std::string_view body, int max_depth, const wire_client& client
) {
    if (kind == request_kind::input_tokens) {
        return tokens_of_response(body, max_depth, client);
    }
    if (kind == request_kind::responses) {
        return chat_of_response(body, max_depth, client);
    }
    const bool is_messages = kind == request_kind::messages;
    auto chat = is_messages ? api::chat_of_messages(body, max_depth)
                            : api::chat_of_completion(body, max_depth);
    if (!chat) {
        return chat.error();
    }
    translated_request translated;
    translated.body = std::move(*chat);
    if (is_messages) {
        translated.replies = std::make_unique<api::messages_translator>(client.request_id);
    } else {
        translated.replies = std::make_unique<api::completion_translator>();
    }
    return translated;
}

}  // namespace meta_model::routes
