#include "support/upstream_reply.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::support {

namespace {

step send_step(std::string bytes) {
    return {step_kind::send, std::move(bytes), milliseconds{0}, nullptr};
}

step end_step(step_kind kind) {
    return {kind, {}, milliseconds{0}, nullptr};
}

step pause_step(milliseconds duration) {
    return {step_kind::pause, {}, duration, nullptr};
}

step hold_step(shared_gate until) {
    return {step_kind::hold, {}, milliseconds{0}, std::move(until)};
}

std::string with_length(
    int status, std::string_view type, const std::string& body, header_list headers
) {
    headers.emplace_back("Content-Length", std::to_string(body.size()));
    return http_head(status, type, headers) + body;
}

std::string event(const std::string& data) {
    return as_chunk("data: " + data + "\n\n");
}

// Words with the blank before them, so that a text comes in several deltas.
std::vector<std::string> pieces_of(const std::string& text) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
        const auto next = std::min(text.find(' ', at + 1), text.size());
        pieces.push_back(text.substr(at, next - at));
        at = next;
    }
    return pieces;
}

json tool_call_delta(const json& call, std::size_t index) {
    json delta = call;
    delta["index"] = index;
    return json{{"tool_calls", json::array({delta})}};
}

std::vector<json> deltas_of(const json& message) {
    std::vector<json> deltas{json{{"role", "assistant"}, {"content", ""}}};
    for (const char* key : {"reasoning_content", "reasoning", "content"}) {
        if (message.contains(key) && message[key].is_string()) {
            for (const auto& piece : pieces_of(message[key].get<std::string>())) {
                deltas.push_back(json{{key, piece}});
            }
        }
    }
    std::size_t index = 0;
    for (const auto& call : message.value("tool_calls", json::array())) {
        deltas.push_back(tool_call_delta(call, index++));
    }
    return deltas;
}

script streamed(
    const std::vector<answer>& choices, const recorded_request& request, const std::string& model
) {
    const auto& what = choices.front();
    json chunk = {
        {"id", what.id},
        {"object", "chat.completion.chunk"},
        {"created", 1700000000},
        {"model", model}
    };
    script out{send_step(http_head(200, "text/event-stream", {{"Transfer-Encoding", "chunked"}}))};
    const auto send_choice = [&](std::size_t index, const json& delta, const json& finish) {
        chunk["choices"] =
            json::array({{{"index", index}, {"delta", delta}, {"finish_reason", finish}}});
        out.push_back(send_step(event(chunk.dump())));
    };
    std::vector<std::vector<json>> deltas;
    std::size_t longest = 0;
    for (const auto& choice : choices) {
        deltas.push_back(deltas_of(choice.message));
        longest = std::max(longest, deltas.back().size());
    }
    for (std::size_t at = 0; at <= longest; ++at) {
        for (std::size_t i = 0; i < choices.size(); ++i) {
            if (at < deltas[i].size()) {
                send_choice(i, deltas[i][at], nullptr);
            } else if (at == deltas[i].size()) {
                send_choice(i, json::object(), choices[i].finish);
            }
        }
    }
    if (request.wants_usage()) {
        chunk["choices"] = json::array();
        chunk["usage"] = what.usage;
        out.push_back(send_step(event(chunk.dump())));
    }
    if (what.sends_done) {
        out.push_back(send_step(event("[DONE]")));
    }
    out.push_back(send_step(std::string(last_chunk)));
    return out;
}

script whole(const std::vector<answer>& choices, const std::string& model) {
    const auto& what = choices.front();
    json list = json::array();
    for (const auto& choice : choices) {
        list.push_back(
            {{"index", list.size()}, {"message", choice.message}, {"finish_reason", choice.finish}}
        );
    }
    const json body = {
        {"id", what.id},
        {"object", "chat.completion"},
        {"created", 1700000000},
        {"model", model},
        {"choices", list},
        {"usage", what.usage},
    };
    return {send_step(with_length(200, "application/json", body.dump(), {}))};
}

// Keeps the first `sends` writes and ends with `kind`.
reply ended_after(std::size_t sends, step_kind kind, reply inner) {
    return [=](const recorded_request& request) {
        script out;
        std::size_t seen = 0;
        for (auto& each : inner(request)) {
            if (seen == sends) {
                break;
            }
            seen += each.kind == step_kind::send ? 1 : 0;
            out.push_back(std::move(each));
        }
        out.push_back(end_step(kind));
        return out;
    };
}

reply prepended(step first, reply inner) {
    return [=](const recorded_request& request) {
        auto out = inner(request);
        out.insert(out.begin(), first);
        return out;
    };
}

}  // namespace

bool recorded_request::wants_stream() const {
    return json.is_object() && json.contains("stream") && json["stream"] == true;
}

bool recorded_request::wants_usage() const {
    return wants_stream() && json.contains("stream_options") && json["stream_options"].is_object()
           && json["stream_options"].value("include_usage", false);
}

std::string http_head(int status, std::string_view content_type, const header_list& more) {
    std::string head = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
    if (!content_type.empty()) {
        head.append("Content-Type: ").append(content_type).append("\r\n");
    }
    for (const auto& [name, value] : more) {
        head.append(name).append(": ").append(value).append("\r\n");
    }
    return head + "\r\n";
}

reply complete(answer what) {
    return complete_choices({std::move(what)});
}

reply complete_choices(std::vector<answer> all) {
    return [all = std::move(all)](const recorded_request& request) {
        const auto& what = all.front();
        auto model = what.model;
        if (model.empty() && request.json.is_object()) {
            model = request.json.value("model", "unnamed");
        }
        const bool streams = request.wants_stream() && !what.always_json;
        return streams ? streamed(all, request, model) : whole(all, model);
    };
}

reply ok(std::string text) {
    answer what;
    what.message["content"] = std::move(text);
    return complete(std::move(what));
}

reply ok_as_json(std::string text) {
    answer what;
    what.message["content"] = std::move(text);
    what.always_json = true;
    return complete(std::move(what));
}

reply calls(std::string name, std::string arguments) {
    answer what;
    const json function = {{"name", std::move(name)}, {"arguments", std::move(arguments)}};
    what.message["content"] = nullptr;
    what.message["tool_calls"] =
        json::array({{{"id", "call_1"}, {"type", "function"}, {"function", function}}});
    what.finish = "tool_calls";
    return complete(std::move(what));
}

reply with_reasoning(std::string text, std::string reasoning) {
    answer what;
    what.message["content"] = std::move(text);
    what.message["reasoning_content"] = std::move(reasoning);
    return complete(std::move(what));
}

reply text_reply(int status, std::string content_type, std::string body, header_list headers) {
    return [=](const recorded_request&) {
        return script{send_step(with_length(status, content_type, body, headers))};
    };
}

reply json_reply(int status, nlohmann::json body, header_list headers) {
    return text_reply(status, "application/json", body.dump(), std::move(headers));
}

reply html() {
    return text_reply(200, "text/html", "<html><body>It works!</body></html>");
}

reply json_array() {
    return text_reply(200, "application/json", R"([{"id":"x"}])");
}

reply sse(std::vector<std::string> data_of_events) {
    return [=](const recorded_request&) {
        script out{send_step(http_head(200, "text/event-stream", {{"Transfer-Encoding", "chunked"}})
        )};
        for (const auto& data : data_of_events) {
            out.push_back(send_step(event(data)));
        }
        out.push_back(send_step(std::string(last_chunk)));
        return out;
    };
}

reply endless() {
    return [](const recorded_request& request) {
        const std::string text(16000, 'z');
        const json delta = {
            {"choices", json::array({{{"index", 0}, {"delta", {{"content", text}}}}})}
        };
        const bool is_stream = request.wants_stream();
        const auto head = http_head(
            200,
            is_stream ? "text/event-stream" : "application/json",
            {{"Transfer-Encoding", "chunked"}}
        );
        const auto first =
            is_stream ? "" : as_chunk(R"({"choices":[{"index":0,"message":{"content":")");
        const auto more = as_chunk(is_stream ? "data: " + delta.dump() + "\n\n" : text);
        return script{send_step(head + first), {step_kind::flood, more, milliseconds{0}, nullptr}};
    };
}

reply closed_delimited(std::string content_type, std::string body) {
    return raw(http_head(200, content_type, {{"Connection", "close"}}) + body);
}

reply raw(std::string bytes) {
    return [bytes = std::move(bytes)](const recorded_request&) {
        return script{send_step(bytes), end_step(step_kind::close)};
    };
}

reply raw_then_cut(std::string bytes) {
    return [bytes = std::move(bytes)](const recorded_request&) {
        return script{send_step(bytes), end_step(step_kind::cut)};
    };
}

reply garbage() {
    return raw("\x16\x03\x01 this is not HTTP\r\n\r\n");
}

reply hang() {
    return [](const recorded_request&) { return script{end_step(step_kind::hang)}; };
}

reply close_at_once() {
    return [](const recorded_request&) { return script{end_step(step_kind::close)}; };
}

reply reset_at_once() {
    return [](const recorded_request&) { return script{end_step(step_kind::reset)}; };
}

reply model_list(std::vector<std::string> ids) {
    json data = json::array();
    for (const auto& id : ids) {
        data.push_back({{"id", id}, {"object", "model"}});
    }
    return json_reply(200, {{"object", "list"}, {"data", data}});
}

reply delayed(milliseconds before_head, reply inner) {
    return prepended(pause_step(before_head), std::move(inner));
}

reply held(shared_gate until, reply inner) {
    return prepended(hold_step(std::move(until)), std::move(inner));
}

reply held_after(std::size_t sends, shared_gate until, reply inner) {
    return [=](const recorded_request& request) {
        script out;
        std::size_t seen = 0;
        for (auto& each : inner(request)) {
            if (each.kind == step_kind::send && seen++ == sends) {
                out.push_back(hold_step(until));
            }
            out.push_back(std::move(each));
        }
        return out;
    };
}

reply paced(milliseconds between_sends, reply inner) {
    return [=](const recorded_request& request) {
        script out;
        for (auto& each : inner(request)) {
            if (!out.empty()) {
                out.push_back(pause_step(between_sends));
            }
            out.push_back(std::move(each));
        }
        return out;
    };
}

reply in_pieces(std::size_t size, milliseconds between, reply inner) {
    return [=](const recorded_request& request) {
        script out;
        for (auto& each : inner(request)) {
            if (each.kind != step_kind::send) {
                out.push_back(std::move(each));
                continue;
            }
            for (std::size_t at = 0; at < each.bytes.size(); at += size) {
                out.push_back(send_step(each.bytes.substr(at, size)));
                out.push_back(pause_step(between));
            }
        }
        return out;
    };
}

reply cut_after(std::size_t bytes, reply inner) {
    return [=](const recorded_request& request) {
        script out;
        std::size_t left = bytes;
        for (auto& each : inner(request)) {
            if (each.kind == step_kind::send && each.bytes.size() >= left) {
                out.push_back(send_step(each.bytes.substr(0, left)));
                break;
            }
            left -= each.bytes.size();
            out.push_back(std::move(each));
        }
        out.push_back(end_step(step_kind::close));
        return out;
    };
}

reply cut_after_sends(std::size_t sends, reply inner) {
    return ended_after(sends, step_kind::close, std::move(inner));
}

reply reset_after_sends(std::size_t sends, reply inner) {
    return ended_after(sends, step_kind::reset, std::move(inner));
}

reply hang_after_sends(std::size_t sends, reply inner) {
    return ended_after(sends, step_kind::hang, std::move(inner));
}

reply preceded_by(std::string bytes, reply inner) {
    return prepended(send_step(std::move(bytes)), std::move(inner));
}

reply followed_by(std::string bytes, reply inner) {
    return [=](const recorded_request& request) {
        auto out = inner(request);
        out.back().bytes += bytes;
        return out;
    };
}

}  // namespace meta_model::support
