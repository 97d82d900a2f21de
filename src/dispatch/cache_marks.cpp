#include "dispatch/cache_marks.hpp"

#include "api/json_walk.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace meta_model::dispatch {

namespace {

constexpr std::string_view mark = R"(,"cache_control":{"type":"ephemeral"})";
constexpr std::string_view text_begin = R"([{"type":"text","text":)";

using edit = upstream::message_edits::edit;

std::string_view last_element(std::string_view list) {
    std::string_view last;
    api::walk_list(list, [&last](std::string_view element) { last = element; });
    return last;
}

// Thinking takes no mark, and an empty text takes none.
bool takes_mark(std::string_view block) {
    constexpr std::array<std::string_view, 4> kinds{"text", "image", "document", "tool_result"};
    const auto type = api::string_body(api::find_member(block, "type"));
    return std::ranges::find(kinds, type) != kinds.end()
           && (type != "text" || api::find_member(block, "text").size() > 2);
}

// Edits of `content`, a text or a list of blocks, with offsets from its start.
std::vector<edit> mark_content(std::string_view content) {
    if (api::is_json_string(content) && content.size() > 2) {
        return {
            {0, 0, std::string(text_begin)},
            {content.size(), content.size(), std::string(mark) + "}]"}
        };
    }
    const auto block = last_element(content);
    if (!takes_mark(block)) {
        return {};
    }
    const auto end = static_cast<std::size_t>(block.data() - content.data()) + block.size() - 1;
    return {{end, end, std::string(mark)}};
}

std::string applied(std::string_view text, const std::vector<edit>& edits) {
    std::string out(text);
    for (auto it = edits.rbegin(); it != edits.rend(); ++it) {
        out.insert(it->begin, it->text);
    }
    return out;
}

// What goes out of a member as far as it is known here; empty: nothing.
std::string_view value_of(
    const api::chat_request& request, const upstream::body_changes& changes, std::string_view key
) {
    const auto* own = request.find(key);
    auto out = own != nullptr ? own->value : std::string_view();
    for (const auto& change : changes.members) {
        if (change.key == key) {
            out = change.value ? std::string_view(*change.value) : std::string_view();
        }
    }
    return out;
}

void mark_system(const api::chat_request& request, upstream::body_changes& changes) {
    const auto system = value_of(request, changes, "system");
    if (const auto edits = mark_content(system); !edits.empty()) {
        auto marked = applied(system, edits);
        changes.members.push_back({"system", std::move(marked)});
    }
}

void mark_tools(const api::chat_request& request, upstream::body_changes& changes) {
    const auto tools = value_of(request, changes, "tools");
    const auto last = last_element(tools);
    // A tool that is loaded later is no part of what a prompt begins with.
    if (api::find_member(last, "name").empty()
        || api::find_member(last, "defer_loading") == "true") {
        return;
    }
    const auto end = static_cast<std::size_t>(last.data() - tools.data()) + last.size() - 1;
    auto marked = applied(tools, {{end, end, std::string(mark)}});
    changes.members.push_back({"tools", std::move(marked)});
}

void mark_last_message(const api::chat_request& request, upstream::body_changes& changes) {
    const auto* const messages = request.find("messages");
    const auto last = last_element(messages != nullptr ? messages->value : "");
    if (!api::is_string(api::find_member(last, "role"), "user")) {
        return;
    }
    const auto content = api::find_member(last, "content");
    auto edits = mark_content(content);
    const auto offset = static_cast<std::size_t>(content.data() - request.body().data());
    for (auto& e : edits) {
        e.begin += offset;
        e.end += offset;
    }
    if (!edits.empty()) {
        upstream::message_edits marked;
        marked.edits = std::move(edits);
        changes.messages = std::make_shared<const upstream::message_edits>(std::move(marked));
    }
}

}  // namespace

void add_cache_marks(const api::chat_request& request, upstream::body_changes& changes) {
    if (request.body().find("\"cache_control\"") != std::string_view::npos) {
        return;
    }
    mark_system(request, changes);
    mark_tools(request, changes);
    mark_last_message(request, changes);
}

}  // namespace meta_model::dispatch
