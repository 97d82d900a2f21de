#include "upstream/prepare.hpp"

#include "api/anthropic_request.hpp"
#include "api/json_text.hpp"
#include "api/messages_wishes.hpp"
#include "api/tool_fields.hpp"
#include "upstream/affinity.hpp"

#include <algorithm>

namespace meta_model::upstream {

namespace {

// A top-level member on its way out: an original one, or a new one behind them.
struct entry {
    std::string_view key;
    std::optional<std::string_view> value{};  // set: replaces the original value
    bool is_removed = false;
    bool is_renamed = false;
    bool wraps_functions = false;  // each element becomes a tool
};

// The members of the outgoing object. The first `original_count` entries stand for the request's members in order.
class member_list {
public:
    explicit member_list(const std::vector<api::request_member>& members)
        : members_(members), original_count_(members.size()) {
        entries_.reserve(members.size() + 8);
        for (const auto& m : members) {
            entries_.push_back({m.key});
        }
    }

    void set(std::string_view key, std::string_view value) {
        bool is_set = false;
        for (auto& e : entries_) {
            if (e.key != key || e.is_removed) {
                continue;
            }
            if (is_set) {
                e.is_removed = true;  // a repeated member: one is enough
            } else {
                e.value = value;
                is_set = true;
            }
        }
        if (!is_set) {
            entries_.push_back({key, value});
        }
    }

    void remove(std::string_view key) {
        for (auto& e : entries_) {
            e.is_removed = e.is_removed || e.key == key;
        }
    }

    // When both are there, a null one gives way; `to` wins over `from`.
    void rename(std::string_view from, std::string_view to) {
        if (holds(to)) {
            remove(from);
            return;
        }
        if (has(from)) {
            remove(to);
        }
        for (auto& e : entries_) {
            if (e.key == from && !e.is_removed) {
                e.key = to;
                e.is_renamed = true;
            }
        }
    }

    void wrap_functions(std::string_view key) {
        for (auto& e : entries_) {
            e.wraps_functions = e.wraps_functions || e.key == key;
        }
    }

    bool has(std::string_view key) const {
        return std::ranges::any_of(entries_, [&](const auto& e) {
            return e.key == key && !e.is_removed;
        });
    }

    // Whether a member has a value other than null.
    bool holds(std::string_view key) const {
        for (std::size_t i = entries_.size(); i-- > 0;) {
            const auto& e = entries_[i];
            if (e.key == key && !e.is_removed) {
                return e.value ? *e.value != "null" : members_[i].type != api::json_type::null;
            }
        }
        return false;
    }

    // Describes the difference to the request as edits of its text.
    void write(const api::chat_request& request, api::span_edits& edits) const {
        const auto& members = request.members();
        std::size_t kept_end = request.object_begin();  // end of the last kept original member
        bool has_kept = false;
        for (std::size_t i = 0; i < original_count_;) {
            const auto& e = entries_[i];
            if (!e.is_removed) {
                if (e.is_renamed) {
                    edits.replace_owned(
                        members[i].key_begin, members[i].key_end, '"' + std::string(e.key) + '"'
                    );
                }
                if (e.value) {
                    edits.replace(members[i].value_begin, members[i].value_end, *e.value);
                } else if (e.wraps_functions) {
                    wrap_each(members[i], edits);
                }
                has_kept = true;
                kept_end = members[i].value_end;
                ++i;
                continue;
            }
            // A run of removed members goes with the comma behind it, or, at the end, with the one before it.
            const auto first = i;
            while (i < original_count_ && entries_[i].is_removed) {
                ++i;
            }
            if (i < original_count_) {
                edits.replace(members[first].key_begin, members[i].key_begin, {});
            } else {
                edits.replace(
                    has_kept ? kept_end : members[first].key_begin, members[i - 1].value_end, {}
                );
            }
        }
        std::string added;
        for (std::size_t i = original_count_; i < entries_.size(); ++i) {
            const auto& e = entries_[i];
            if (e.is_removed) {
                continue;
            }
            if (has_kept || !added.empty()) {
                added += ',';
            }
            api::append_json_string(added, e.key);
            added += ':';
            added += *e.value;
        }
        if (!added.empty()) {
            edits.replace_owned(request.object_end(), request.object_end(), std::move(added));
        }
    }

private:
    static void wrap_each(const api::request_member& list, api::span_edits& edits) {
        api::json_cursor in(list.value, api::json_cursor::depth_limit);
        std::string_view function;
        in.enter_array();
        while (in.next_element() && in.skip(function)) {
            const auto at =
                list.value_begin + static_cast<std::size_t>(function.data() - list.value.data());
            edits.replace(at, at, R"({"type":"function","function":)");
            edits.replace(at + function.size(), at + function.size(), "}");
        }
    }

    const std::vector<api::request_member>& members_;
    std::vector<entry> entries_;
    std::size_t original_count_;
};

// Legacy fields take their successors' place and empty lists go (spec §5.2). `choice` keeps the text of a forced choice.
void modernise_tools(const api::chat_request& request, member_list& members, std::string& choice) {
    for (const auto* key : {"tools", "functions"}) {
        const auto* list = request.find(key);
        if (list != nullptr && api::is_empty_list(list->value)) {
            members.remove(key);
        }
    }
    if (request.find("functions") != nullptr) {
        members.wrap_functions("functions");
        members.rename("functions", "tools");
    }
    if (const auto* call = request.find("function_call")) {
        members.rename("function_call", "tool_choice");
        if (call->type == api::json_type::object) {
            choice = api::forced_choice(call->value);
            members.set("tool_choice", choice);
        }
    }
}

constexpr std::string_view system_mark = "[SYSTEM]: ";
constexpr std::string_view bare_system_mark = "\"[SYSTEM]:\"";

std::size_t offset_in(const api::chat_request& request, std::string_view part) {
    return static_cast<std::size_t>(part.data() - request.body().data());
}

// Offset, within the list `parts`, behind the opening quote of the first text part's text; npos when there is none.
std::size_t first_text(std::string_view parts) {
    api::json_cursor in(parts, api::json_cursor::depth_limit);
    std::string_view part;
    in.enter_array();
    while (in.next_element() && in.skip(part)) {
        const auto text = api::find_member(part, "text");
        if (api::is_string(api::find_member(part, "type"), "text") && !text.empty()
            && text.front() == '"') {
            return static_cast<std::size_t>(text.data() - parts.data()) + 1;
        }
    }
    return std::string_view::npos;
}

// A system message becomes a user message that says what it was (spec §7.6).
void demote(
    const api::chat_request& request, const api::request_message& m, api::span_edits& edits
) {
    const auto role_at = offset_in(request, m.role_raw);
    edits.replace(role_at, role_at + m.role_raw.size(), "\"user\"");
    if (m.content_type == api::json_type::invalid) {
        const auto at = offset_in(request, m.raw) + 1;
        edits.replace(at, at, "\"content\":\"[SYSTEM]:\",");
        return;
    }
    const auto content_at = offset_in(request, m.content);
    if (m.content_type == api::json_type::null) {
        edits.replace(content_at, content_at + m.content.size(), bare_system_mark);
    } else if (m.content_type == api::json_type::string) {
        edits.replace(content_at + 1, content_at + 1, system_mark);
    } else if (const auto text = first_text(m.content); text != std::string_view::npos) {
        edits.replace(content_at + text, content_at + text, system_mark);
    } else {
        const bool is_empty = m.content.find('{') == std::string_view::npos;
        edits.replace(
            content_at + 1,
            content_at + 1,
            is_empty ? R"({"type":"text","text":"[SYSTEM]:"})"
                     : R"({"type":"text","text":"[SYSTEM]:"},)"
        );
    }
}

void edit_messages(
    const api::chat_request& request,
    const config::upstream& upstream,
    const body_changes& changes,
    api::span_edits& edits
) {
    const auto* messages = request.find("messages");
    if (!changes.leading_message.empty()) {
        edits.replace(
            messages->value_begin + 1, messages->value_begin + 1, changes.leading_message
        );
        edits.replace(messages->value_begin + 1, messages->value_begin + 1, ",");
    }
    const auto* fitted = changes.messages.get();
    if (fitted != nullptr) {
        for (const auto& e : fitted->edits) {
            edits.replace(e.begin, e.end, e.text);
        }
    }
    if (!changes.trailing_message.empty()) {
        edits.replace(messages->value_end - 1, messages->value_end - 1, ",");
        edits.replace(messages->value_end - 1, messages->value_end - 1, changes.trailing_message);
    }
    if (!upstream.requires_leading_system_only
        || upstream.protocol == config::wire_protocol::anthropic) {
        return;
    }
    bool may_lead =
        changes.leading_message.empty();  // only the very first message may stay a system message
    for (std::size_t i = 0; i < request.messages().size(); ++i) {
        const auto& m = request.messages()[i];
        if (fitted != nullptr && fitted->removed[i]) {
            continue;
        }
        may_lead = may_lead && (fitted == nullptr || fitted->put_before != i);
        if (m.role == api::role::system && !may_lead) {
            demote(request, m, edits);
        }
        may_lead = false;
    }
}

}  // namespace

void remove_tools(body_changes& changes) {
    for (const auto* key : {"tools", "tool_choice", "parallel_tool_calls"}) {
        changes.members.push_back({key, std::nullopt});
    }
}

namespace {

void set_template_arguments(const config::upstream& upstream, member_list& members) {
    if (upstream.supports_thinking && !upstream.chat_template_kwargs.empty()) {
        members.set("chat_template_kwargs", upstream.chat_template_kwargs);
    } else {
        members.remove("chat_template_kwargs");
    }
}

}  // namespace

void prepared_body::prepare(
    const api::chat_request& request, const config::upstream& upstream, const body_changes& changes
) {
    member_list members(request.members());
    members.remove("x_meta_model");
    if (upstream.protocol != config::wire_protocol::anthropic) {
        members.remove(api::messages_wishes_member);
    }
    if (request.is_chat() && request.has_tools_to_edit()) {
        modernise_tools(request, members, choice_);
    }
    for (const auto& [key, value] : changes.members) {
        if (value) {
            members.set(key, *value);
        } else {
            members.remove(key);
        }
    }
    // What the client wrote is counted.
    const bool is_counted = api::is_count(request.shape().kind)
                            || request.shape().kind == api::request_kind::input_tokens;
    if (!is_counted) {
        const bool is_messages = request.shape().kind == api::request_kind::messages;
        for (const auto& [key, value] : upstream.request_overrides) {
            if (!is_messages || !api::is_chat_member(key)) {
                members.set(key, value);
            }
        }
    }
    api::append_json_string(model_, upstream.model_id);
    if (upstream.openai && !is_counted) {
        if (request.is_chat() && !upstream.openai->reasoning_effort.empty()) {
            api::append_json_string(effort_, upstream.openai->reasoning_effort);
            members.set("reasoning_effort", effort_);
        }
        if (request.is_chat()
            && upstream.openai->max_tokens_param
                   == config::max_tokens_name::max_completion_tokens) {
            members.rename("max_tokens", "max_completion_tokens");
        }
        for (const auto& name : upstream.openai->drop_params) {
            members.remove(name);
        }
    }
    if (request.is_chat()) {
        set_template_arguments(upstream, members);
    }
    if (api::is_generation(request.shape().kind)
        && upstream.balance == config::balance_rule::prefix_affinity
        && upstream.base_urls.size() > 1) {
        affinity_ = affinity_of(request);
    }
    members.set("model", model_);
    members.write(request, edits_);
    if (request.is_chat()) {
        edit_messages(request, upstream, changes, edits_);
    } else if (changes.messages) {
        for (const auto& e : changes.messages->edits) {
            edits_.replace(e.begin, e.end, e.text);
        }
    }
    edits_.apply(request.body(), pieces_);
}

}  // namespace meta_model::upstream
