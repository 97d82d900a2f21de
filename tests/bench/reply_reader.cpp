#include "reply_reader.hpp"

#include "http_head.hpp"

#include <algorithm>
#include <charconv>

namespace meta_model::bench {

namespace {

// "@" + 20 digits + ";": nothing longer is a stamp.
constexpr std::size_t longest_stamp = 22;
constexpr std::size_t end_marker_bytes = std::string_view("data: [DONE]\n\n").size();

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

void chunk_decoder::take_framing(char c) {
    switch (state_) {
        case state::size:
            if (c == '\r') {
                state_ = state::size_end;
            } else if (hex_digit(c) < 0) {
                state_ = state::broken;
            } else {
                left_ = left_ * 16 + static_cast<std::uint64_t>(hex_digit(c));
            }
            return;
        case state::size_end: state_ = left_ > 0 ? state::data : state::trailer; return;
        case state::data_end:
            if (c == '\n') state_ = state::size;
            return;
        case state::trailer:
            // Ends with an empty line.
            if (c == '\n' && line_bytes_ == 0) state_ = state::done;
            if (c == '\n') line_bytes_ = 0;
            if (c != '\n' && c != '\r') ++line_bytes_;
            return;
        default: return;
    }
}

std::string_view chunk_decoder::next_payload(std::string_view& bytes) {
    while (!bytes.empty() && !is_complete() && !is_broken()) {
        if (state_ != state::data) {
            take_framing(bytes.front());
            bytes.remove_prefix(1);
            continue;
        }
        const std::string_view payload = bytes.substr(0, left_);
        bytes.remove_prefix(payload.size());
        left_ -= payload.size();
        if (left_ == 0) state_ = state::data_end;
        return payload;
    }
    return {};
}

std::optional<std::uint64_t> stamp_scanner::take_stamp(std::string_view& payload) {
    for (;;) {
        const std::size_t at = payload.find('@');
        if (at == std::string_view::npos) return std::nullopt;
        payload.remove_prefix(at);
        std::uint64_t stamp = 0;
        const char* const last = payload.data() + payload.size();
        const auto [end, problem] = std::from_chars(payload.data() + 1, last, stamp);
        if (end == last && payload.size() < longest_stamp) {
            carried_ = payload;
            return std::nullopt;
        }
        payload.remove_prefix(1);
        if (end != last && problem == std::errc() && *end == ';') return stamp;
    }
}

void reply_reader::reset() {
    head_.clear();
    after_head_.clear();
    has_head_ = is_chunked_ = is_complete_ = is_broken_ = false;
    status_ = 0;
    length_ = payload_bytes_ = 0;
    tail_.clear();
    chunks_.reset();
    scanner_.reset();
}

bool reply_reader::take_head(std::string_view& bytes) {
    head_ += bytes;
    const auto head = parse_head(head_);
    if (!head) return false;
    const std::size_t space = head->start_line.find(' ');
    if (space != std::string_view::npos) {
        const std::string_view digits = head->start_line.substr(space + 1, 3);
        std::from_chars(digits.data(), digits.data() + digits.size(), status_);
    }
    has_head_ = true;
    is_chunked_ = head->is_chunked;
    length_ = head->content_length.value_or(0);
    is_broken_ = status_ == 0 || (!is_chunked_ && !head->content_length);
    is_complete_ = !is_chunked_ && length_ == 0;
    after_head_ = head_.substr(head->size);
    bytes = after_head_;
    return true;
}

std::string_view reply_reader::next_payload(std::string_view& bytes) {
    std::string_view payload;
    if (!is_complete_ && is_chunked_) {
        payload = chunks_.next_payload(bytes);
        is_complete_ = chunks_.is_complete();
        is_broken_ = is_broken_ || chunks_.is_broken();
    } else if (!is_complete_) {
        payload = bytes.substr(0, length_ - payload_bytes_);
        bytes.remove_prefix(payload.size());
        is_complete_ = payload_bytes_ + payload.size() == length_;
    }
    if (payload.empty() && !bytes.empty()) is_broken_ = true;
    return payload;
}

void reply_reader::remember(std::string_view payload) {
    payload_bytes_ += payload.size();
    if (payload.size() >= end_marker_bytes) {
        tail_ = payload.substr(payload.size() - end_marker_bytes);
        return;
    }
    tail_ += payload;
    if (tail_.size() > end_marker_bytes) tail_.erase(0, tail_.size() - end_marker_bytes);
}

}  // namespace meta_model::bench
