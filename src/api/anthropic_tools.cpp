#include "api/anthropic_tools.hpp"

#include "api/json_walk.hpp"

namespace meta_model::api {

namespace {

// The API demands an object with a type.
void append_schema(std::string& out, std::string_view schema) {
    bool is_empty = true;
    const bool is_object =
        walk_object(schema, [&](std::string_view, std::string_view) { is_empty = false; });
    if (!is_object || is_empty) {
        out += R"({"type":"object","properties":{}})";
    } else if (find_member(schema, "type").empty()) {
        out += R"({"type":"object",)";
        out += schema.substr(1);
    } else {
        out += schema;
    }
}

}  // namespace

bool append_messages_tool(std::string& out, std::string_view element, bool keeps_schemas) {
    const auto function = find_member(element, "function");
    const auto name = find_member(function, "name");
    if (string_body(name).empty()) {
        return false;
    }
    const auto description = find_member(function, "description");
    out += out.back() == '[' ? R"({"name":)" : R"(,{"name":)";
    out += name;
    out += R"(,"description":)";
    out += is_json_string(description) ? description : R"("")";
    out += R"(,"input_schema":)";
    append_schema(out, find_member(function, "parameters"));
    if (keeps_schemas && find_member(function, "strict") == "true") {
        out += R"(,"strict":true)";
    }
    if (const auto cache = find_member(element, "cache_control"); is_json_object(cache)) {
        out += R"(,"cache_control":)";
        out += cache;
    }
    out += '}';
    return true;
}

}  // namespace meta_model::api
