#include "api/sse_events.hpp"

#include <cstring>

namespace meta_model::api {

namespace {

// The next line of `text` without its end, taken off `text`.
std::string_view take_line(std::string_view& text) {
    const auto lf = text.find('\n');
    auto line = text.substr(0, lf);
    text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

// The value of a `data` line, or false for any other line.
bool data_of(std::string_view line, std::string_view& value) {
    if (!line.starts_with("data")) {
        return false;
    }
    line.remove_prefix(4);
    if (line.empty()) {
        value = line;
        return true;
    }
    if (line.front() != ':') {
        return false;
    }
    line.remove_prefix(1);
    if (!line.empty() && line.front() == ' ') {
        line.remove_prefix(1);
    }
    value = line;
    return true;
}

}  // namespace

std::size_t find_event_end(std::string_view buffer, std::size_t from) {
    const char* const end = buffer.data() + buffer.size();
    const char* p = buffer.data() + from;
    while (p < end) {
        p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
        if (p == nullptr) {
            break;
        }
        ++p;
        if (p < end && *p == '\n') {
            return static_cast<std::size_t>(p + 1 - buffer.data());
        }
        if (end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
            return static_cast<std::size_t>(p + 2 - buffer.data());
        }
    }
    return std::string_view::npos;
}

std::string_view event_data(std::string_view event, std::string& storage) {
    std::string_view data;
    std::string_view value;
    bool has_data = false;
    bool is_joined = false;
    while (!event.empty()) {
        if (!data_of(take_line(event), value)) {
            continue;
        }
        if (!has_data) {
            data = value;
            has_data = true;
            continue;
        }
        if (!is_joined) {
            storage.assign(data);
            is_joined = true;
        }
        storage += '\n';
        storage += value;
    }
    return is_joined ? std::string_view(storage) : data;
}

}  // namespace meta_model::api
