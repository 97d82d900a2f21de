#include "api/messages_tools.hpp"

#include "api/json_walk.hpp"

#include <utility>

namespace meta_model::api {

using base::error_code_id;

namespace {

// Raw values; empty where absent.
struct tool_members {
    std::string_view type{};
    std::string_view name{};
    std::string_view description{};
    std::string_view schema{};
    std::string_view strict{};
    std::string_view cache{};
};

bool read(std::string_view raw, tool_members& out) {
    return walk_object(raw, [&](std::string_view key, std::string_view value) {
        for (const auto& [known, member] : {
                 std::pair{std::string_view("type"), &out.type},
                 std::pair{std::string_view("name"), &out.name},
                 std::pair{std::string_view("description"), &out.description},
                 std::pair{std::string_view("input_schema"), &out.schema},
                 std::pair{std::string_view("strict"), &out.strict},
                 std::pair{std::string_view("cache_control"), &out.cache},
             }) {
            *member = key == known ? value : *member;
        }
    });
}

base::maybe_error judge(const tool_members& tool, std::size_t index) {
    const auto fail = [&](std::string_view field,
                          std::string_view what,
                          error_code_id id = error_code_id::shape) {
        auto path = "tools." + std::to_string(index);
        path.append(".").append(field);
        auto message = path + ": " + std::string(what);
        return base::make_error(id, std::move(message), std::move(path));
    };
    if (is_given(tool.type) && !is_json_string(tool.type)) {
        return fail("type", "must be a string");
    }
    if (is_given(tool.type) && !is_string(tool.type, "custom")) {
        return fail(
            "type",
            "tools that run at the server are not supported here",
            error_code_id::feature_not_supported_in_v1
        );
    }
    if (string_body(tool.name).empty()) {
        return fail("name", tool.name.empty() ? "must be given" : "must be a non-empty string");
    }
    if (is_given(tool.description) && !is_json_string(tool.description)) {
        return fail("description", "must be a string");
    }
    if (!is_json_object(tool.schema)) {
        return fail("input_schema", tool.schema.empty() ? "must be given" : "must be an object");
    }
    if (is_given(tool.strict) && tool.strict != "true" && tool.strict != "false") {
        return fail("strict", "must be a boolean");
    }
    if (is_given(tool.cache) && !is_json_object(tool.cache)) {
        return fail("cache_control", "must be an object");
    }
    return std::nullopt;
}

}  // namespace

base::maybe_error append_function(std::string& out, std::string_view raw, std::size_t index) {
    tool_members tool;
    if (!read(raw, tool)) {
        auto path = "tools." + std::to_string(index);
        auto message = path + ": must be an object";
        return base::make_error(error_code_id::shape, std::move(message), std::move(path));
    }
    if (auto fault = judge(tool, index)) {
        return fault;
    }
    const auto append = [&](std::string_view key, std::string_view value) {
        out.append(",\"").append(key).append("\":").append(value);
    };
    out += index == 0 ? R"({"type":"function","function":{"name":)"
                      : R"(,{"type":"function","function":{"name":)";
    out += tool.name;
    if (is_given(tool.description)) {
        append("description", tool.description);
    }
    append("parameters", tool.schema);
    if (is_given(tool.strict)) {
        append("strict", tool.strict);
    }
    out += '}';
    if (is_given(tool.cache)) {
        append("cache_control", tool.cache);
    }
    out += '}';
    return std::nullopt;
}

}  // namespace meta_model::api
