#include "contract/raw_wire_words.hpp"

#include <cstdio>

namespace meta_model::contract {

namespace {

std::string as_chunk(const std::string& bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

void remove_all(std::string& from, const std::string& what) {
    for (auto at = from.find(what); at != std::string::npos; at = from.find(what)) {
        from.erase(at, what.size());
    }
}

}  // namespace

request_parts post_parts(const std::string& path, const std::string& body, header_list headers) {
    headers.emplace_back("Content-Type", "application/json");
    return {"POST", path, std::move(headers), body};
}

http_reply post(
    const gateway_process& gateway,
    const std::string& path,
    const std::string& body,
    header_list headers
) {
    return fetch(gateway.port(), post_parts(path, body, std::move(headers)));
}

std::string event_text(const std::string& type, const std::string& data) {
    return "event: " + type + "\ndata: " + data + "\n\n";
}

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& part : parts) {
        out += part;
    }
    return out;
}

reply raw_events(std::vector<std::string> events) {
    return [events = std::move(events)](const recorded_request&) {
        const header_list more{{"Transfer-Encoding", "chunked"}};
        script out{{step_kind::send, http_head(200, "text/event-stream", more), {}, {}}};
        for (const auto& event : events) {
            out.push_back({step_kind::send, as_chunk(event), {}, {}});
        }
        out.push_back({step_kind::send, "0\r\n\r\n", {}, {}});
        return out;
    };
}

std::string without_heartbeats(std::string body) {
    remove_all(body, ": heartbeat\n\n");
    remove_all(body, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    return body;
}

}  // namespace meta_model::contract
