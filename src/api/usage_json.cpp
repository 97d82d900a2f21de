#include "api/usage_json.hpp"

#include "api/json_text.hpp"

namespace meta_model::api {

namespace {

void append_member(std::string& out, std::string_view name, std::int64_t value) {
    out += '"';
    out += name;
    out += "\":";
    append_json_number(out, value);
}

// `,"<object>":{"<name>":<value>}` when the value is known.
void append_detail(
    std::string& out, std::string_view object, std::string_view name, std::int64_t value
) {
    if (value <= 0) {
        return;
    }
    out += ",\"";
    out += object;
    out += "\":{";
    append_member(out, name, value);
    out += '}';
}

}  // namespace

void append_usage(std::string& out, const token_usage& usage) {
    if (!usage.raw.empty()) {
        append_on_one_line(out, usage.raw);
        return;
    }
    out += '{';
    append_member(out, "prompt_tokens", usage.prompt_tokens);
    out += ',';
    append_member(out, "completion_tokens", usage.completion_tokens);
    out += ',';
    append_member(out, "total_tokens", usage.total_tokens);
    if (usage.cache_write_tokens > 0) {
        out += R"(,"prompt_tokens_details":{)";
        append_member(out, "cached_tokens", usage.cached_tokens);
        out += ',';
        append_member(out, "cache_write_tokens", usage.cache_write_tokens);
        out += '}';
    } else {
        append_detail(out, "prompt_tokens_details", "cached_tokens", usage.cached_tokens);
    }
    append_detail(out, "completion_tokens_details", "reasoning_tokens", usage.reasoning_tokens);
    out += '}';
}

void add_usage(token_usage& sum, const token_usage& more) {
    sum.prompt_tokens += more.prompt_tokens;
    sum.completion_tokens += more.completion_tokens;
    sum.total_tokens += more.total_tokens;
    sum.cached_tokens += more.cached_tokens;
    sum.cache_write_tokens += more.cache_write_tokens;
    sum.reasoning_tokens += more.reasoning_tokens;
    sum.raw.clear();
}

void append_on_one_line(std::string& out, std::string_view json) {
    for (auto at = json.find_first_of("\r\n"); at != std::string_view::npos;
         at = json.find_first_of("\r\n")) {
        out += json.substr(0, at);
        json.remove_prefix(at + 1);
    }
    out += json;
}

}  // namespace meta_model::api
