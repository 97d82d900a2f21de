#include "api/chat_request.hpp"

#include "api/json_text.hpp"
#include "api/plain_message.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace meta_model::api {

namespace {

using base::error_code_id;

constexpr std::size_t max_members = 1024;  // at the top; requests of today have some twenty

// Given twice, these would be read one way here and perhaps another way upstream.
constexpr std::array<std::string_view, 10> structural{
    "model",
    "messages",
    "stream",
    "stream_options",
    "x_meta_model",
    "tools",
    "functions",
    "max_tokens",
    "max_completion_tokens",
    "n"
};

constexpr std::array<std::pair<std::string_view, role>, 6> roles{{
    {"system", role::system},
    {"user", role::user},
    {"assistant", role::assistant},
    {"tool", role::tool},
    {"developer", role::developer},
    {"function", role::function},
}};

// Routes that turn a body into another one name what is wrong with it as their wire does (spec §2.3).
bool is_adapter(request_kind kind) {
    return kind == request_kind::completions || kind == request_kind::tokenize
           || kind == request_kind::responses;
}

// Whether `messages` are those of a chat, to be judged.
bool has_chat(const request_shape& shape) {
    return shape.kind == request_kind::chat || shape.kind == request_kind::tokenize;
}

bool find_role(std::string_view name, role& out) {
    const auto it = std::ranges::find(roles, name, &std::pair<std::string_view, role>::first);
    if (it != roles.end()) {
        out = it->second;
    }
    return it != roles.end();
}

// `value`: raw JSON of any type.
bool read_role(std::string_view value, role& out) {
    if (value.size() < 2 || value.front() != '"') {
        return false;
    }
    const auto name = value.substr(1, value.size() - 2);
    std::string unescaped;
    return find_role(name, out) || (append_unescaped(unescaped, name) && find_role(unescaped, out));
}

bool every_element_is(std::string_view array, json_type type, std::size_t& at) {
    json_cursor in(array, json_cursor::depth_limit);
    std::string_view raw;
    in.enter_array();
    for (at = 0; in.next_element(); ++at) {
        if (in.peek() != type) {
            return false;
        }
        in.skip(raw);
    }
    return true;
}

std::string indexed(std::string_view list, std::size_t i) {
    return std::string(list) + '[' + std::to_string(i) + ']';
}

}  // namespace

std::string_view chat_request::unescaped_key(std::string_view raw) {
    if (raw.find('\\') == std::string_view::npos) {
        return raw;
    }
    auto text = std::make_unique<std::string>();
    if (!append_unescaped(*text, raw)) {
        return raw;  // a lone surrogate: no field of ours is named so
    }
    unescaped_.push_back(std::move(text));
    return *unescaped_.back();
}

void chat_request::violate(std::string param, std::string_view what) {
    if (!violation_) {
        auto message = "'" + param + "' must be " + std::string(what) + ".";
        violation_ = base::make_error(error_code_id::shape, std::move(message), std::move(param));
    }
}

base::result<void> chat_request::parse(
    std::string_view body, int max_depth, const request_shape& shape
) {
    body_ = body;
    shape_ = &shape;
    json_cursor in(body, max_depth);
    if (in.peek() != json_type::object) {
        std::string_view raw;
        const bool is_json = in.skip(raw) && in.at_end();
        return base::make_error(
            is_json && is_adapter(shape.kind) ? error_code_id::invalid_request
                                              : error_code_id::invalid_json,
            is_json ? "The request body must be a JSON object."
                    : "The request body is not valid JSON."
        );
    }
    if (!walk(in) || (members_.size() <= max_members && !in.at_end())) {
        return base::make_error(
            error_code_id::invalid_json,
            in.too_deep() ? "The request body is nested too deeply."
                          : "The request body is not valid JSON."
        );
    }
    if (members_.size() > max_members) {
        return base::make_error(
            error_code_id::invalid_json, "The request body has more members than are read."
        );
    }
    if (!repeated_.empty()) {
        return base::make_error(
            error_code_id::invalid_json, "'" + repeated_ + "' is given twice.", repeated_
        );
    }
    judge_cross_fields();
    if (violation_) {
        return *violation_;
    }
    if (!is_chat()) {
        std::vector<request_message>().swap(messages_);
    }
    return {};
}

bool chat_request::is_structural(std::string_view key) const {
    return is_chat() ? std::ranges::find(structural, key) != structural.end()
                     : shape_->rule_for(key) != nullptr;
}

bool chat_request::walk(json_cursor& in) {
    if (!in.enter_object()) {
        return false;
    }
    object_begin_ = in.offset();
    members_.reserve(8);
    std::string_view raw_key;
    // Each is compared with those before it.
    while (members_.size() <= max_members && in.next_member(raw_key)) {
        request_member m;
        m.key = unescaped_key(raw_key);
        m.key_begin = static_cast<std::size_t>(raw_key.data() - body_.data()) - 1;
        m.key_end = m.key_begin + raw_key.size() + 2;
        m.type = in.peek();
        m.value_begin = in.offset();
        const bool is_repeated = find_any(m.key) != nullptr;
        if (m.key == "messages" && m.type == json_type::array && has_chat(*shape_)
            && !is_repeated) {
            if (!walk_messages(in, m)) {
                return false;
            }
        } else if (!in.skip(m.value)) {
            return false;
        }
        m.value_end = in.offset();
        if (is_repeated) {
            if (is_structural(m.key) && repeated_.empty()) {
                repeated_ = m.key;
            }
        } else {
            judge_member(m);
        }
        members_.push_back(m);
    }
    object_end_ = in.offset() - 1;
    return !in.failed();
}

void chat_request::judge_member(const request_member& m) {
    const auto* rule = shape_->rule_for(m.key);
    if (rule == nullptr) {
        return;
    }
    if ((rule->types & type_bit(m.type)) == 0
        || (m.type != json_type::null && !is_in_range(rule->range, m.value))) {
        violate(std::string(m.key), rule->expected);
        return;
    }
    std::size_t at = 0;
    if (m.key == "model") {
        const auto raw = m.value.substr(1, m.value.size() - 2);
        if (raw.find('\\') == std::string_view::npos) {
            model_ = raw;
        } else if (append_unescaped(model_storage_, raw)) {
            model_ = model_storage_;
        } else {
            violate("model", "Unicode text");
        }
    } else if (m.key == "stream") {
        // A count has no events, whatever the response that it is for would have.
        stream_ = m.value == "true" && shape_->kind != request_kind::input_tokens;
    } else if (m.key == "stream_options" && m.type == json_type::object) {
        const auto wish = find_member(m.value, "include_usage");
        include_usage_ = wish == "true";
        if (!wish.empty() && wish != "true" && wish != "false" && wish != "null") {
            violate("stream_options.include_usage", "a boolean");
        }
    } else if (m.key == "x_meta_model" && m.type == json_type::object) {
        judge_envelope(m.value);
    } else if ((m.key == "tools" || m.key == "functions") && m.type == json_type::array) {
        if (!every_element_is(m.value, json_type::object, at)) {
            violate(indexed(m.key, at), "an object");
        }
        has_tools_to_edit_ = has_tools_to_edit_ || m.key == "functions" || at == 0;
    } else if (m.key == "function_call" && m.type != json_type::null) {
        has_tools_to_edit_ = true;
    } else if ((m.key == "stop" || m.key == "modalities") && m.type == json_type::array) {
        if (!every_element_is(m.value, json_type::string, at)) {
            violate(indexed(m.key, at), "a string");
        }
    }
}

void chat_request::judge_envelope(std::string_view raw) {
    json_cursor in(raw, json_cursor::depth_limit);
    std::string_view raw_key;
    std::string_view value;
    in.enter_object();
    while (in.next_member(raw_key)) {
        const std::string key(unescaped_key(raw_key));
        const auto path = "x_meta_model." + base::clip(key, 64);
        const auto type = in.peek();
        in.skip(value);
        const bool is_null = type == json_type::null;
        std::int64_t number = 0;
        if (key == "profile") {
            if (type == json_type::string) {
                envelope_.profile.clear();
                if (!append_unescaped(envelope_.profile, value.substr(1, value.size() - 2))) {
                    violate(path, "Unicode text");
                }
            } else if (!is_null) {
                violate(path, "a string");
            }
        } else if (key == "trace" || key == "progress") {
            (key == "trace" ? envelope_.trace : envelope_.progress) = value == "true";
            if (type != json_type::boolean && !is_null) {
                violate(path, "a boolean");
            }
        } else if (key == "deadline_ms" || key == "min_drafts") {
            if (!is_null && to_int64(value, number) && number >= 1) {
                (key == "deadline_ms" ? envelope_.deadline_ms : envelope_.min_drafts) = number;
            } else if (!is_null) {
                violate(path, "a positive integer");
            }
        } else if (key == "max_cost_usd") {
            double amount = 0;
            if (!is_null
                && (type != json_type::number || !to_double(value, amount) || amount < 0)) {
                violate(path, "a number of at least 0");
            }
            envelope_.max_cost = is_null ? std::nullopt : std::optional(base::from_usd(amount));
        } else if (!violation_) {
            violation_ = base::make_error(
                error_code_id::shape, "'" + path + "' is not a known field.", path
            );
        }
    }
}

bool chat_request::walk_messages(json_cursor& in, request_member& member) {
    in.enter_array();
    messages_.reserve(8);
    for (std::size_t i = 0; in.next_element(); ++i) {
        if (in.peek() != json_type::object) {
            violate(indexed("messages", i), "an object");
            std::string_view raw;
            if (!in.skip(raw)) {
                return false;
            }
            continue;
        }
        request_message plain;
        if (const auto length = read_plain_message(body_.substr(in.offset()), plain); length > 0) {
            in.pass(length);
            messages_.push_back(plain);
            continue;
        }
        if (!walk_message(in, i)) {
            return false;
        }
    }
    if (in.failed()) {
        return false;
    }
    member.value = body_.substr(member.value_begin, in.offset() - member.value_begin);
    if (messages_.empty()) {
        violate("messages", "a non-empty list");
    }
    return true;
}

bool chat_request::walk_message(json_cursor& in, std::size_t index) {
    request_message m;
    const auto path = [&](std::string_view field) {
        return indexed("messages", index) + '.' + std::string(field);
    };
    const auto begin = in.offset();
    std::string_view raw_key;
    std::string_view value;
    in.enter_object();
    while (in.next_member(raw_key)) {
        // Nearly every key is one of these two as it stands.
        const bool is_usual = raw_key == "role" || raw_key == "content";
        const auto key = is_usual ? raw_key : unescaped_key(raw_key);
        const auto type = in.peek();
        if (!in.skip(value)) {
            return false;
        }
        if (key == "role") {
            m.role_raw = value;
            if (!read_role(value, m.role)) {
                violate(path("role"), "one of system, user, assistant, tool, developer, function");
            }
        } else if (key == "content") {
            m.content = value;
            m.content_type = type;
            std::size_t at = 0;
            if (type == json_type::array && !every_element_is(value, json_type::object, at)) {
                violate(path(indexed("content", at)), "an object");
            } else if (type != json_type::array && type != json_type::string
                       && type != json_type::null) {
                violate(path("content"), "a string, a list or null");
            }
        } else if (key == "tool_calls") {
            std::size_t at = 0;
            m.has_tool_calls =
                type == json_type::array && value.find('{') != std::string_view::npos;
            if (type == json_type::array && !every_element_is(value, json_type::object, at)) {
                violate(path(indexed("tool_calls", at)), "an object");
            } else if (type != json_type::array && type != json_type::null) {
                violate(path("tool_calls"), "a list or null");
            }
        } else if ((key == "name" || key == "tool_call_id") && type != json_type::string
                   && type != json_type::null) {
            violate(path(key), "a string or null");
        }
    }
    if (in.failed()) {
        return false;
    }
    if (m.role_raw.empty()) {
        violate(path("role"), "given");
    }
    m.raw = body_.substr(begin, in.offset() - begin);
    messages_.push_back(m);
    return true;
}

void chat_request::judge_cross_fields() {
    for (const auto& rule : shape_->fields) {
        if (rule.is_required && find_any(rule.name) == nullptr
            && (rule.instead.empty() || find_any(rule.instead) == nullptr)) {
            if (rule.name == "model" && is_adapter(shape_->kind) && !violation_) {
                violation_ = base::make_error(
                    error_code_id::missing_model, "'model' must be given.", "model"
                );
            }
            const bool is_moderator =
                rule.name == "model" && shape_->kind == request_kind::moderations;
            violate(
                std::string(rule.name),
                is_moderator ? "given: there is no model that moderates unless it is named"
                             : "given"
            );
        }
    }
    if (shape_->kind == request_kind::tokenize && !violation_ && find("prompt") == nullptr
        && find("messages") == nullptr) {
        violation_ = base::make_error(
            error_code_id::invalid_request, "'prompt' or 'messages' must be given.", "prompt"
        );
    }
}

void chat_request::release() {
    name_ = std::string(requested_name());
    model_ = name_;
    envelope_.profile.clear();
    body_ = {};
    std::vector<request_member>().swap(members_);
    std::vector<request_message>().swap(messages_);
    decltype(unescaped_)().swap(unescaped_);
}

const request_member* chat_request::find_any(std::string_view key) const {
    const auto it = std::ranges::find(members_, key, &request_member::key);
    return it == members_.end() ? nullptr : &*it;
}

const request_member* chat_request::find(std::string_view key) const {
    const auto* m = find_any(key);
    return m != nullptr && m->type != json_type::null ? m : nullptr;
}

}  // namespace meta_model::api
