#include "config/secret_source.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

namespace meta_model::config {

namespace {

std::string without_line_end(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.pop_back();
    }
    return text;
}

bool has_control_characters(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

void note_missing(fetched_secret& out, std::string what, position at) {
    if (out.missing.empty()) {
        out.missing = std::move(what);
        out.missing_at = at;
    }
}

// Empty: the text is usable.
std::string_view why_unusable(const std::optional<std::string>& text, std::string_view if_absent) {
    return !text                           ? if_absent
           : text->empty()                 ? "is empty"
           : has_control_characters(*text) ? "holds control characters"
                                           : "";
}

}  // namespace

std::string beside(const std::string& config_file, const std::string& path) {
    return (std::filesystem::path(config_file).parent_path() / path).string();
}

void read_literal(const field& value, secret_source& into) {
    read_literal_or_blank(value, into);
    if (into.literal && into.literal->text.empty()) {
        value.error(": must be non-empty");
    }
}

void read_literal_or_blank(const field& value, secret_source& into) {
    std::string text;
    if (!value.read(text)) {
        return;
    }
    text = base::trim(text);
    if (has_control_characters(text)) {
        value.error(": holds control characters, which no header can carry");
    }
    into.literal = placed_text{std::move(text), value.at()};
}

void read_variable(const field& value, secret_source& into) {
    std::string name;
    if (value.read_filled(name)) {
        into.variable = placed_text{std::move(name), value.at()};
    }
}

void read_path(const field& value, secret_source& into) {
    std::string path;
    if (value.read_filled(path)) {
        into.path = placed_text{std::move(path), value.at()};
    }
}

fetched_secret fetch(
    const secret_source& source, const std::string& config_file, const environment& env
) {
    fetched_secret out;
    if (source.path) {
        const auto path = beside(config_file, source.path->text);
        auto text = env.read_file ? env.read_file(path) : std::nullopt;
        if (text) {
            text = without_line_end(std::move(*text));
        }
        const auto fault = why_unusable(text, "cannot be read");
        if (fault.empty()) {
            out.value = base::secret(std::move(*text));
            return out;
        }
        note_missing(out, "the file '" + path + "' " + std::string(fault), source.path->at);
    }
    if (source.variable) {
        const auto& name = source.variable->text;
        auto text = env.variable ? env.variable(name) : std::nullopt;
        if (text) {
            text = without_line_end(std::move(*text));
        }
        const auto fault = why_unusable(text, "is not set");
        if (fault.empty()) {
            out.value = base::secret(std::move(*text));
            return out;
        }
        note_missing(
            out,
            "the environment variable '" + name + "' " + std::string(fault),
            source.variable->at
        );
    }
    if (source.literal) {
        out.value = base::secret(source.literal->text);
    }
    return out;
}

}  // namespace meta_model::config
