#include "api/reasoning.hpp"
#include "api/reasoning_marks.hpp"
#include "base/text.hpp"

namespace meta_model::api {

namespace {

using namespace marks;

std::size_t leading_spaces(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && is_space(text[n])) {
        ++n;
    }
    return n;
}

std::size_t size_without_trailing_spaces(std::string_view text) {
    auto n = text.size();
    while (n > 0 && is_space(text[n - 1])) {
        --n;
    }
    return n;
}

// A thought whose end the model forgot ends where the solution begins; that mark is no part of it.
match match_block_end(std::string_view text, const mark& m) {
    const auto close = match_close(text, m);
    if (m.kind != mark_kind::block || close.result == fit::yes) {
        return close;
    }
    const auto next = match_literal(text, solution_open);
    return next.result == fit::no ? close : match{next.result, 0};
}

occurrence find_close(std::string_view text, const mark& m) {
    const char first = m.close.empty() ? '<' : m.close[0];
    return find_first(text, first, [&](std::string_view at) { return match_block_end(at, m); });
}

match match_channel_end(std::string_view text) {
    match best;
    for (const auto end : channel_ends) {
        const auto found = match_literal(text, end);
        if (found.result != fit::no) {
            best = found;
        }
        if (found.result == fit::yes) {
            break;
        }
    }
    return best;
}

}  // namespace

std::string_view leading_reasoning_filter::feed(std::string_view piece) {
    if (state_ == state::rest) {
        const bool passes =
            !has_stripped_ || piece.empty() || (spaces_.empty() && !is_space(piece.back()));
        if (passes) {
            return piece;
        }
    }
    out_.clear();
    if (state_ == state::rest) {
        show(piece);
        return out_;
    }
    held_ += piece;
    while (step(input::open)) {
    }
    held_.erase(0, taken_);
    taken_ = 0;
    return out_;
}

std::string_view leading_reasoning_filter::finish() {
    out_.clear();
    while (step(input::ended)) {
    }
    const bool is_open_weak_block = state_ == state::block && mark_->kind == mark_kind::weak_tag;
    if (is_open_weak_block) {
        set_aside(held().size());
    }
    const bool showed_nothing = is_open_weak_block || state_ == state::lead;
    if (showed_nothing && (has_weak_block_ || !has_stripped_)) {
        show(aside_);
    }
    state_ = state::done;
    return out_;
}

bool leading_reasoning_filter::step(input in) {
    switch (state_) {
        case state::lead: return step_lead(in);
        case state::block: return step_block();
        case state::channel_header: return step_channel_header();
        case state::hidden_channel: return step_hidden_channel();
        case state::body: return step_body(in);
        case state::rest: return false;
        case state::done: take(held().size()); return false;
    }
    return false;
}

bool leading_reasoning_filter::step_lead(input in) {
    set_aside(leading_spaces(held()));
    if (held().empty()) {
        return false;
    }
    const auto opening = match_any_open(held());
    if (opening.found.result == fit::prefix && in == input::open) {
        return false;
    }
    if (opening.found.result == fit::yes) {
        enter(*opening.which, opening.found.length);
        return true;
    }
    // Visible text: blocks before it were reasoning, white space before it belongs to it.
    has_stripped_ = has_stripped_ || has_weak_block_;
    if (!has_stripped_) {
        out_ += aside_;
    }
    aside_.clear();
    state_ = state::rest;
    show(held());
    take(held().size());
    return false;
}

void leading_reasoning_filter::enter(const mark& m, std::size_t length) {
    mark_ = &m;
    if (m.kind == mark_kind::weak_tag) {
        has_weak_block_ = true;
        set_aside(length);
        state_ = state::block;
        return;
    }
    has_stripped_ = true;
    take(length);
    switch (m.kind) {
        case mark_kind::channel:
        case mark_kind::start: state_ = state::channel_header; break;
        case mark_kind::solution: state_ = state::body; break;
        default: state_ = state::block;
    }
}

bool leading_reasoning_filter::step_block() {
    const auto close = find_close(held(), *mark_);
    const auto consumed = close.is_found() ? close.at + close.length : close.keep_from;
    if (mark_->kind == mark_kind::weak_tag) {
        set_aside(consumed);
    } else {
        take(consumed);
    }
    if (close.is_found()) {
        state_ = state::lead;
    }
    return close.is_found();
}

bool leading_reasoning_filter::step_channel_header() {
    const auto message = find_first(held(), '<', [](std::string_view at) {
        return match_literal(at, channel_message);
    });
    if (!message.is_found() || message.at > max_channel_header_bytes) {
        if (message.is_found() || message.keep_from > max_channel_header_bytes) {
            state_ = state::hidden_channel;
            return true;
        }
        return false;
    }
    const auto name = channel_name(held().substr(0, message.at));
    state_ = base::ascii_iequals(name, "final") ? state::body : state::hidden_channel;
    take(message.at + message.length);
    return true;
}

bool leading_reasoning_filter::step_hidden_channel() {
    const auto end = find_first(held(), '<', match_channel_end);
    take(end.is_found() ? end.at : end.keep_from);
    if (!end.is_found()) {
        return false;
    }
    // <|channel|> and <|start|> are read again as openings.
    const bool is_opening = match_literal(held(), channel_open).result == fit::yes
                            || match_literal(held(), "<|start|>").result == fit::yes;
    take(is_opening ? 0 : end.length);
    state_ = state::lead;
    return true;
}

bool leading_reasoning_filter::step_body(input in) {
    const auto end = mark_->kind == mark_kind::solution
                         ? find_close(held(), *mark_)
                         : find_first(held(), '<', match_channel_end);
    auto shown = end.is_found() ? end.at : end.keep_from;
    if (!end.is_found() && in == input::ended) {
        shown = held().size();
    }
    show(held().substr(0, shown));
    take(shown);
    if (end.is_found()) {
        state_ = state::done;
    }
    return end.is_found();
}

std::string_view leading_reasoning_filter::held() const {
    return std::string_view(held_).substr(taken_);
}

void leading_reasoning_filter::take(std::size_t bytes) {
    taken_ += bytes;
}

void leading_reasoning_filter::set_aside(std::size_t bytes) {
    aside_ += held().substr(0, bytes);
    take(bytes);
}

void leading_reasoning_filter::show(std::string_view text) {
    if (!has_stripped_) {
        out_ += text;
        return;
    }
    if (!has_shown_) {
        text.remove_prefix(leading_spaces(text));
    }
    // White space waits for what follows it; at the end it is dropped.
    const auto end = size_without_trailing_spaces(text);
    if (end > 0) {
        has_shown_ = true;
        out_ += spaces_;
        out_ += text.substr(0, end);
        spaces_.clear();
    }
    spaces_ += text.substr(end);
}

}  // namespace meta_model::api
