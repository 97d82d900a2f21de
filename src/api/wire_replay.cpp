#include "api/wire_replay.hpp"

#include "api/json_walk.hpp"
#include "api/usage_json.hpp"

#include <initializer_list>
#include <utility>

namespace meta_model::api {

namespace {

struct change {
    std::string_view key;
    std::string_view value;  // JSON text
};

// `object` with other values for members that it has.
std::string changed(std::string_view object, std::initializer_list<change> changes) {
    std::string out = "{";
    walk_object(object, [&](std::string_view key, std::string_view value) {
        for (const auto& c : changes) {
            value = c.key == key ? c.value : value;
        }
        out += out.size() > 1 ? "," : "";
        append_json_string(out, key);
        out += ':';
        out += value;
    });
    return out += '}';
}

std::string or_null(std::string_view raw) {
    return raw.empty() ? "null" : std::string(raw);
}

// `members`: JSON text that follows the type, each with its comma in front.
void append_event(std::string& out, std::string_view type, std::string_view members) {
    out += "event: ";
    out += type;
    out += "\ndata: {\"type\":\"";
    out += type;
    out += '"';
    append_on_one_line(out, members);
    out += "}\n\n";
}

class message_replay {
public:
    explicit message_replay(replayed_events& out) : out_(out.events), last_(out.last) {}

    bool write(std::string_view message);

private:
    void add_block(std::string_view block);
    void add_event(std::string_view type, std::string_view members);
    void add_delta(std::string_view type, std::string_view key, std::string_view value);

    std::string& out_;
    std::string& last_;
    std::string index_;  // `,"index":n`
};

void message_replay::add_event(std::string_view type, std::string_view members) {
    append_event(out_, type, index_ + std::string(members));
}

void message_replay::add_delta(
    std::string_view type, std::string_view key, std::string_view value
) {
    if (is_json_string(value) && value.size() > 2) {
        add_event(
            "content_block_delta",
            R"(,"delta":{"type":")" + std::string(type) + R"(",")" + std::string(key)
                + "\":" + std::string(value) + '}'
        );
    }
}

void message_replay::add_block(std::string_view block) {
    const auto type = find_member(block, "type");
    const auto start = [&](const std::string& begun) {
        add_event("content_block_start", R"(,"content_block":)" + begun);
    };
    const auto input = find_member(block, "input");
    if (is_string(type, "text")) {
        start(changed(block, {{"text", R"("")"}}));
        add_delta("text_delta", "text", find_member(block, "text"));
    } else if (is_string(type, "thinking")) {
        start(changed(block, {{"thinking", R"("")"}, {"signature", R"("")"}}));
        add_delta("thinking_delta", "thinking", find_member(block, "thinking"));
        add_delta("signature_delta", "signature", find_member(block, "signature"));
    } else if (is_json_object(input)) {
        std::string text;
        append_json_string(text, input);
        start(changed(block, {{"input", "{}"}}));
        add_delta("input_json_delta", "partial_json", text);
    } else {
        start(std::string(block));
    }
    add_event("content_block_stop", "");
}

bool message_replay::write(std::string_view message) {
    const auto content = find_member(message, "content");
    const auto begun =
        changed(message, {{"content", "[]"}, {"stop_reason", "null"}, {"stop_sequence", "null"}});
    add_event("message_start", R"(,"message":)" + begun);
    int index = 0;
    const bool is_list = walk_list(content, [&](std::string_view block) {
        index_ = R"(,"index":)" + std::to_string(index++);
        add_block(block);
    });
    index_.clear();
    const auto usage = find_member(message, "usage");
    add_event(
        "message_delta",
        R"(,"delta":{"stop_reason":)" + or_null(find_member(message, "stop_reason"))
            + R"(,"stop_sequence":)" + or_null(find_member(message, "stop_sequence")) + '}'
            + (usage.empty() ? "" : R"(,"usage":)" + std::string(usage))
    );
    append_event(last_, "message_stop", "");
    return is_list;
}

class response_replay {
public:
    explicit response_replay(replayed_events& out) : out_(out.events), last_(out.last) {}

    bool write(std::string_view response);

private:
    void add_item(std::string_view item);
    void add_part(std::string_view part, const std::string& place);
    void add_event(std::string_view type, std::string_view members) {
        append_event(out_, type, number() + std::string(members));
    }
    std::string number() { return R"(,"sequence_number":)" + std::to_string(sequence_++); }

    std::string& out_;
    std::string& last_;
    int sequence_ = 0;
    int output_index_ = 0;
};

void response_replay::add_part(std::string_view part, const std::string& place) {
    const auto whole = R"(,"part":)" + std::string(part);
    const auto type = find_member(part, "type");
    const bool is_text = is_string(type, "output_text");
    const std::string key = is_text ? "text" : "refusal";
    const auto text = find_member(part, key);
    if (!is_json_string(text) || !(is_text || is_string(type, "refusal"))) {
        add_event("response.content_part.added", place + whole);
        add_event("response.content_part.done", place + whole);
        return;
    }
    const std::string event = is_text ? "response.output_text" : "response.refusal";
    const std::string logprobs = is_text ? R"(,"logprobs":[])" : "";
    const std::string value(text);
    add_event(
        "response.content_part.added", place + R"(,"part":)" + changed(part, {{key, R"("")"}})
    );
    add_event(event + ".delta", place + R"(,"delta":)" + value + logprobs);
    add_event(event + ".done", place + ",\"" + key + "\":" + value + logprobs);
    add_event("response.content_part.done", place + whole);
}

void response_replay::add_item(std::string_view item) {
    const auto index = R"(,"output_index":)" + std::to_string(output_index_++);
    const auto id = find_member(item, "id");
    const auto place =
        (is_json_string(id) ? R"(,"item_id":)" + std::string(id) : std::string()) + index;
    const auto content = find_member(item, "content");
    const auto arguments = find_member(item, "arguments");
    const auto type = find_member(item, "type");
    const bool is_message = is_string(type, "message") && is_json_list(content);
    const bool is_call = is_string(type, "function_call") && is_json_string(arguments);
    auto begun = std::string(item);
    if (is_message) {
        begun = changed(item, {{"content", "[]"}, {"status", R"("in_progress")"}});
    } else if (is_call) {
        begun = changed(item, {{"arguments", R"("")"}, {"status", R"("in_progress")"}});
    }
    add_event("response.output_item.added", index + R"(,"item":)" + begun);
    if (is_message) {
        int part_index = 0;
        walk_list(content, [&](std::string_view part) {
            add_part(part, place + R"(,"content_index":)" + std::to_string(part_index++));
        });
    } else if (is_call) {
        const std::string value(arguments);
        add_event("response.function_call_arguments.delta", place + R"(,"delta":)" + value);
        add_event("response.function_call_arguments.done", place + R"(,"arguments":)" + value);
    }
    add_event("response.output_item.done", index + R"(,"item":)" + std::string(item));
}

bool response_replay::write(std::string_view response) {
    const auto status = find_member(response, "status");
    const bool is_over = is_string(status, "completed") || is_string(status, "incomplete")
                         || is_string(status, "failed") || is_string(status, "cancelled");
    if (!status.empty() && !is_over) {
        return false;
    }
    const auto begun = R"(,"response":)"
                       + changed(
                           response,
                           {{"status", R"("in_progress")"},
                            {"output", "[]"},
                            {"usage", "null"},
                            {"completed_at", "null"},
                            {"error", "null"},
                            {"incomplete_details", "null"}}
                       );
    add_event("response.created", begun);
    add_event("response.in_progress", begun);
    const bool is_list = walk_list(find_member(response, "output"), [this](std::string_view item) {
        add_item(item);
    });
    const auto end = status.empty() ? "completed" : std::string(string_body(status));
    append_event(last_, "response." + end, number() + R"(,"response":)" + std::string(response));
    return is_list;
}

}  // namespace

bool replay_reply(request_kind kind, std::string_view reply, replayed_events& out) {
    return kind == request_kind::messages ? message_replay(out).write(reply)
                                          : response_replay(out).write(reply);
}

}  // namespace meta_model::api
