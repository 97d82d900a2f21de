#include "dispatch/raw_lane.hpp"

namespace meta_model::dispatch {

bool speaks(const config::upstream& u, api::request_kind kind) {
    using api::request_kind;
    switch (kind) {
        case request_kind::tokenize:
        case request_kind::count_tokens: return true;  // or its tokens are estimated
        case request_kind::messages: return u.protocol == config::wire_protocol::anthropic;
        case request_kind::responses:
        case request_kind::input_tokens:
            return u.protocol == config::wire_protocol::openai
                   && u.wire == config::openai_wire::responses;
        case request_kind::chat:
        case request_kind::completions: return u.wire == config::openai_wire::chat;
        case request_kind::embeddings:
        case request_kind::rerank:
        case request_kind::moderations:
            return u.protocol != config::wire_protocol::anthropic
                   && u.wire == config::openai_wire::chat;
    }
    return false;
}

bool is_raw(const target& target, const api::chat_request& request) {
    if (target.type != config::profile_type::passthrough || !target.expose_reasoning) {
        return false;
    }
    return speaks(target.upstreams.front()->config, request.shape().kind);
}

}  // namespace meta_model::dispatch
