#include "api/error_body.hpp"

#include "api/json_text.hpp"

namespace meta_model::api {

namespace {

void append_string_or_null(std::string& out, std::string_view text) {
    if (text.empty()) {
        out += "null";
    } else {
        append_json_string(out, text);
    }
}

void append_error(std::string& out, const base::error& e) {
    out += R"({"error":{"message":)";
    append_json_string(out, e.message);
    out += R"(,"type":)";
    append_json_string(out, e.type());
    out += R"(,"param":)";
    append_string_or_null(out, e.param);
    out += R"(,"code":)";
    append_string_or_null(out, e.code());
    out += "}}";
}

}  // namespace

std::string error_body(const base::error& e) {
    std::string out;
    append_error(out, e);
    return out;
}

std::string error_event(const base::error& e) {
    std::string out;
    append_error_event(out, e);
    return out;
}

void append_error_event(std::string& out, const base::error& e) {
    out += "data: ";
    append_error(out, e);
    out += "\n\n";
}

}  // namespace meta_model::api
