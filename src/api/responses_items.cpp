#include "api/responses_items.hpp"

#include "api/json_walk.hpp"
#include "api/responses_output.hpp"
#include "api/responses_parts.hpp"
#include "api/responses_request.hpp"
#include "base/text.hpp"

#include <array>
#include <utility>

namespace meta_model::api {

namespace {

using base::error_code_id;

base::error bad(error_code_id id, const std::string& place, std::string_view what) {
    return base::make_error(id, place + ' ' + std::string(what) + '.', "input");
}

// A member of an item that is text where it is given.
base::result<void> judge_text(std::string_view raw, const std::string& place) {
    if (is_given(raw) && !is_json_string(raw)) {
        return bad(error_code_id::invalid_input_item, place, "must be a string");
    }
    return {};
}

// The same of a list of parts with texts.
base::result<void> judge_parts(std::string_view raw, const std::string& place) {
    if (!is_given(raw)) {
        return {};
    }
    if (!is_json_list(raw)) {
        return bad(error_code_id::invalid_input_item, place, "must be a list of parts");
    }
    base::result<void> judged;
    std::size_t i = 0;
    walk_list(raw, [&](std::string_view part) {
        const auto at = place + '[' + std::to_string(i++) + ']';
        if (!judged) {
            return;
        }
        judged = is_json_object(part)
                     ? judge_text(find_member(part, "text"), at + ".text")
                     : bad(error_code_id::invalid_input_part, at, "must be an object");
    });
    return judged;
}

// What the texts of a list of parts say, escaped.
void append_texts(std::string& out, std::string_view parts) {
    if (is_json_list(parts)) {
        walk_list(parts, [&](std::string_view part) {
            out += string_body(find_member(part, "text"));
        });
    }
}

}  // namespace

struct response_items::item_fields {
    std::string_view type{};
    std::string_view role{};
    std::string_view content{};
    std::string_view id{};
    std::string_view call_id{};
    std::string_view name{};
    std::string_view arguments{};
    std::string_view input{};
    std::string_view output{};
    std::string_view summary{};
    std::string_view encrypted{};
    std::string_view cache_control{};
    std::string call_details{};  // `,"name":value` each

    bool read(std::string_view item);

    // What items of every type have alike.
    base::result<void> judge(const std::string& place) const;

    // What a chat's message has in the same place.
    std::string message_members(bool has_name = true) const;
};

base::result<void> response_items::item_fields::judge(const std::string& place) const {
    if (auto judged = judge_text(type, place + ".type"); !judged) {
        return judged;
    }
    if (is_given(cache_control) && !is_json_object(cache_control)) {
        return bad(
            error_code_id::invalid_input_item, place + ".cache_control", "must be an object"
        );
    }
    return judge_text(id, place + ".id");
}

std::string response_items::item_fields::message_members(bool has_name) const {
    std::string out;
    if (has_name && !string_body(name).empty()) {
        out.append(R"(,"name":)").append(name);
    }
    if (is_json_object(cache_control)) {
        out.append(R"(,"cache_control":)").append(cache_control);
    }
    return out;
}

bool response_items::item_fields::read(std::string_view item) {
    const std::array known{
        std::pair{std::string_view("type"), &type},
        std::pair{std::string_view("role"), &role},
        std::pair{std::string_view("content"), &content},
        std::pair{std::string_view("id"), &id},
        std::pair{std::string_view("call_id"), &call_id},
        std::pair{std::string_view("name"), &name},
        std::pair{std::string_view("arguments"), &arguments},
        std::pair{std::string_view("input"), &input},
        std::pair{std::string_view("output"), &output},
        std::pair{std::string_view("summary"), &summary},
        std::pair{std::string_view("encrypted_content"), &encrypted},
        std::pair{std::string_view("cache_control"), &cache_control},
    };
    return walk_object(item, [&](std::string_view key, std::string_view value) {
        for (const auto& [name_of, member] : known) {
            if (key == name_of) {
                *member = value;
                return;
            }
        }
        append_call_detail(call_details, key, value);
    });
}

void response_items::begin_message(std::string_view role) {
    out_ += is_empty() ? R"({"role":")" : R"(,{"role":")";
    out_ += role;
    out_ += '"';
}

void response_items::add_system(std::string_view raw) {
    begin_message("system");
    out_ += R"(,"content":)";
    out_ += raw;
    out_ += '}';
}

base::result<void> response_items::add(std::string_view item, std::string place) {
    if (is_json_string(item)) {
        if (auto ended = end_turn(next_speaker::other); !ended) {
            return ended;
        }
        begin_message("user");
        out_ += R"(,"content":)";
        out_ += item;
        out_ += '}';
        return {};
    }
    item_fields f;
    if (!is_json_object(item) || !f.read(item)) {
        return bad(error_code_id::invalid_input_item, place, "must be an item");
    }
    if (auto judged = f.judge(place); !judged) {
        return judged;
    }
    if (!is_given(f.type) || is_string(f.type, "message")) {
        return add_message(f, place);
    }
    if (is_string(f.type, "function_call")) {
        return add_call(f, place, false);
    }
    if (is_string(f.type, "custom_tool_call")) {
        return add_call(f, place, true);
    }
    if (is_string(f.type, "function_call_output") || is_string(f.type, "custom_tool_call_output")) {
        return add_output(f, place);
    }
    if (is_string(f.type, "reasoning")) {
        return add_reasoning(f, place);
    }
    if (is_string(f.type, "item_reference")) {
        return add_reference(f, place);
    }
    return bad(
        error_code_id::unsupported_input_item,
        place,
        "is an item of the type '" + base::clip(string_body(f.type), 64)
            + "', which is not supported on /v1/responses"
    );
}

base::result<void> response_items::add_message(const item_fields& f, const std::string& place) {
    const bool is_user = is_string(f.role, "user");
    if (auto judged = judge_text(f.name, place + ".name"); !judged) {
        return judged;
    }
    if (is_string(f.role, "assistant")) {
        // Behind calls a text is of their turn: what answers the calls must follow them.
        if (!said_.empty() && calls_.empty()) {
            if (auto ended = end_turn(next_speaker::assistant); !ended) {
                return ended;
            }
        }
        said_.push_back({f.content, place + ".content", f.message_members()});
        return {};
    }
    if (!is_user && !is_string(f.role, "system") && !is_string(f.role, "developer")) {
        return bad(
            error_code_id::invalid_role,
            place + ".role",
            "must be one of user, assistant, system, developer"
        );
    }
    if (auto ended = end_turn(next_speaker::other); !ended) {
        return ended;
    }
    begin_message(is_user ? "user" : "system");
    out_ += f.message_members();
    out_ += R"(,"content":)";
    response_parts parts(is_user ? part_owner::user : part_owner::system, out_);
    if (auto added = parts.add(f.content, place + ".content"); !added) {
        return added;
    }
    parts.close();
    out_ += '}';
    return {};
}

base::result<void> response_items::add_call(
    const item_fields& f, const std::string& place, bool is_custom
) {
    const auto id = string_body(f.call_id).empty() ? f.id : f.call_id;
    const auto text = is_custom ? f.input : f.arguments;
    if (string_body(id).empty()) {
        return bad(error_code_id::missing_call_id, place + ".call_id", "must be given");
    }
    if (string_body(f.name).empty()) {
        return bad(error_code_id::invalid_function_call, place + ".name", "must be a string");
    }
    if (is_given(text) && !is_json_string(text) && (is_custom || !is_json_object(text))) {
        return bad(
            error_code_id::invalid_function_call,
            place + (is_custom ? ".input" : ".arguments"),
            "must be a string"
        );
    }
    // A stream tells what came between a text and its call in an item of its own.
    reasoning_.add(std::exchange(next_reasoning_, {}));
    calls_.push_back({id, f.name, text, is_custom, f.call_details});
    return {};
}

base::result<void> response_items::add_output(const item_fields& f, const std::string& place) {
    if (string_body(f.call_id).empty()) {
        return bad(error_code_id::missing_call_id, place + ".call_id", "must be given");
    }
    if (!is_json_string(f.output) && !is_json_list(f.output)) {
        return bad(
            error_code_id::invalid_function_call_output,
            place + ".output",
            "must be a string or a list of parts"
        );
    }
    if (auto ended = end_turn(next_speaker::other); !ended) {
        return ended;
    }
    begin_message("tool");
    out_ += f.message_members(false);
    out_ += R"(,"tool_call_id":)";
    out_ += f.call_id;
    out_ += R"(,"content":)";
    response_parts parts(part_owner::call_output, out_);
    if (auto added = parts.add(f.output, place + ".output"); !added) {
        return added;
    }
    parts.close();
    out_ += '}';
    return {};
}

base::result<void> response_items::add_reference(const item_fields& f, const std::string& place) {
    std::string id;
    append_unescaped(id, string_body(f.id));
    if (id.empty()) {
        return bad(error_code_id::invalid_input_item, place + ".id", "must be given");
    }
    const auto item = is_referred_ ? std::string_view{} : history_.find_item(id);
    if (item.empty()) {
        return base::make_error(
            error_code_id::item_not_found,
            place + ": no item with the id '" + base::clip(id, 128) + "' is kept.",
            "input"
        );
    }
    referred_bytes_ += item.size();
    if (referred_bytes_ > history_.max_referred_bytes()) {
        return base::make_error(
            error_code_id::shape, place + ": the items that are referred to are too long.", "input"
        );
    }
    is_referred_ = true;
    auto added = add(item, place);
    is_referred_ = false;
    return added;
}

// Sealed, it is what the model's server told, to the byte. What others sealed cannot be opened here; then what it shows
// counts.
base::result<void> response_items::add_reasoning(const item_fields& f, const std::string& place) {
    for (const auto& [parts, name] : {std::pair{f.summary, ".summary"}, {f.content, ".content"}}) {
        if (auto judged = judge_parts(parts, place + name); !judged) {
            return judged;
        }
    }
    if (auto judged = judge_text(f.encrypted, place + ".encrypted_content"); !judged) {
        return judged;
    }
    const bool is_behind_text = !said_.empty() && calls_.empty();
    auto& into = is_behind_text ? next_reasoning_ : reasoning_;
    if (unseal(string_body(f.encrypted), into)) {
        return {};
    }
    std::string shown;
    append_texts(shown, f.content);
    if (shown.empty()) {
        append_texts(shown, f.summary);
    }
    into.add_content(shown);
    return {};
}

// `content`: where in the output the turn's content begins.
void response_items::put_thought_before(std::size_t content) {
    if (reasoning_.thought.empty()) {
        return;
    }
    const auto written = out_.substr(content);
    out_.resize(content);
    out_ += R"([{"type":"thinking","thinking":[{"type":"text","text":")";
    out_.append(reasoning_.thought).append("\"}]}");
    if (is_json_list(written)) {
        out_.append(",").append(written, 1);
        return;
    }
    if (!string_body(written).empty()) {
        out_.append(R"(,{"type":"text","text":)").append(written).append("}");
    }
    out_ += ']';
}

base::result<void> response_items::append_said() {
    response_parts parts(part_owner::assistant, out_);
    const auto begin = out_.size();
    for (const auto& each : said_) {
        if (auto added = parts.add(each.content, each.place); !added) {
            return added;
        }
    }
    const bool is_null = !parts.has_parts() && (said_.empty() || !parts.refusal().empty());
    if (is_null) {
        out_.resize(begin);
        out_ += "null";
    } else {
        parts.close();
    }
    put_thought_before(begin);
    if (!parts.refusal().empty()) {
        out_.append(R"(,"refusal":")").append(parts.refusal()).append("\"");
    }
    return {};
}

void response_items::append_calls() {
    if (calls_.empty()) {
        return;
    }
    out_ += R"(,"tool_calls":)";
    char before = '[';
    for (const auto& c : calls_) {
        out_ += before;
        before = ',';
        out_.append(R"({"id":)").append(c.id);
        out_ += c.is_custom ? R"(,"type":"custom","custom":{"name":)"
                            : R"(,"type":"function","function":{"name":)";
        out_ += c.name;
        out_ += c.is_custom ? R"(,"input":)" : R"(,"arguments":)";
        if (is_json_object(c.text)) {
            append_json_string(out_, c.text);
        } else {
            out_ += is_json_string(c.text) ? c.text : R"("")";
        }
        out_ += '}';
        out_ += c.details;
        out_ += '}';
    }
    out_ += ']';
}

base::result<void> response_items::end_turn(next_speaker next) {
    if (next == next_speaker::other) {
        reasoning_.add(next_reasoning_);
        next_reasoning_ = {};
    }
    // Reasoning alone is no turn: what it led to was cut off.
    if (!said_.empty() || !calls_.empty()) {
        begin_message("assistant");
        out_ += said_.empty() ? std::string_view{} : std::string_view(said_.front().members);
        reasoning_.append_members(out_);
        out_ += R"(,"content":)";
        if (auto written = append_said(); !written) {
            return written;
        }
        append_calls();
        out_ += '}';
    }
    said_.clear();
    calls_.clear();
    reasoning_ = std::exchange(next_reasoning_, {});
    return {};
}

base::result<void> response_items::close() {
    return end_turn(next_speaker::other);
}

}  // namespace meta_model::api
