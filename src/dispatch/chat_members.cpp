#include "dispatch/chat_members.hpp"

#include "api/chat_check.hpp"

#include <algorithm>
#include <string>

namespace meta_model::dispatch {

namespace {

using api::request_kind;

bool speaks_messages(const upstream::upstream_state* u) {
    return u != nullptr && u->config.protocol == config::wire_protocol::anthropic;
}

base::error not_supported(const api::foreign_tool& tool, request_kind client_kind) {
    auto place = tool.place;
    if (client_kind == request_kind::responses) {
        place = tool.member == "messages" ? "input" : tool.member;
    }
    auto message =
        "'" + place + "': this model's upstream takes function tools and their calls only.";
    return base::make_error(
        base::error_code_id::feature_not_supported_in_v1, std::move(message), std::move(place)
    );
}

}  // namespace

base::maybe_error judge_chat(
    const target& target, const api::chat_request& request, request_kind client_kind
) {
    const bool has_messages_api = std::ranges::any_of(target.upstreams, speaks_messages)
                                  || speaks_messages(target.synthesizer);
    const bool is_relayed = target.type == config::profile_type::passthrough && !has_messages_api;
    if (is_relayed || !request.is_chat()) {
        return std::nullopt;
    }
    // Those of other wires have been judged in their own words.
    if (client_kind == request_kind::chat || client_kind == request_kind::completions) {
        if (auto fault = api::judge_chat_members(request)) {
            return fault;
        }
    }
    if (has_messages_api) {
        if (const auto foreign = api::find_foreign_tool(request)) {
            return not_supported(*foreign, client_kind);
        }
    }
    return std::nullopt;
}

}  // namespace meta_model::dispatch
