#include "config/upstream_credentials.hpp"

namespace meta_model::config {

namespace {

void check_combination(const field& table, const credential_keys& keys) {
    const bool has_password = keys.basic_auth_pass.is_configured();
    const auto error = [&](const std::string& text) {
        table.problems().error(table.key_at(), table.label() + ": " + text);
    };
    if (keys.api_key.is_configured() && (keys.basic_auth_user || has_password)) {
        error("an API key and basic_auth_* exclude each other");
    }
    if (keys.basic_auth_user && !has_password) {
        error("basic_auth_user needs basic_auth_pass, basic_auth_pass_env or basic_auth_pass_file");
    }
    if (has_password && !keys.basic_auth_user) {
        error("a basic_auth_pass source needs basic_auth_user");
    }
    if (keys.basic_auth_pass.count() > 1) {
        error("give only one of basic_auth_pass, basic_auth_pass_env and basic_auth_pass_file");
    }
}

}  // namespace

void read_basic_auth_user(const field& value, credential_keys& into) {
    std::string user;
    if (!value.read_filled(user)) {
        return;
    }
    // RFC 7617 §2: the first colon ends the user name.
    if (user.find(':') != std::string::npos) {
        value.error(": must not contain ':'");
    }
    into.basic_auth_user = placed_text{std::move(user), value.at()};
}

void resolve_credentials(
    const field& table,
    const credential_keys& keys,
    upstream& into,
    const std::string& config_file,
    const environment& env
) {
    check_combination(table, keys);
    into.basic_auth_user = keys.basic_auth_user ? keys.basic_auth_user->text : std::string();

    const auto resolve = [&](const secret_source& source) {
        auto fetched = fetch(source, config_file, env);
        if (fetched.value.empty() && !fetched.missing.empty()) {
            into.missing_secret = fetched.missing;
            table.problems().warning(
                fetched.missing_at,
                table.label() + ": calls to this upstream will fail: " + fetched.missing
            );
        }
        return std::move(fetched.value);
    };
    into.api_key = resolve(keys.api_key);
    into.basic_auth_pass = resolve(keys.basic_auth_pass);
}

}  // namespace meta_model::config
