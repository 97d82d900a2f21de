#include "support/sse_reader.hpp"

namespace meta_model::support {

namespace {

std::string value_after_colon(const std::string& line, std::size_t colon) {
    const auto first = colon + 1 < line.size() && line[colon + 1] == ' ' ? colon + 2 : colon + 1;
    return line.substr(first);
}

void add_line(sse_event& event, const std::string& line) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) {
        return;
    }
    const auto value = value_after_colon(line, colon);
    const auto field = line.substr(0, colon);
    if (field.empty()) {
        event.comment = value;
    } else if (field == "data") {
        event.data += event.data.empty() ? value : "\n" + value;
    } else if (field == "event") {
        event.type = value;
    }
}

const nlohmann::json* first_choice(const nlohmann::json& chunk) {
    const bool has_choice =
        chunk.contains("choices") && chunk["choices"].is_array() && !chunk["choices"].empty();
    return has_choice ? &chunk["choices"][0] : nullptr;
}

}  // namespace

nlohmann::json sse_event::json() const {
    auto parsed = nlohmann::json::parse(data, nullptr, false);
    if (parsed.is_discarded()) {
        throw client_error("event is not JSON: " + data.substr(0, 300));
    }
    return parsed;
}

std::optional<sse_event> sse_reader::take_event() {
    const auto end = text_.find("\n\n");
    const auto end_crlf = text_.find("\r\n\r\n");
    const auto stop = std::min(end, end_crlf);
    if (stop == std::string::npos) {
        return std::nullopt;
    }
    const std::string block = text_.substr(0, stop);
    text_.erase(0, stop + (end_crlf < end ? 4 : 2));
    sse_event event;
    event.at = clock::now();
    for (std::size_t at = 0; at <= block.size();) {
        const auto line_end = std::min(block.find('\n', at), block.size());
        auto line = block.substr(at, line_end - at);
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        add_line(event, line);
        at = line_end + 1;
    }
    return event;
}

std::optional<sse_event> sse_reader::next(milliseconds within) {
    const auto until = clock::now() + within;
    while (true) {
        if (auto event = take_event()) {
            return event;
        }
        if (end_ != body_end::open) {
            return std::nullopt;
        }
        end_ = client_.read_body(text_, until);
    }
}

std::optional<sse_event> sse_reader::next_data(milliseconds within) {
    const auto until = clock::now() + within;
    while (true) {
        auto event = next(std::chrono::ceil<milliseconds>(until - clock::now()));
        if (!event || !event->is_comment()) {
            return event;
        }
    }
}

bool sse_transcript::is_stream() const {
    return head.header("Content-Type").rfind("text/event-stream", 0) == 0;
}

std::vector<nlohmann::json> sse_transcript::chunks() const {
    std::vector<nlohmann::json> out;
    for (const auto& event : events) {
        if (!event.is_done()) {
            out.push_back(event.json());
        }
    }
    return out;
}

std::string sse_transcript::text() const {
    std::string out;
    for (const auto& chunk : chunks()) {
        const auto* choice = first_choice(chunk);
        if (choice && choice->contains("delta") && (*choice)["delta"].contains("content")
            && (*choice)["delta"]["content"].is_string()) {
            out += (*choice)["delta"]["content"].get<std::string>();
        }
    }
    return out;
}

std::string sse_transcript::finish_reason() const {
    std::string out;
    for (const auto& chunk : chunks()) {
        const auto* choice = first_choice(chunk);
        if (choice && choice->contains("finish_reason") && (*choice)["finish_reason"].is_string()) {
            out = (*choice)["finish_reason"].get<std::string>();
        }
    }
    return out;
}

nlohmann::json sse_transcript::error() const {
    for (const auto& chunk : chunks()) {
        if (chunk.is_object() && chunk.contains("error")) {
            return chunk["error"];
        }
    }
    return nullptr;
}

sse_transcript read_transcript(http_client& client, milliseconds within) {
    const auto until = clock::now() + within;
    sse_transcript out;
    out.head = client.read_head(within);
    if (!out.is_stream()) {
        auto end = body_end::open;
        while (end == body_end::open) {
            end = client.read_body(out.head.body, until);
        }
        out.is_whole = end == body_end::whole;
        return out;
    }
    sse_reader reader(client);
    while (auto event = reader.next(std::chrono::ceil<milliseconds>(until - clock::now()))) {
        (event->is_comment() ? out.comments : out.events).push_back(*event);
    }
    out.is_whole = reader.ended_whole();
    return out;
}

}  // namespace meta_model::support
