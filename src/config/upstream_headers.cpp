#include "config/upstream_headers.hpp"

#include "base/text.hpp"
#include "config/key_table.hpp"

#include <algorithm>
#include <string_view>

namespace meta_model::config {

namespace {

// Lower case, in two groups: what belongs to a connection and not to a request (RFC 9110 §7.6.1), and what the gateway
// writes itself.
constexpr std::string_view hop_by_hop[] = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect"
};
constexpr std::string_view ours[] = {
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "user-agent",
    "authorization",
    "x-request-id",
    "traceparent",
    "tracestate",
    "openai-beta",
    "anthropic-beta"
};

bool is_token(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

std::string_view fault_of(std::string_view name) {
    if (!is_token(name)) {
        return ": is no header name";
    }
    const auto lower = base::ascii_lower(name);
    if (std::ranges::find(hop_by_hop, lower) != std::end(hop_by_hop)) {
        return ": belongs to the connection and cannot be set";
    }
    if (lower == "authorization") {
        return ": use api_key or basic_auth_user";
    }
    return std::ranges::find(ours, lower) != std::end(ours) ? ": the gateway decides on this header"
                                                            : "";
}

bool sounds_secret(std::string_view name) {
    static constexpr std::string_view words[] = {
        "auth", "cookie", "credential", "key", "pass", "secret", "token"
    };
    const auto lower = base::ascii_lower(name);
    return std::ranges::any_of(words, [&](auto word) {
        return lower.find(word) != std::string::npos;
    });
}

constexpr key_row<secret_source> source_rows[] = {
    {"env", [](const field& f, secret_source& s) { read_variable(f, s); }},
    {"file", [](const field& f, secret_source& s) { read_path(f, s); }},
};

void read_value(const field& f, secret_source& into) {
    if (f.value().as<node::table>() == nullptr) {
        read_literal(f, into);
        return;
    }
    read_table(f, source_rows, into);
    if (into.count() != 1) {
        f.error(": give one of env and file");
    }
}

}  // namespace

void read_headers(const field& table, std::vector<header_entry>& into) {
    const auto* members = table.value().as<node::table>();
    if (members == nullptr) {
        table.wrong_type("a table");
        return;
    }
    for (const auto& m : *members) {
        const field value(value_label(table, m.key), m.value, m.at, table.problems());
        if (const auto fault = fault_of(m.key); !fault.empty()) {
            table.problems().error(m.at, value.label() + std::string(fault));
            continue;
        }
        const bool is_repeated = std::ranges::any_of(into, [&](const auto& e) {
            return base::ascii_iequals(e.name, m.key);
        });
        if (is_repeated) {
            table.problems().error(m.at, value.label() + ": the same header twice");
            continue;
        }
        auto& entry = into.emplace_back();
        entry.name = m.key;
        read_value(value, entry.value);
    }
}

void resolve_headers(
    const field& upstream_table,
    const std::vector<header_entry>& entries,
    upstream& into,
    const std::string& config_file,
    const environment& env
) {
    for (const auto& e : entries) {
        auto fetched = fetch(e.value, config_file, env);
        if (fetched.value.empty() && !fetched.missing.empty()) {
            upstream_table.problems().warning(
                fetched.missing_at,
                upstream_table.label() + ": calls to this upstream will fail: " + fetched.missing
            );
            if (into.missing_secret.empty()) {
                into.missing_secret = fetched.missing;
            }
        }
        const bool is_secret = !e.value.literal || sounds_secret(e.name);
        into.headers.push_back({e.name, std::move(fetched.value), is_secret});
    }
}

}  // namespace meta_model::config
