#include "config/upstream_tables.hpp"

#include "config/base_url.hpp"
#include "config/json_text.hpp"
#include "config/tls_table.hpp"
#include "config/upstream_credentials.hpp"
#include "config/upstream_headers.hpp"

#include <algorithm>

namespace meta_model::config {

namespace {

constexpr choice<modality> modalities[] = {
    {"text", modality::text},
    {"image", modality::image},
    {"video", modality::video},
    {"audio", modality::audio},
};
constexpr choice<wire_protocol> protocols[] = {
    {"openai", wire_protocol::openai},
    {"anthropic", wire_protocol::anthropic},
    {"test", wire_protocol::test},
};
constexpr choice<openai_wire> openai_wires[] = {
    {"chat", openai_wire::chat},
    {"responses", openai_wire::responses},
};
constexpr choice<health_check> health_checks[] = {
    {"models", health_check::models},
    {"off", health_check::off},
};
constexpr choice<balance_rule> balance_rules[] = {
    {"least_in_flight", balance_rule::least_in_flight},
    {"round_robin", balance_rule::round_robin},
    {"prefix_affinity", balance_rule::prefix_affinity},
};
constexpr choice<max_tokens_name> max_tokens_names[] = {
    {"max_tokens", max_tokens_name::max_tokens},
    {"max_completion_tokens", max_tokens_name::max_completion_tokens},
};
constexpr choice<test_fault> test_faults[] = {
    {"none", test_fault::none},
    {"status", test_fault::status},
    {"cut", test_fault::cut},
    {"hang", test_fault::hang},
    {"garbage", test_fault::garbage},
};

enum class word {
    none,
    minimal,
    low,
    medium,
    high,
    xhigh,
    max,
    adaptive,
    enabled,
    off,
    prompt,
    native
};
constexpr choice<word> efforts[] = {
    {"none", word::none},
    {"minimal", word::minimal},
    {"low", word::low},
    {"medium", word::medium},
    {"high", word::high},
    {"xhigh", word::xhigh},
    {"max", word::max},
};
constexpr choice<word> anthropic_efforts[] = {
    {"low", word::low},
    {"medium", word::medium},
    {"high", word::high},
    {"xhigh", word::xhigh},
    {"max", word::max},
};
constexpr choice<word> thinking_modes[] = {
    {"adaptive", word::adaptive},
    {"enabled", word::enabled},
    {"off", word::off},
};
constexpr choice<word> schema_wordings[] = {
    {"prompt", word::prompt},
    {"native", word::native},
    {"off", word::off},
};

// Members that the gateway itself decides on; overriding them would break the reply.
constexpr std::string_view decided_members[] = {"stream", "stream_options", "n", "x_meta_model"};
// What the client says, on one wire or another; overridden, every client would be answered to the same words.
constexpr std::string_view clients_members[] = {
    "messages", "input", "prompt", "query", "documents"
};
constexpr std::string_view undroppable[] = {
    "model", "messages", "stream", "input", "query", "documents"
};
// Legal, but without effect: what they set is stamped on the body after them.
constexpr std::string_view ineffective_overrides[] = {"model", "chat_template_kwargs"};

template <std::size_t N>
bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
    return std::ranges::find(names, name) != std::end(names);
}

template <std::size_t N>
void read_word(const field& f, std::string& into, const choice<word> (&choices)[N]) {
    word chosen{};
    if (f.read(chosen, choices)) {
        into = *f.value().as<std::string>();
    }
}

struct upstream_entry : upstream {
    credential_keys credentials{};
    tls_keys tls_table{};
    std::vector<header_entry> header_table{};
    bool has_https = false;
    bool has_test_table = false;
};

void read_dropped(const field& f, openai_options& o) {
    f.read_distinct(o.drop_params);
    for (std::size_t i = 0; i < o.drop_params.size(); ++i) {
        if (is_one_of(undroppable, o.drop_params[i])) {
            f.element(i).error(" = '" + o.drop_params[i] + "': a request cannot do without it");
        }
    }
}

constexpr key_row<openai_options> openai_keys[] = {
    {"reasoning_effort",
     [](const field& f, openai_options& o) { read_word(f, o.reasoning_effort, efforts); }},
    {"max_tokens_param",
     [](const field& f, openai_options& o) { f.read(o.max_tokens_param, max_tokens_names); }},
    {"drop_params", read_dropped},
};

constexpr key_row<anthropic_options> anthropic_keys[] = {
    {"version", [](const field& f, anthropic_options& o) { f.read_filled(o.version); }},
    {"thinking",
     [](const field& f, anthropic_options& o) { read_word(f, o.thinking, thinking_modes); }},
    {"effort",
     [](const field& f, anthropic_options& o) { read_word(f, o.effort, anthropic_efforts); }},
    {"budget_tokens", [](const field& f, anthropic_options& o) { f.read(o.budget_tokens, from(1)); }
    },
    {"prompt_caching", [](const field& f, anthropic_options& o) { f.read(o.prompt_caching); }},
    {"structured_outputs",
     [](const field& f, anthropic_options& o) {
         read_word(f, o.structured_outputs, schema_wordings);
     }},
};

constexpr key_row<upstream_timeouts> timeouts_keys[] = {
    {"connect_secs", [](const field& f, upstream_timeouts& t) { f.read(t.connect); }},
    {"first_byte_secs", [](const field& f, upstream_timeouts& t) { f.read(t.first_byte); }},
    {"first_token_secs", [](const field& f, upstream_timeouts& t) { f.read(t.first_token); }},
    {"idle_secs", [](const field& f, upstream_timeouts& t) { f.read(t.idle); }},
    {"total_secs", [](const field& f, upstream_timeouts& t) { f.read(t.total, above_zero()); }},
};

void read_milliseconds(const field& f, std::chrono::milliseconds& into) {
    std::int64_t ms = 0;
    if (f.read(ms, between(0, 600'000))) {
        into = std::chrono::milliseconds(ms);
    }
}

constexpr key_row<upstream_retry> retry_keys[] = {
    {"max_attempts",
     [](const field& f, upstream_retry& r) { f.read(r.max_attempts, between(1, 10)); }},
    {"base_ms", [](const field& f, upstream_retry& r) { read_milliseconds(f, r.base); }},
    {"cap_ms", [](const field& f, upstream_retry& r) { read_milliseconds(f, r.cap); }},
    {"budget_ratio", [](const field& f, upstream_retry& r) { f.read(r.budget_ratio, within(0, 1)); }
    },
};

// Beyond any price list: a typing mistake.
constexpr double highest_usd_per_mtok = 100'000;

base::money read_price(const field& f) {
    double usd = 0;
    f.read(usd, within(0, highest_usd_per_mtok));
    return base::per_token(usd);
}

constexpr key_row<upstream_pricing> pricing_keys[] = {
    {"input_usd_per_mtok", [](const field& f, upstream_pricing& p) { p.input = read_price(f); }},
    {"cached_input_usd_per_mtok",
     [](const field& f, upstream_pricing& p) { p.cached_input = read_price(f); }},
    {"cache_write_usd_per_mtok",
     [](const field& f, upstream_pricing& p) { p.cache_write = read_price(f); }},
    {"output_usd_per_mtok", [](const field& f, upstream_pricing& p) { p.output = read_price(f); }},
};

constexpr key_row<upstream_breaker> breaker_keys[] = {
    {"failures", [](const field& f, upstream_breaker& b) { f.read(b.failures, from(1)); }},
    {"window_secs", [](const field& f, upstream_breaker& b) { f.read(b.window); }},
    {"open_secs", [](const field& f, upstream_breaker& b) { f.read(b.open); }},
};

constexpr key_row<upstream_limits> upstream_limits_keys[] = {
    {"max_reply_bytes",
     [](const field& f, upstream_limits& l) { f.read(l.max_reply_bytes, bytes_from(1)); }},
};

constexpr key_row<test_options> test_keys[] = {
    {"first_token_ms", [](const field& f, test_options& t) { read_milliseconds(f, t.first_token); }
    },
    {"chunk_ms", [](const field& f, test_options& t) { read_milliseconds(f, t.chunk); }},
    {"fail", [](const field& f, test_options& t) { f.read(t.fail, test_faults); }},
    {"status", [](const field& f, test_options& t) { f.read(t.status, between(400, 599)); }},
};

void read_modalities(const field& f, upstream_entry& u) {
    std::vector<std::string> names;
    if (!f.read_distinct(names)) {
        return;
    }
    u.modalities.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
        modality m{};
        if (f.element(i).read(m, modalities)) {
            u.modalities.push_back(m);
        }
    }
    if (std::ranges::find(names, "text") == names.end()) {
        f.error(": must contain 'text'");
    }
}

void read_overrides(const field& f, upstream_entry& u) {
    const auto* members = f.value().as<node::table>();
    if (members == nullptr) {
        f.wrong_type("a table");
        return;
    }
    for (const auto& m : *members) {
        const field value(value_label(f, m.key), m.value, m.at, f.problems());
        const bool is_decided = is_one_of(decided_members, m.key);
        if (is_decided || is_one_of(clients_members, m.key)) {
            const auto* const why = is_decided ? ": the gateway decides on this member"
                                               : ": this is what the client says";
            f.problems().error(m.at, value.label() + why + "; it cannot be overridden");
            continue;
        }
        auto text = json_text_of(value);
        if (text && !is_one_of(ineffective_overrides, m.key)) {
            u.request_overrides.emplace_back(m.key, std::move(*text));
        }
    }
}

void read_template_kwargs(const field& f, upstream_entry& u) {
    if (f.value().as<node::table>() == nullptr) {
        f.wrong_type("a table");
        return;
    }
    if (auto text = json_text_of(f); text && *text != "{}") {
        u.chat_template_kwargs = std::move(*text);
    }
}

void read_base_url(const field& f, upstream_entry& u) {
    std::string text;
    if (!f.read_filled(text)) {
        return;
    }
    auto checked = check_base_url(text);
    if (!checked.fault.empty()) {
        f.error(": " + std::string(checked.fault));
    } else if (std::ranges::find(u.base_urls, checked.url) != u.base_urls.end()) {
        f.error(": is a duplicate");
    } else {
        u.base_urls.push_back(std::move(checked.url));
        u.has_https = u.has_https || checked.is_https;
    }
}

void read_base_urls(const field& f, upstream_entry& u) {
    const auto* urls = f.value().as<node::array>();
    if (urls == nullptr) {
        f.wrong_type("an array of strings");
        return;
    }
    if (urls->empty() || urls->size() > max_endpoints) {
        f.error(": names between 1 and " + std::to_string(max_endpoints) + " URLs");
        return;
    }
    for (std::size_t i = 0; i < urls->size(); ++i) {
        read_base_url(f.element(i), u);
    }
}

template <class T, const auto& Rows>
constexpr void list_rows(const std::string& path, key_list& keys) {
    list_keys(std::span(Rows), path, keys);
}

constexpr key_row<upstream_entry> upstream_keys[] = {
    {"model_id",
     [](const field& f, upstream_entry& u) { f.read_filled(u.model_id); },
     nullptr,
     presence::required},
    {"base_url", read_base_url},
    {"base_urls", read_base_urls},
    {"balance", [](const field& f, upstream_entry& u) { f.read(u.balance, balance_rules); }},
    {"context",
     [](const field& f, upstream_entry& u) { f.read(u.context, from(1)); },
     nullptr,
     presence::required},
    {"max_output",
     [](const field& f, upstream_entry& u) { f.read(u.max_output, from(1)); },
     nullptr,
     presence::required},
    {"max_n", [](const field& f, upstream_entry& u) { f.read(u.max_n, between(1, max_choices)); }},
    {"protocol", [](const field& f, upstream_entry& u) { f.read(u.protocol, protocols); }},
    {"wire", [](const field& f, upstream_entry& u) { f.read(u.wire, openai_wires); }},
    {"stream", [](const field& f, upstream_entry& u) { f.read(u.stream); }},
    {"health_check", [](const field& f, upstream_entry& u) { f.read(u.health, health_checks); }},
    {"supports_thinking", [](const field& f, upstream_entry& u) { f.read(u.supports_thinking); }},
    {"supports_prefill", [](const field& f, upstream_entry& u) { f.read(u.supports_prefill); }},
    {"chat_template_kwargs", read_template_kwargs},
    {"quota_group", [](const field& f, upstream_entry& u) { f.read_filled(u.quota_group); }},
    {"requires_leading_system_only",
     [](const field& f, upstream_entry& u) { f.read(u.requires_leading_system_only); }},
    {"request_overrides", read_overrides},
    {"modalities", read_modalities},
    {"supports_function_calling",
     [](const field& f, upstream_entry& u) { f.read(u.supports_function_calling); }},
    {"api_key", [](const field& f, upstream_entry& u) { read_literal(f, u.credentials.api_key); }},
    {"api_key_env",
     [](const field& f, upstream_entry& u) { read_variable(f, u.credentials.api_key); }},
    {"api_key_file", [](const field& f, upstream_entry& u) { read_path(f, u.credentials.api_key); }
    },
    {"basic_auth_user",
     [](const field& f, upstream_entry& u) { read_basic_auth_user(f, u.credentials); }},
    {"basic_auth_pass",
     [](const field& f, upstream_entry& u) { read_literal(f, u.credentials.basic_auth_pass); }},
    {"basic_auth_pass_env",
     [](const field& f, upstream_entry& u) { read_variable(f, u.credentials.basic_auth_pass); }},
    {"basic_auth_pass_file",
     [](const field& f, upstream_entry& u) { read_path(f, u.credentials.basic_auth_pass); }},
    {"headers", [](const field& f, upstream_entry& u) { read_headers(f, u.header_table); }},
    {"openai",
     [](const field& f, upstream_entry& u) { read_table(f, openai_keys, u.openai.emplace()); },
     list_rows<openai_options, openai_keys>},
    {"anthropic",
     [](const field& f, upstream_entry& u) {
         read_table(f, anthropic_keys, u.anthropic.emplace());
     },
     list_rows<anthropic_options, anthropic_keys>},
    {"tls", [](const field& f, upstream_entry& u) { read_tls(f, u.tls_table); }, list_tls_keys},
    nested_table<upstream_entry, &upstream_entry::timeouts, timeouts_keys>("timeouts"),
    nested_table<upstream_entry, &upstream_entry::retry, retry_keys>("retry"),
    nested_table<upstream_entry, &upstream_entry::breaker, breaker_keys>("breaker"),
    nested_table<upstream_entry, &upstream_entry::pricing, pricing_keys>("pricing"),
    nested_table<upstream_entry, &upstream_entry::limits, upstream_limits_keys>("limits"),
    {"test",
     [](const field& f, upstream_entry& u) {
         u.has_test_table = true;
         read_table(f, test_keys, u.test);
     },
     list_rows<test_options, test_keys>},
};

// What Anthropic takes for the part of a prompt that it writes to its cache for five minutes: five quarters of the rest.
void default_cache_write(upstream& u) {
    auto& p = u.pricing;
    if (u.protocol == wire_protocol::anthropic && !p.cache_write && p.input != base::money{}) {
        p.cache_write = base::money{base::times(p.input, 5).pico_usd / 4};
    }
}

// Only one protocol has a choice.
void check_wire(const field& table, const upstream_entry& u) {
    const auto* wire = table.value().find("wire");
    if (wire != nullptr && u.protocol != wire_protocol::openai) {
        table.problems().error(
            wire->at, value_label(table, "wire") + ": only with protocol = \"openai\""
        );
    }
}

// A nested table that only one protocol has.
void check_block(
    const field& table, const upstream_entry& u, std::string_view name, wire_protocol wanted
) {
    const auto* block = table.value().find(name);
    if (block != nullptr && u.protocol != wanted) {
        table.problems().error(
            block->at,
            nested_label(table, name) + ": only with protocol = \"" + std::string(name) + "\""
        );
    }
}

// Where the gateway cannot say `n`, it cannot ask for several choices.
void check_choices(const field& table, const upstream_entry& u) {
    if (u.max_n == 1) {
        return;
    }
    const auto fault = [&](const std::string& why) {
        table.problems().error(table.at("max_n"), table.label() + ".max_n: " + why);
    };
    if (u.protocol == wire_protocol::anthropic) {
        fault("the Messages API gives one answer a call, so that it must be 1");
    } else if (u.openai
               && std::ranges::find(u.openai->drop_params, "n") != u.openai->drop_params.end()) {
        fault("openai.drop_params removes n, so that it must be 1");
    }
}

}  // namespace

void read_upstream(
    const field& table, upstream& into, const std::string& config_file, const environment& env
) {
    upstream_entry entry;
    entry.key = into.key;
    read_table(table, upstream_keys, entry);
    resolve_credentials(table, entry.credentials, entry, config_file, env);
    resolve_headers(table, entry.header_table, entry, config_file, env);
    resolve_tls(table, entry.tls_table, entry.has_https, entry, config_file, env);
    default_cache_write(entry);
    check_choices(table, entry);
    check_wire(table, entry);
    check_block(table, entry, "openai", wire_protocol::openai);
    check_block(table, entry, "anthropic", wire_protocol::anthropic);
    check_block(table, entry, "test", wire_protocol::test);
    const bool has_one = table.value().find("base_url") != nullptr;
    const bool has_list = table.value().find("base_urls") != nullptr;
    if (has_one && has_list) {
        table.problems().error(
            table.at("base_urls"), table.label() + ": base_url and base_urls exclude each other"
        );
    } else if (entry.protocol != wire_protocol::test && !has_one && !has_list) {
        report_missing(table, "base_url");
    }
    into = std::move(static_cast<upstream&>(entry));
}

void list_upstream_keys(const std::string& path, key_list& keys) {
    list_keys(std::span(upstream_keys), path, keys);
}

}  // namespace meta_model::config
