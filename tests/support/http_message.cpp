#include "support/http_message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace meta_model::support {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

bool same_name(std::string_view a, std::string_view b) {
    return lower_case(a) == lower_case(b);
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
    return lower_case(text).find(lower_case(part)) != std::string::npos;
}

std::string header_value(const header_list& headers, std::string_view name) {
    for (const auto& [key, value] : headers) {
        if (same_name(key, name)) {
            return value;
        }
    }
    return {};
}

std::size_t count_headers(const header_list& headers, std::string_view name) {
    return static_cast<std::size_t>(std::count_if(
        headers.begin(), headers.end(), [&](const auto& h) { return same_name(h.first, name); }
    ));
}

bool has_header(const header_list& headers, std::string_view name) {
    return count_headers(headers, name) > 0;
}

std::optional<message_head> take_head(std::string& bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) {
        return std::nullopt;
    }
    message_head head;
    std::size_t at = 0;
    while (at < end) {
        const auto stop = std::min(bytes.find("\r\n", at), end);
        const std::string line = bytes.substr(at, stop - at);
        at = stop + 2;
        if (head.start_line.empty()) {
            head.start_line = line;
            continue;
        }
        const auto colon = line.find(':');
        if (colon == std::string::npos) {
            throw std::runtime_error("header line without a colon: " + line);
        }
        head.headers.emplace_back(
            line.substr(0, colon), trimmed(std::string_view(line).substr(colon + 1))
        );
    }
    bytes.erase(0, end + 4);
    return head;
}

bool chunk_reader::take_line(std::string& bytes, std::string& line) {
    const auto end = bytes.find("\r\n");
    if (end == std::string::npos) {
        return false;
    }
    line = bytes.substr(0, end);
    bytes.erase(0, end + 2);
    return true;
}

std::string chunk_reader::take(std::string& bytes) {
    std::string payload;
    std::string line;
    while (!is_done_) {
        if (in_trailers_) {
            if (!take_line(bytes, line)) {
                break;
            }
            is_done_ = line.empty();
            continue;
        }
        if (in_data_) {
            const auto part = std::min(left_, bytes.size());
            payload.append(bytes, 0, part);
            bytes.erase(0, part);
            left_ -= part;
            if (left_ > 0 || bytes.size() < 2) {
                break;
            }
            if (bytes.compare(0, 2, "\r\n") != 0) {
                throw std::runtime_error("chunk data is not followed by CRLF");
            }
            bytes.erase(0, 2);
            in_data_ = false;
            continue;
        }
        if (!take_line(bytes, line)) {
            break;
        }
        const auto digits = line.substr(0, line.find(';'));
        const auto parsed =
            std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
        if (digits.empty() || parsed.ec != std::errc{}
            || parsed.ptr != digits.data() + digits.size()) {
            throw std::runtime_error("bad chunk size: " + line);
        }
        in_data_ = left_ > 0;
        in_trailers_ = left_ == 0;
    }
    return payload;
}

std::string as_chunk(std::string_view payload) {
    std::array<char, 32> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", payload.size());
    return std::string(size.data()).append(payload).append("\r\n");
}

}  // namespace meta_model::support
