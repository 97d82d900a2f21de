#include "net/chunk_decoder.hpp"

#include <algorithm>
#include <cstring>

namespace meta_model::net {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char l = static_cast<char>(c | 0x20);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// Visible ASCII, white space inside a line, obs-text.
bool is_line_char(char c) {
    return c == '\t' || static_cast<unsigned char>(c) >= 0x20;
}

}  // namespace

// One byte of framing. False: malformed.
bool chunk_decoder::take(char c) {
    switch (step_) {
        case step::size_first:
        case step::size_digits: {
            const int digit = hex_value(c);
            if (digit >= 0) {
                if (left_ >> 56 != 0) {
                    return false;
                }
                left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
                step_ = step::size_digits;
                return ++line_bytes_ <= max_line_bytes;
            }
            if (step_ == step::size_first) {
                return false;
            }
            step_ = c == '\r' ? step::size_lf : step::extension;
            return c == '\r' || (c == ';' && ++line_bytes_ <= max_line_bytes);
        }
        case step::extension:
            if (c == '\r') {
                step_ = step::size_lf;
                return true;
            }
            return is_line_char(c) && ++line_bytes_ <= max_line_bytes;
        case step::size_lf:
            step_ = left_ > 0 ? step::payload : step::trailer_start;
            line_bytes_ = 0;
            return c == '\n';
        case step::payload_cr: step_ = step::payload_lf; return c == '\r';
        case step::payload_lf: step_ = step::size_first; return c == '\n';
        case step::trailer_start:
            step_ = c == '\r' ? step::end_lf : step::trailer_line;
            return c == '\r'
                   || (is_line_char(c) && c != ' ' && c != '\t'
                       && ++line_bytes_ <= max_trailer_bytes);
        case step::trailer_line:
            if (c == '\r') {
                step_ = step::trailer_lf;
                return true;
            }
            return is_line_char(c) && ++line_bytes_ <= max_trailer_bytes;
        case step::trailer_lf: step_ = step::trailer_start; return c == '\n';
        case step::end_lf: is_done_ = true; return c == '\n';
        case step::payload: return false;
    }
    return false;
}

chunk_decoder::outcome chunk_decoder::decode(char* data, std::size_t size) {
    outcome out;
    std::size_t at = 0;
    while (at < size && !is_done_) {
        if (step_ != step::payload) {
            if (!take(data[at++])) {
                out.state = state::malformed;
                break;
            }
            continue;
        }
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - at));
        if (out.payload != at) {
            std::memmove(data + out.payload, data + at, n);
        }
        out.payload += n;
        at += n;
        left_ -= n;
        if (left_ == 0) {
            step_ = step::payload_cr;
        }
    }
    out.consumed = at;
    if (is_done_ && out.state != state::malformed) {
        out.state = state::done;
    }
    return out;
}

}  // namespace meta_model::net
