#include "mock_reply.hpp"

#include <charconv>
#include <cstdio>

namespace meta_model::bench {

namespace {

constexpr std::uint64_t ns_per_ms = 1'000'000;

// Reads one number from the front of `text` and drops it with the dot that follows.
std::uint64_t take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with('.')) text.remove_prefix(1);
    return number;
}

bool starts_with_digit(std::string_view text) {
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

// One action with its arguments; false when it is unknown.
bool apply_action(reply_plan& plan, char action, std::string_view& arguments) {
    if (!starts_with_digit(arguments)) return false;
    const std::uint64_t first = take_number(arguments);
    switch (action) {
        case 'j':
            plan.kind = reply_kind::json;
            plan.bytes = first;
            return true;
        case 'd': plan.delay_ns = first * ns_per_ms; return true;
        case 's':
            plan.kind = reply_kind::stream;
            plan.chunks = first;
            plan.interval_ns = take_number(arguments) * ns_per_ms;
            return true;
        case 'b':
            plan.kind = reply_kind::burst;
            plan.chunks = first;
            return true;
        case 'm':
            plan.kind = reply_kind::draft;
            plan.bytes = first;
            plan.delay_ns = take_number(arguments) * ns_per_ms;
            plan.chunks = take_number(arguments);
            return true;
        default: return false;
    }
}

std::string with_head(std::string_view status, std::string_view body) {
    std::string reply = "HTTP/1.1 ";
    reply += status;
    reply +=
        "\r\nContent-Type: application/json\r\nServer: mock\r\n"
        "x-request-id: req_0123456789abcdef\r\nContent-Length: ";
    reply += std::to_string(body.size());
    reply += "\r\n\r\n";
    reply += body;
    return reply;
}

// Plain words; JSON needs no escape in them. Different numbers begin at different places.
void append_words(std::string& out, std::uint64_t bytes, std::uint64_t number) {
    constexpr std::string_view words = "the answer depends on what was asked and on what is known ";
    std::uint64_t begin = number % words.size();
    while (bytes > 0) {
        const std::string_view part = words.substr(begin, bytes);
        out += part;
        bytes -= part.size();
        begin = 0;
    }
}

constexpr std::string_view completion_start =
    R"({"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock-model",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":")";
constexpr std::string_view completion_end =
    R"("},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}})";

std::string completion(std::uint64_t text_bytes, std::uint64_t number) {
    std::string body;
    body.reserve(completion_start.size() + text_bytes + completion_end.size());
    body += completion_start;
    append_words(body, text_bytes, number);
    body += completion_end;
    return with_head("200 OK", body);
}

void append_http_chunk(std::string& out, std::string_view payload) {
    char size[24];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", payload.size());
    out.append(size, static_cast<std::size_t>(length));
    out += payload;
    out += "\r\n";
}

void append_delta(std::string& out, std::string_view content, event_position position) {
    // Kept between calls: a stream of small events should not be a test of the allocator.
    static std::string event;
    event = R"(data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,)"
            R"("model":"mock-model","choices":[{"index":0,"delta":{)";
    if (position == event_position::first) event += R"("role":"assistant",)";
    event += R"("content":")";
    event += content;
    event += "\"},\"finish_reason\":null}]}\n\n";
    append_http_chunk(out, event);
}

}  // namespace

reply_plan plan_for(std::string_view target) {
    reply_plan plan;
    if (target.ends_with("/models")) {
        plan.kind = reply_kind::models;
        return plan;
    }
    if (target.starts_with('/')) target.remove_prefix(1);
    std::string_view actions = target.substr(0, target.find('/'));
    if (actions == "v1") {
        plan.kind = reply_kind::json;
        return plan;
    }
    while (!actions.empty()) {
        const char action = actions.front();
        actions.remove_prefix(1);
        if (!apply_action(plan, action, actions)) return {};
    }
    return plan;
}

bool asks_for_stream(std::string_view body) {
    constexpr std::string_view key = "\"stream\":";
    for (std::size_t at = body.find(key); at != std::string_view::npos;
         at = body.find(key, at + 1)) {
        // Inside a string value the quotes are escaped.
        if (at > 0 && body[at - 1] == '\\') continue;
        std::string_view value = body.substr(at + key.size());
        while (value.starts_with(' ')) value.remove_prefix(1);
        return value.starts_with("true");
    }
    return false;
}

std::string not_found_reply() {
    return with_head("404 Not Found", R"({"error":{"message":"no such mock action"}})");
}

std::string models_reply() {
    std::string body = R"({"object":"list","data":[)";
    for (const std::string_view id : {"model", "a", "b", "c", "d", "e", "s"}) {
        if (!body.ends_with('[')) body += ',';
        body += R"({"id":"mock-)";
        body += id;
        body += R"(","object":"model","created":1700000000,"owned_by":"bench"})";
    }
    body += "]}";
    return with_head("200 OK", body);
}

std::string json_reply(std::uint64_t body_bytes) {
    const std::uint64_t frame = completion_start.size() + completion_end.size();
    return completion(body_bytes > frame ? body_bytes - frame : 0, 0);
}

std::string draft_reply(std::uint64_t text_bytes, std::uint64_t number) {
    return completion(text_bytes, number);
}

void append_stream_head(std::string& out) {
    out +=
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nServer: mock\r\n"
        "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
}

void append_event(std::string& out, std::uint64_t stamp_ns, event_position position) {
    char content[64];
    const auto stamp = static_cast<unsigned long long>(stamp_ns);
    const int length = std::snprintf(content, sizeof content, "@%llu; four more words ", stamp);
    append_delta(out, {content, static_cast<std::size_t>(length)}, position);
}

void append_draft_event(
    std::string& out, std::uint64_t text_bytes, std::uint64_t number, event_position position
) {
    std::string words;
    append_words(words, text_bytes, number);
    append_delta(out, words, position);
}

void append_stream_end(std::string& out) {
    append_http_chunk(
        out,
        R"(data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,)"
        R"("model":"mock-model","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
        "\n\ndata: [DONE]\n\n"
    );
    out += "0\r\n\r\n";
}

}  // namespace meta_model::bench
