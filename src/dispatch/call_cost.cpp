#include "dispatch/call_cost.hpp"

#include "api/json_walk.hpp"
#include "dispatch/content_parts.hpp"
#include "dispatch/cost_bounds.hpp"
#include "dispatch/cost_plan.hpp"
#include "dispatch/message_estimate.hpp"
#include "dispatch/purse.hpp"
#include "dispatch/token_estimate.hpp"
#include "upstream/anthropic_call.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace meta_model::dispatch {

namespace {

// The members that limit an answer, the one to set first.
std::span<const std::string_view> output_keys_of(api::request_kind kind) {
    static constexpr std::array<std::string_view, 2> chat{"max_tokens", "max_completion_tokens"};
    static constexpr std::array<std::string_view, 1> responses{"max_output_tokens"};
    const std::span<const std::string_view> of_chat(chat);
    return kind == api::request_kind::responses  ? std::span<const std::string_view>(responses)
           : kind == api::request_kind::messages ? of_chat.first(1)
                                                 : of_chat;
}

constexpr std::int64_t most_choices = 1'000'000;

std::optional<std::int64_t> positive(std::string_view raw) {
    std::int64_t n = 0;
    return api::to_int64(raw, n) && n >= 1 ? std::optional(n) : std::nullopt;
}

std::optional<std::int64_t> overridden(const config::upstream& u, std::string_view key) {
    const auto& all = u.request_overrides;
    const auto it = std::ranges::find(all, key, &std::pair<std::string, std::string>::first);
    return it == all.end() ? std::nullopt : positive(it->second);
}

// What goes out of a member before the upstream's own changes.
std::optional<std::int64_t> number_of(
    const api::chat_request& request, const upstream::body_changes& changes, std::string_view key
) {
    const auto* own = request.find(key);
    auto out = own != nullptr ? positive(own->value) : std::nullopt;
    for (const auto& change : changes.members) {
        if (change.key == key) {
            out = change.value ? positive(*change.value) : std::nullopt;
        }
    }
    return out;
}

bool drops(const config::upstream& u, std::string_view key) {
    return u.openai && std::ranges::find(u.openai->drop_params, key) != u.openai->drop_params.end();
}

// What the window leaves for an answer nobody limited. A conversation that does not fit is compacted, or refused.
std::int64_t room_in_window(const api::chat_request& request, const config::upstream& u) {
    api::pieces whole;
    whole.push_back(request.body());
    const auto prompt = estimate_body_tokens(request, whole);
    const auto room = prompt < u.context ? u.context - prompt : std::max(1, u.context / 4);
    return std::min<std::int64_t>(u.max_output, room);
}

// Both names may go out, and a server may go by either.
std::int64_t output_of_one_choice(
    const api::chat_request& request, const config::upstream& u, upstream::body_changes& changes
) {
    std::int64_t most = 0;
    bool is_dropped = false;
    const auto kind = request.shape().kind;
    const auto keys = output_keys_of(kind);
    for (const auto key : keys) {
        is_dropped = is_dropped || drops(u, key);
        // What an override means in a Messages request is among the changes.
        auto sent = kind == api::request_kind::messages ? std::nullopt : overridden(u, key);
        if (!sent) {
            sent = number_of(request, changes, key);
            if (sent && *sent > u.max_output) {
                sent = u.max_output;
                changes.members.push_back({key, std::to_string(u.max_output)});
            }
        }
        most = std::max(most, sent.value_or(0));
    }
    if (most == 0) {
        most = room_in_window(request, u);
        changes.members.push_back({keys.front(), std::to_string(most)});
    }
    return is_dropped ? std::max<std::int64_t>(most, u.max_output) : most;
}

}  // namespace

std::int64_t limit_output(
    const api::chat_request& request, const config::upstream& u, upstream::body_changes& changes
) {
    if (!api::is_generation(request.shape().kind)) {
        return 0;  // nothing is generated
    }
    const auto of_one = output_of_one_choice(request, u, changes);
    // A Messages request has its thinking among the changes.
    if (u.protocol == config::wire_protocol::anthropic && request.is_chat()) {
        const auto options = upstream::messages_options_of(u);
        const bool has_budget = options.thinking == api::thinking_mode::enabled;
        return has_budget ? api::share_output(options, of_one).max_tokens : of_one;
    }
    if (!request.is_chat()) {
        return of_one;
    }
    const auto choices = overridden(u, "n").value_or(number_of(request, changes, "n").value_or(1));
    return of_one * std::min(choices, most_choices);
}

namespace {

// Calls `visit(raw)` for each image of a list of a wire of its own: of messages, items, blocks or parts.
template <class Visit>
void for_each_image(std::string_view list, int depth, const Visit& visit) {
    api::walk_list(list, [&](std::string_view element) {
        const auto type = api::find_member(element, "type");
        if (api::is_string(type, "image") || api::is_string(type, "input_image")) {
            visit(element);
        } else if (depth > 0) {
            for_each_image(api::find_member(element, "content"), depth - 1, visit);
            for_each_image(api::find_member(element, "output"), depth - 1, visit);
        }
    });
}

}  // namespace

std::int64_t estimate_body_tokens(const api::chat_request& request, const api::pieces& body) {
    auto bytes = api::total_size(body);
    std::int64_t media = 0;
    // What was not edited away lies in the request's own bytes.
    const auto goes_out = [&](std::string_view raw) {
        return std::ranges::any_of(body, [&](std::string_view piece) {
            return !std::less<>()(raw.data(), piece.data())
                   && !std::less<>()(piece.data() + piece.size(), raw.data() + raw.size());
        });
    };
    for (const auto& m : request.messages()) {
        for_each_part(m, [&](std::string_view raw) {
            const auto part = read_part(raw);
            if (part.kind != config::modality::text && goes_out(raw)) {
                bytes -= std::min(bytes, raw.size());
                media += estimate_part_tokens(part);
            }
        });
    }
    const auto kind = request.shape().kind;
    if (kind == api::request_kind::messages || kind == api::request_kind::responses) {
        const content_part image{.kind = config::modality::image};
        const auto* const said = request.find(request.shape().prompt.front());
        constexpr int most_depth = 3;  // a message, a call's result, its parts
        for_each_image(said != nullptr ? said->value : "", most_depth, [&](std::string_view raw) {
            bytes -= std::min(bytes, raw.size());
            media += estimate_part_tokens(image);
        });
    }
    return estimate_text_tokens(bytes) + media;
}

call_bound bound_body(
    const request_context& c,
    const upstream::upstream_state& u,
    const upstream::prepared_body& body,
    std::int64_t output_tokens
) {
    auto estimated = estimate_body_tokens(c.request, body.pieces());
    if (reads_what_is_elsewhere(c.request)) {
        estimated = std::max<std::int64_t>(estimated, u.config.context);
    }
    call_bound out{.output_tokens = output_tokens};
    out.prompt_tokens = most_prompt_tokens(estimated, u.tokens_per_estimate.value());
    out.ceiling = cost_ceiling(u.config.pricing, out.prompt_tokens, output_tokens);
    return out;
}

call_bound bound_call(
    const request_context& c, const upstream::upstream_state& u, upstream::body_changes changes
) {
    const auto output = limit_output(c.request, u.config, changes);
    upstream::prepared_body body;
    body.prepare(c.request, u.config, changes);
    return bound_body(c, u, body, output);
}

base::error over_cost_limit(const request_context& c, base::money needed) {
    const auto own = c.request.envelope().max_cost;
    const bool is_clients = own && *own == c.purse->limit();
    auto e = base::make_error(
        base::error_code_id::cost_limit_exceeded,
        "The cost limit of " + base::to_usd(c.purse->limit())
            + " USD is too low: one call may cost up to " + base::to_usd(needed)
            + " USD. Allow more, send less, or lower 'max_tokens'.",
        is_clients ? "x_meta_model.max_cost_usd" : ""
    );
    return e;
}

}  // namespace meta_model::dispatch
