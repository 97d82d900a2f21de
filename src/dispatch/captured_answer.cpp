#include "dispatch/captured_answer.hpp"

namespace meta_model::dispatch {

write_state captured_answer::send(const answer_head& head, const api::pieces& body) {
    begin(head, std::nullopt, body);
    return end({});
}

write_state captured_answer::begin(
    const answer_head& head, std::optional<std::uint64_t> content_length, const api::pieces& first
) {
    status_ = head.status;
    is_json_ = head.content_type.starts_with("application/json");
    expected_bytes_ = content_length;
    return write(first);
}

// With a length the last byte is the end.
write_state captured_answer::write(const api::pieces& more) {
    last_write_ = std::chrono::steady_clock::now();
    is_too_large_ = is_too_large_ || api::total_size(more) > most_bytes_ - body_.size();
    if (is_too_large_) {
        return write_state::closed;
    }
    for (const auto piece : more) {
        body_ += piece;
    }
    is_whole_ = expected_bytes_ && body_.size() == *expected_bytes_;
    return write_state::done;
}

write_state captured_answer::end(const api::pieces& last) {
    const auto state = write(last);
    is_whole_ = state == write_state::done;
    return state;
}

}  // namespace meta_model::dispatch
