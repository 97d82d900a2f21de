#include "config/server_tables.hpp"

#include "base/text.hpp"

namespace meta_model::config {

namespace {

constexpr choice<log_level> log_levels[] = {
    {"debug", log_level::debug},
    {"info", log_level::info},
    {"warning", log_level::warning},
    {"error", log_level::error},
};
constexpr choice<log_format> log_formats[] = {
    {"text", log_format::text},
    {"json", log_format::json},
};
constexpr choice<usage_scope> usage_scopes[] = {
    {"answer", usage_scope::answer},
    {"total", usage_scope::total},
};
constexpr choice<reply_model> reply_models[] = {
    {"upstream", reply_model::upstream},
    {"requested", reply_model::requested},
};
constexpr choice<readiness_rule> readiness_rules[] = {
    {"any_profile", readiness_rule::any_profile},
    {"all", readiness_rule::all},
};

constexpr key_row<server_limits> limits_keys[] = {
    {"max_body_bytes",
     [](const field& f, server_limits& s) { f.read(s.max_body_bytes, bytes_from(1)); }},
    {"max_header_bytes",
     [](const field& f, server_limits& s) { f.read(s.max_header_bytes, between(256, 1 << 24)); }},
    {"max_connections", [](const field& f, server_limits& s) { f.read(s.max_connections, from(1)); }
    },
    {"max_in_flight", [](const field& f, server_limits& s) { f.read(s.max_in_flight, from(1)); }},
    {"max_in_flight_bytes",
     [](const field& f, server_limits& s) { f.read(s.max_in_flight_bytes, bytes_from(1)); }},
    // Bodies are walked by recursion.
    {"max_json_depth",
     [](const field& f, server_limits& s) { f.read(s.max_json_depth, between(1, 1024)); }},
    {"header_timeout_secs", [](const field& f, server_limits& s) { f.read(s.header_timeout); }},
    {"body_timeout_secs", [](const field& f, server_limits& s) { f.read(s.body_timeout); }},
    {"write_timeout_secs", [](const field& f, server_limits& s) { f.read(s.write_timeout); }},
    {"idle_timeout_secs", [](const field& f, server_limits& s) { f.read(s.idle_timeout); }},
    {"drain_timeout_secs",
     [](const field& f, server_limits& s) { f.read(s.drain_timeout, zero_or_more()); }},
};

constexpr key_row<server_entry> log_keys[] = {
    {"level",
     [](const field& f, server_entry& s) {
         s.log_table_level_at = f.at();
         f.read(s.log.level, log_levels);
     }},
    {"format", [](const field& f, server_entry& s) { f.read(s.log.format, log_formats); }},
    {"access", [](const field& f, server_entry& s) { f.read(s.log.access); }},
    {"bodies", [](const field& f, server_entry& s) { f.read(s.log.bodies); }},
};

constexpr key_row<server_entry> server_keys[] = {
    {"host", [](const field& f, server_entry& s) { f.read_filled(s.host); }},
    {"port", [](const field& f, server_entry& s) { f.read(s.port, between(1, 65535)); }},
    {"threads", [](const field& f, server_entry& s) { f.read(s.threads, between(0, 256)); }},
    {"log_level",
     [](const field& f, server_entry& s) {
         s.log_level_at = f.at();
         f.read(s.log.level, log_levels);
     }},
    {"request_timeout_secs", [](const field& f, server_entry& s) { f.read(s.request_timeout); }},
    {"bearer_token", [](const field& f, server_entry& s) { read_literal_or_blank(f, s.token); }},
    {"bearer_token_env", [](const field& f, server_entry& s) { read_variable(f, s.token); }},
    {"bearer_token_file", [](const field& f, server_entry& s) { read_path(f, s.token); }},
    {"health_probe_interval_sec",
     [](const field& f, server_entry& s) { f.read(s.health_probe_interval, above_zero(300)); }},
    {"health_probe_timeout_sec",
     [](const field& f, server_entry& s) { f.read(s.health_probe_timeout, above_zero(60)); }},
    {"model_name",
     [](const field& f, server_entry& s) {
         if (f.read(s.model_name)) {
             s.model_name = std::string(base::trim(s.model_name));
         }
     }},
    {"cors_allow_origins", [](const field& f, server_entry& s) { f.read(s.cors_allow_origins); }},
    {"allowed_hosts", [](const field& f, server_entry& s) { f.read_distinct(s.allowed_hosts); }},
    {"system_prompt",
     [](const field& f, server_entry& s) {
         if (f.read(s.system_prompt)) {
             s.system_prompt = std::string(base::trim(s.system_prompt));
         }
     }},
    {"usage", [](const field& f, server_entry& s) { f.read(s.usage, usage_scopes); }},
    {"reply_model", [](const field& f, server_entry& s) { f.read(s.reply_model, reply_models); }},
    {"readiness", [](const field& f, server_entry& s) { f.read(s.readiness, readiness_rules); }},
    {"stream_commit_secs",
     [](const field& f, server_entry& s) { f.read(s.stream_commit, zero_or_more()); }},
    {"keepalive_secs", [](const field& f, server_entry& s) { f.read(s.keepalive); }},
    {"drain_notice_secs",
     [](const field& f, server_entry& s) { f.read(s.drain_notice, zero_or_more()); }},
    nested_table<server_entry, &server_entry::limits, limits_keys>("limits"),
    {"log",
     [](const field& table, server_entry& s) { read_table(table, log_keys, s); },
     [](const std::string& path, key_list& keys) { list_keys(std::span(log_keys), path, keys); }},
};

constexpr key_row<features> features_keys[] = {
    {"voting", [](const field& f, features& into) { f.read(into.voting); }},
};

constexpr key_row<stored_responses> responses_keys[] = {
    {"store", [](const field& f, stored_responses& r) { f.read(r.store); }},
    {"max_stored", [](const field& f, stored_responses& r) { f.read(r.max_stored, from(1)); }},
    {"max_stored_bytes",
     [](const field& f, stored_responses& r) { f.read(r.max_stored_bytes, bytes_from(1)); }},
    {"ttl_secs", [](const field& f, stored_responses& r) { f.read(r.ttl); }},
    {"max_background",
     [](const field& f, stored_responses& r) { f.read(r.max_background, between(0, 10000)); }},
};

// Authentication that was asked for is never silently off: only a blank literal means "off".
void resolve_token(
    const field& table, server_entry& s, const std::string& config_file, const environment& env
) {
    const auto& source = s.token;
    if (source.count() > 1) {
        const auto at = source.path ? source.path->at : source.variable->at;
        table.problems().error(
            at, "[server]: give only one of bearer_token, bearer_token_env and bearer_token_file"
        );
        return;
    }
    const auto fetched = fetch(source, config_file, env);
    s.bearer_token = base::secret(std::string(base::trim(fetched.value.expose())));
    if (!fetched.missing.empty()) {
        table.problems().error(fetched.missing_at, "[server]: no bearer token: " + fetched.missing);
    } else if (s.bearer_token.empty() && (source.path || source.variable)) {
        table.problems().error(
            source.path ? source.path->at : source.variable->at,
            "[server]: no bearer token: its source holds only blanks"
        );
    }
}

void check_server(const field& table, const server_entry& s) {
    if (s.log_level_at && s.log_table_level_at) {
        table.problems().error(
            *s.log_table_level_at,
            "[server.log].level: [server].log_level is set too; give only one"
        );
    }
    if (s.health_probe_timeout >= s.health_probe_interval) {
        const bool has_timeout = table.value().find("health_probe_timeout_sec") != nullptr;
        table.problems().warning(
            table.at(has_timeout ? "health_probe_timeout_sec" : "health_probe_interval_sec"),
            "[server].health_probe_timeout_sec is not below health_probe_interval_sec: a slow "
            "upstream is probed without a pause"
        );
    }
    if (s.limits.max_body_bytes > s.limits.max_in_flight_bytes) {
        table.problems().warning(
            position_of(table.value(), {"limits", "max_in_flight_bytes"}),
            "[server.limits].max_in_flight_bytes is below max_body_bytes: a body of the allowed "
            "size is never accepted"
        );
    }
}

}  // namespace

void read_server(
    const field& table, server& into, const std::string& config_file, const environment& env
) {
    server_entry entry;
    read_table(table, server_keys, entry);
    resolve_token(table, entry, config_file, env);
    check_server(table, entry);
    into = std::move(static_cast<server&>(entry));
}

void list_server_keys(const std::string& path, key_list& keys) {
    list_keys(std::span(server_keys), path, keys);
}

void read_features(const field& table, features& into) {
    read_table(table, features_keys, into);
}

void list_features_keys(const std::string& path, key_list& keys) {
    list_keys(std::span(features_keys), path, keys);
}

void read_responses(const field& table, stored_responses& into) {
    read_table(table, responses_keys, into);
}

void list_responses_keys(const std::string& path, key_list& keys) {
    list_keys(std::span(responses_keys), path, keys);
}

}  // namespace meta_model::config
