#include "dispatch/cost_bounds.hpp"

#include "api/json_walk.hpp"
#include "api/tool_fields.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

namespace {

constexpr int most_depth = 4;  // a message, a call's result, a document, its parts

std::string text_of(std::string_view raw) {
    std::string out;
    api::append_unescaped(out, api::string_body(raw));
    return out;
}

// Whether `is_so` holds for any of the members of that name: servers differ in which of several they take.
template <class Predicate>
bool any_member(std::string_view object, std::string_view key, const Predicate& is_so) {
    bool out = false;
    api::walk_object(object, [&](std::string_view name, std::string_view value) {
        out = out || (name == key && is_so(value));
    });
    return out;
}

template <class Predicate>
bool any_element(std::string_view list, const Predicate& is_so) {
    bool out = false;
    api::walk_list(list, [&](std::string_view element) { out = out || is_so(element); });
    return out;
}

bool runs_at_client(std::string_view type, api::request_kind kind) {
    if (kind == api::request_kind::messages) {
        constexpr std::array<std::string_view, 4> families{
            "bash_", "text_editor_", "computer_", "memory_"
        };
        return type == "custom" || std::ranges::any_of(families, [&](std::string_view family) {
                   return type.starts_with(family);
               });
    }
    constexpr std::array<std::string_view, 7> types{
        "function",
        "custom",
        "local_shell",
        "computer",
        "computer_use_preview",
        "apply_patch",
        "namespace"
    };
    return std::ranges::find(types, type) != types.end();
}

bool runs_at_provider(std::string_view tool, api::request_kind kind, int depth) {
    const bool is_hosted = any_member(tool, "type", [&](std::string_view type) {
        return api::is_given(type) && !runs_at_client(text_of(type), kind);
    });
    return is_hosted || any_member(tool, "tools", [&](std::string_view inner) {
               return any_element(inner, [&](std::string_view t) {
                   return depth == 0 || runs_at_provider(t, kind, depth - 1);
               });
           });
}

// A list of edits, or the Messages API's object with one.
bool compacts(std::string_view management) {
    const auto is_compaction = [](std::string_view edit) {
        return any_member(edit, "type", [](std::string_view type) {
            return text_of(type).starts_with("compact");
        });
    };
    return any_element(management, is_compaction)
           || any_member(management, "edits", [&](std::string_view edits) {
                  return any_element(edits, is_compaction);
              });
}

bool has_unknown_price(const api::request_member& m, api::request_kind kind) {
    if (m.key == "tools") {
        return any_element(m.value, [&](std::string_view tool) {
            return runs_at_provider(tool, kind, most_depth);
        });
    }
    if (m.key == "context_management") {
        return compacts(m.value);
    }
    if (kind == api::request_kind::responses) {
        return m.key == "prompt";  // a template, which may bring tools
    }
    return m.key == "container" || (m.key == "mcp_servers" && !api::is_empty_list(m.value))
           || (m.key == "speed" && !api::is_string(m.value, "standard"));
}

// A block, a part, an item or a message. What tools are called with is nothing that a provider looks into.
bool names_what_is_elsewhere(std::string_view element, bool is_item, int depth) {
    const auto type_is = [&](std::string_view name) {
        return any_member(element, "type", [&](std::string_view t) {
            return api::is_string(t, name);
        });
    };
    const auto is_elsewhere = [](std::string_view source) {
        return any_member(source, "type", [](std::string_view t) {
            return !api::is_string(t, "text") && !api::is_string(t, "content");
        });
    };
    if (type_is("input_file") || type_is("item_reference")
        || (type_is("document") && any_member(element, "source", is_elsewhere))) {
        return true;
    }
    // An item without a type is a message, which has a role, or a reference.
    if (is_item && !any_member(element, "type", api::is_given)
        && !any_member(element, "role", api::is_given)) {
        return true;
    }
    constexpr std::array<std::string_view, 2> inner{"content", "output"};
    return depth > 0 && std::ranges::any_of(inner, [&](std::string_view key) {
               return any_member(element, key, [&](std::string_view list) {
                   return any_element(list, [&](std::string_view part) {
                       return names_what_is_elsewhere(part, false, depth - 1);
                   });
               });
           });
}

}  // namespace

base::maybe_error judge_cost_bounds(
    const api::chat_request& request, const upstream::body_changes& changes
) {
    const auto kind = request.shape().kind;
    if (kind != api::request_kind::messages && kind != api::request_kind::responses) {
        return std::nullopt;
    }
    for (const auto& m : request.members()) {
        const bool is_removed = std::ranges::any_of(changes.members, [&](const auto& change) {
            return change.key == m.key && !change.value;
        });
        if (!is_removed && m.type != api::json_type::null && has_unknown_price(m, kind)) {
            const std::string name(m.key);
            return base::make_error(
                base::error_code_id::feature_not_supported_in_v1,
                "With a cost limit '" + name
                    + "' cannot ask for this: what it costs is not known beforehand.",
                name
            );
        }
    }
    return std::nullopt;
}

bool reads_what_is_elsewhere(const api::chat_request& request) {
    constexpr std::array<std::string_view, 2> names{"previous_response_id", "conversation"};
    const bool is_item = request.shape().kind == api::request_kind::responses;
    if (is_item && std::ranges::any_of(names, [&](std::string_view name) {
            return request.find(name) != nullptr;
        })) {
        return true;
    }
    if (!is_item && request.shape().kind != api::request_kind::messages) {
        return false;
    }
    const auto* const said = request.find(request.shape().prompt.front());
    return said != nullptr && any_element(said->value, [&](std::string_view element) {
               return names_what_is_elsewhere(element, is_item, most_depth);
           });
}

}  // namespace meta_model::dispatch
