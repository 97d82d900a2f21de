#include "routes/answer_sink.hpp"

namespace meta_model::routes {

namespace {

dispatch::write_state to_dispatch(http::send_state s) {
    switch (s) {
        case http::send_state::done: return dispatch::write_state::done;
        case http::send_state::pending: return dispatch::write_state::pending;
        case http::send_state::closed: return dispatch::write_state::closed;
    }
    return dispatch::write_state::closed;
}

}  // namespace

dispatch::write_state http_answer_sink::send(
    const dispatch::answer_head& head, const api::pieces& body
) {
    return to_dispatch(c_.send(head.status, head.content_type, head.header_lines, body));
}

dispatch::write_state http_answer_sink::begin(
    const dispatch::answer_head& head,
    std::optional<std::uint64_t> content_length,
    const api::pieces& first
) {
    return to_dispatch(
        c_.begin(head.status, head.content_type, head.header_lines, content_length, first)
    );
}

dispatch::write_state http_answer_sink::write(const api::pieces& more) {
    return to_dispatch(c_.write(more));
}

dispatch::write_state http_answer_sink::end(const api::pieces& last) {
    return to_dispatch(c_.end(last));
}

}  // namespace meta_model::routes
