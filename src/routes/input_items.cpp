#include "routes/input_items.hpp"

#include "api/json_walk.hpp"
#include "routes/query_values.hpp"
#include "routes/response_json.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>

namespace meta_model::routes {

namespace {

constexpr std::size_t max_limit = 100;

base::error wrong(const char* param, const char* expected) {
    return base::make_error(
        base::error_code_id::shape, "'" + std::string(param) + "' must be " + expected + '.', param
    );
}

// Ids of items begin with what they are.
std::string_view prefix_of(std::string_view type) {
    if (api::is_string(type, "function_call")) {
        return "fc_";
    }
    if (api::is_string(type, "function_call_output")) {
        return "fco_";
    }
    if (api::is_string(type, "reasoning")) {
        return "rs_";
    }
    return type.empty() || api::is_string(type, "message") ? "msg_" : "item_";
}

struct listed_item {
    std::string_view raw;
    std::string id;
    bool has_id;
};

// `id`: its own, or empty when it has none that is its alone.
listed_item identified(
    std::string_view raw, std::string id, std::string_view response_id, std::size_t position
) {
    const bool has_id = !id.empty();
    if (!has_id) {
        const auto digits = response_id.substr(response_id.find('_') + 1);
        id = prefix_of(api::find_member(raw, "type"));
        id += digits;
        id += '_';
        id += std::to_string(position);
    }
    return {raw, std::move(id), has_id};
}

void append_content(std::string& out, std::string_view content, bool is_of_assistant) {
    if (!api::is_json_string(content)) {
        out += content;
        return;
    }
    out += is_of_assistant ? R"([{"type":"output_text","annotations":[],"text":)"
                           : R"([{"type":"input_text","text":)";
    out += content;
    out += "}]";
}

void append_item(std::string& out, const listed_item& item) {
    const auto type = api::find_member(item.raw, "type");
    const bool is_message = type.empty() || api::is_string(type, "message");
    const bool is_of_assistant = api::is_string(api::find_member(item.raw, "role"), "assistant");
    if (!api::is_json_object(item.raw)) {
        out += item.raw;
        return;
    }
    out += '{';
    if (!item.has_id) {
        out += R"("id":)";
        api::append_json_string(out, item.id);
        out += ',';
    }
    if (type.empty()) {
        out += R"("type":"message",)";
    }
    if (is_message && api::find_member(item.raw, "status").empty()) {
        out += R"("status":"completed",)";
    }
    api::walk_object(item.raw, [&](std::string_view key, std::string_view value) {
        if (key == "id" && !item.has_id) {
            return;
        }
        api::append_json_string(out, key);
        out += ':';
        if (is_message && key == "content") {
            append_content(out, value, is_of_assistant);
        } else {
            out += value;
        }
        out += ',';
    });
    out.back() = '}';
}

void append_id_or_null(std::string& out, const std::vector<listed_item>& page, bool is_last) {
    if (page.empty()) {
        out += "null";
    } else {
        api::append_json_string(out, is_last ? page.back().id : page.front().id);
    }
}

}  // namespace

base::result<items_query> parse_items_query(std::string_view query) {
    items_query out;
    if (const auto limit = query_value(query, "limit")) {
        const auto* const end = limit->data() + limit->size();
        const auto read = std::from_chars(limit->data(), end, out.limit);
        const bool is_number = read.ec == std::errc() && read.ptr == end && !limit->empty();
        if (!is_number || out.limit < 1 || out.limit > max_limit) {
            return wrong("limit", "an integer from 1 to 100");
        }
    }
    if (const auto order = query_value(query, "order")) {
        out.is_ascending = *order == "asc";
        if (!out.is_ascending && *order != "desc") {
            return wrong("order", "'asc' or 'desc'");
        }
    }
    out.after = query_value(query, "after").value_or("");
    return out;
}

base::result<std::string> items_page(
    const std::vector<std::string_view>& items,
    std::string_view response_id,
    const items_query& query
) {
    std::vector<listed_item> all;
    all.reserve(items.size());
    std::unordered_set<std::string> taken;
    for (const auto raw : items) {
        auto id = item_id(raw);
        if (!taken.insert(id).second) {
            id.clear();  // said again; pages go on behind one of them
        }
        all.push_back(identified(raw, std::move(id), response_id, all.size()));
    }
    if (!query.is_ascending) {
        std::ranges::reverse(all);
    }
    auto from = all.begin();
    if (!query.after.empty()) {
        from = std::ranges::find(all, query.after, &listed_item::id);
        if (from == all.end()) {
            return base::make_error(
                base::error_code_id::shape,
                "'after' must be the id of an item of this response.",
                "after"
            );
        }
        ++from;
    }
    const auto left = static_cast<std::size_t>(all.end() - from);
    const auto count = std::min(left, query.limit);
    const std::vector<listed_item> page(from, from + static_cast<std::ptrdiff_t>(count));
    std::string out = R"({"object":"list","data":[)";
    for (const auto& item : page) {
        out += out.back() == '[' ? "" : ",";
        append_item(out, item);
    }
    out += R"(],"first_id":)";
    append_id_or_null(out, page, false);
    out += R"(,"last_id":)";
    append_id_or_null(out, page, true);
    out += left > count ? R"(,"has_more":true})" : R"(,"has_more":false})";
    return out;
}

}  // namespace meta_model::routes
