#include "api/responses_stream.hpp"

#include "api/call_tracker.hpp"
#include "api/json_walk.hpp"
#include "api/reply_ids.hpp"
#include "api/responses_events.hpp"
#include "api/sse_events.hpp"
#include "api/usage_json.hpp"

#include <array>
#include <utility>
#include <vector>

namespace meta_model::api {

namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

// Raw JSON values of what counts of a chunk.
struct chunk_fields {
    std::string_view choices{};
    std::string_view model{};
    std::string_view usage{};
    std::string_view error{};
    std::string_view service_tier{};
    std::string_view extension{};

    bool read(std::string_view data);
};

bool chunk_fields::read(std::string_view data) {
    return walk_object(data, [&](std::string_view key, std::string_view value) {
        if (key == "choices") {
            choices = value;
        } else if (key == "model") {
            model = value;
        } else if (key == "usage") {
            usage = value;
        } else if (key == "error") {
            error = value;
        } else if (key == "service_tier") {
            service_tier = value;
        } else if (key == "x_meta_model") {
            extension = value;
        }
    });
}

struct delta_fields {
    std::string_view content{};
    std::string_view refusal{};
    std::string_view reasoning_content{};
    std::string_view reasoning{};
    std::string_view details{};
    std::string_view thinking{};
    std::string_view calls{};
    std::string_view annotations{};
    std::string_view extra{};
    std::string_view function_call{};  // of old servers
};

delta_fields read_delta(std::string_view raw) {
    delta_fields out;
    const std::array known{
        std::pair{std::string_view("content"), &out.content},
        std::pair{std::string_view("refusal"), &out.refusal},
        std::pair{std::string_view("reasoning_content"), &out.reasoning_content},
        std::pair{std::string_view("reasoning"), &out.reasoning},
        std::pair{std::string_view("reasoning_details"), &out.details},
        std::pair{std::string_view("thinking_blocks"), &out.thinking},
        std::pair{std::string_view("tool_calls"), &out.calls},
        std::pair{std::string_view("annotations"), &out.annotations},
        std::pair{std::string_view("extra_content"), &out.extra},
        std::pair{std::string_view("function_call"), &out.function_call},
    };
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        for (const auto& [name, member] : known) {
            if (key == name) {
                *member = value;
                return;
            }
        }
    });
    return out;
}

struct call_fields {
    std::string_view index{};
    std::string_view id{};
    std::string_view name{};
    std::string_view text{};
    std::string details{};
    bool is_custom = false;
    bool is_call = false;
};

call_fields read_call(std::string_view raw) {
    call_fields out;
    std::string_view function;
    std::string_view custom;
    out.is_call = walk_object(raw, [&](std::string_view key, std::string_view value) {
        if (key == "index") {
            out.index = value;
        } else if (key == "id") {
            out.id = value;
        } else if (key == "function") {
            function = value;
        } else if (key == "custom") {
            custom = value;
        } else {
            append_call_detail(out.details, key, value);
        }
    });
    out.is_custom = is_json_object(custom);
    walk_object(
        out.is_custom ? custom : function,
        [&](std::string_view key, std::string_view value) {
            if (key == "name") {
                out.name = value;
            } else if (key == (out.is_custom ? "input" : "arguments")) {
                out.text = value;
            }
        }
    );
    return out;
}

std::string text_of_parts(std::string_view content) {
    std::string out;
    walk_list(content, [&](std::string_view part) {
        out += string_body(find_member(part, "text"));
    });
    return out;
}

// What a chat's error object says.
response_failure failure_of(std::string_view error) {
    response_failure out;
    append_unescaped(out.code, string_body(find_member(error, "code")));
    append_unescaped(
        out.message, string_body(is_json_string(error) ? error : find_member(error, "message"))
    );
    if (out.code.empty()) {
        out.code = "server_error";
    }
    if (out.message.empty()) {
        out.message = "The model server reported an error.";
    }
    return out;
}

}  // namespace

struct response_translator::state {
    state(response_facts facts, response_listener* l) : events(std::move(facts), l), listener(l) {}

    struct known_call {
        std::size_t item = none;  // none: its name has not come yet
        bool is_custom = false;
        std::string id{};
        std::string text{};  // waits for the name, as details do
        std::string details{};
    };

    void take_chunk(const chunk_fields& chunk);
    void take_choice(std::string_view choice);
    void take_reasoning(const delta_fields& delta);
    void open_reasoning();
    void show_reasoning(std::string_view member, std::string_view escaped);
    void take_text(std::string_view escaped, bool is_refusal, std::string_view logprobs);
    void take_annotations(std::string_view list);
    void take_call(std::string_view raw);
    void announce_call(known_call& call);
    void begin_visible();
    void finish();

    response_events events;
    response_listener* listener;
    std::size_t message = none;    // the open one
    std::size_t reasoning = none;  // the open one
    bool has_shown = false;        // a text, refusal or call
    bool has_reasoned = false;
    std::string_view source{};  // the member that reasoning is shown from
    call_tracker tracker{};
    std::vector<known_call> calls{};
    std::string joined{};
    std::string text{};  // of what is being looked at
    std::string id{};
    std::string name{};
    std::string unescaped{};
};

// The reasoning in front of an answer ends with its first text or call, as clients expect. What comes later, signatures at
// the end of a stream among it, goes into a second item, which stays open.
void response_translator::state::begin_visible() {
    if (!std::exchange(has_shown, true) && reasoning != none) {
        events.close_item(reasoning, item_state::completed);
        reasoning = none;
    }
}

void response_translator::state::take_text(
    std::string_view escaped, bool is_refusal, std::string_view logprobs
) {
    if (escaped.empty()) {
        return;
    }
    begin_visible();
    if (message == none) {
        message = events.add_item(make_item(output_kind::message));
    }
    text.clear();
    if (is_given(logprobs)) {
        const auto list = find_member(logprobs, "content");
        if (is_json_list(list)) {
            walk_list(list, [&](std::string_view element) {
                text += text.empty() ? "" : ",";
                append_on_one_line(text, element);
            });
        }
    }
    events.add_text(message, escaped, is_refusal, text);
}

void response_translator::state::take_annotations(std::string_view list) {
    if (!is_json_list(list) || message == none) {
        return;
    }
    walk_list(list, [&](std::string_view annotation) {
        events.add_annotation(message, annotation);
    });
}

void response_translator::state::open_reasoning() {
    if (reasoning == none) {
        reasoning = events.add_item(make_item(output_kind::reasoning));
        has_reasoned = true;
    }
}

// Some servers say the same in two members.
void response_translator::state::show_reasoning(std::string_view member, std::string_view escaped) {
    if (!escaped.empty() && (source.empty() || source == member)) {
        source = member;
        events.add_reasoning_text(reasoning, escaped);
    }
}

void response_translator::state::take_reasoning(const delta_fields& delta) {
    const std::array members{
        std::pair{std::string_view("reasoning_content"), delta.reasoning_content},
        std::pair{std::string_view("reasoning"), delta.reasoning},
        std::pair{std::string_view("reasoning_details"), delta.details},
        std::pair{std::string_view("thinking_blocks"), delta.thinking},
        std::pair{std::string_view("extra_content"), delta.extra},
    };
    for (const auto& [member, value] : members) {
        const bool is_list = is_json_list(value) && value != "[]";
        // That there was a text, if an empty one, is told once.
        const bool is_first_text =
            !has_reasoned && member == "reasoning_content" && is_json_string(value);
        const bool is_given_here = member == "extra_content"
                                       ? is_json_object(value)
                                       : is_list || is_first_text || !string_body(value).empty();
        if (!is_given_here) {
            continue;
        }
        open_reasoning();
        events.keep_reasoning(reasoning, member, value);
        text.clear();
        if (is_list && member == "reasoning_details") {
            object_pieces::append_text(text, value);
        } else if (!is_list) {
            text = string_body(value);
        }
        show_reasoning(member, text);
    }
    if (const auto thought = thought_of_parts(delta.content); !thought.empty()) {
        open_reasoning();
        events.keep_thought(reasoning, thought);
        show_reasoning("content", thought);
    }
}

// `name` is the call's.
void response_translator::state::announce_call(known_call& call) {
    begin_visible();
    if (message != none) {
        events.close_item(std::exchange(message, none), item_state::completed);
    }
    auto item = make_item(call.is_custom ? output_kind::custom_call : output_kind::function_call);
    append_json_string(item.call_id, call.id.empty() ? make_call_id() : call.id);
    append_json_string(item.name, name);
    item.details = std::move(call.details);
    call.item = events.add_item(std::move(item));
    events.add_call_text(call.item, std::exchange(call.text, {}));
}

void response_translator::state::take_call(std::string_view raw) {
    const auto f = read_call(raw);
    if (!f.is_call) {
        return;
    }
    id.clear();
    name.clear();
    append_unescaped(id, string_body(f.id));
    append_unescaped(name, string_body(f.name));
    const auto position = tracker.find(f.index, id, name);
    if (position == call_tracker::no_call) {
        return;
    }
    if (position >= calls.size()) {
        calls.resize(position + 1);
    }
    auto& call = calls[position];
    text.clear();
    if (is_json_object(f.text)) {
        append_json_escaped(text, f.text);  // some servers send the arguments as a value
        tracker.add_arguments(position, f.text);
    } else {
        text = string_body(f.text);
        unescaped.clear();
        append_unescaped(unescaped, text);
        tracker.add_arguments(position, unescaped);
    }
    if (call.item != none) {
        events.add_call_details(call.item, f.details);
        events.add_call_text(call.item, text);
        return;
    }
    call.details = call.details.empty() ? f.details : call.details;
    call.is_custom = call.is_custom || f.is_custom;
    call.id = call.id.empty() ? id : call.id;
    call.text += text;
    if (!name.empty()) {
        announce_call(call);
    }
}

void response_translator::state::take_choice(std::string_view choice) {
    std::string_view delta;
    std::string_view logprobs;
    std::string_view finish;
    walk_object(choice, [&](std::string_view key, std::string_view value) {
        if (key == "delta") {
            delta = value;
        } else if (key == "logprobs") {
            logprobs = value;
        } else if (key == "finish_reason") {
            finish = value;
        }
    });
    if (is_given(finish)) {
        events.ending().finish_reason = finish;
    }
    if (!is_json_object(delta)) {
        return;
    }
    const auto f = read_delta(delta);
    take_reasoning(f);
    if (is_json_list(f.content)) {
        take_text(text_of_parts(f.content), false, logprobs);
    } else {
        take_text(string_body(f.content), false, logprobs);
    }
    take_text(string_body(f.refusal), true, {});
    take_annotations(f.annotations);
    if (is_json_list(f.calls)) {
        walk_list(f.calls, [&](std::string_view call) { take_call(call); });
    } else if (is_json_object(f.function_call)) {
        take_call(R"({"index":0,"function":)" + std::string(f.function_call) + "}");
    }
}

void response_translator::state::take_chunk(const chunk_fields& chunk) {
    auto& ending = events.ending();
    if (!string_body(chunk.model).empty()) {
        ending.model = chunk.model;
    }
    events.begin();
    if (is_given(chunk.error) && chunk.error != "false") {
        events.fail(failure_of(chunk.error));
        return;
    }
    if (is_json_object(chunk.usage)) {
        ending.usage = chunk.usage;
    }
    if (is_json_string(chunk.service_tier)) {
        ending.service_tier = chunk.service_tier;
    }
    if (is_json_object(chunk.extension)) {
        if (find_member(chunk.extension, "progress").empty()) {
            ending.extension = chunk.extension;
        } else {
            events.tell_progress(chunk.extension);
        }
    }
    if (!is_json_list(chunk.choices)) {
        return;
    }
    json_cursor in(chunk.choices, json_cursor::depth_limit);
    std::string_view choice;
    in.enter_array();
    if (in.next_element() && in.skip(choice)) {
        take_choice(choice);
    }
}

void response_translator::state::finish() {
    for (auto& call : calls) {
        if (call.item == none) {
            name.clear();
            announce_call(call);
        }
    }
    const auto& finish = events.ending().finish_reason;
    if (finish.empty() && !events.has_items()) {
        events.fail({"server_error", "The model server's answer ended before it began."});
    } else if (status_of_finish(finish) == response_status::failed) {
        events.fail(failure_of_finish());
    } else {
        events.finish();
    }
}

response_translator::response_translator(response_facts facts, response_listener* listener)
    : state_(std::make_unique<state>(std::move(facts), listener)) {
}

response_translator::~response_translator() = default;

const response_facts& response_translator::facts() const {
    return state_->events.facts();
}

std::string response_translator::whole(std::string_view chat_completion) {
    response_status status{};
    auto out = response_of_chat(chat_completion, facts(), status);
    if (!out.empty() && state_->listener != nullptr) {
        state_->listener->on_final(status, out);
    }
    return out;
}

void response_translator::take_event(std::string_view event, std::string& out) {
    auto& s = *state_;
    if (s.events.is_over()) {
        return;
    }
    s.events.write_to(out);
    const auto data = event_data(event, s.joined);
    if (data.empty()) {
        if (event.starts_with(':')) {
            s.events.begin();
            out += event;  // a heartbeat
        }
        return;
    }
    if (data == "[DONE]") {
        s.events.begin();
        s.finish();
        return;
    }
    chunk_fields chunk;
    if (chunk.read(data)) {
        s.take_chunk(chunk);
    }
}

}  // namespace meta_model::api
