#include "http/auth.hpp"

#include "base/text.hpp"

namespace meta_model::http {

namespace {

base::error refused(base::error_code_id id, std::string_view message) {
    return base::make_error(id, std::string(message));
}

}  // namespace

base::result<credential_id> authenticate(
    const key_store& keys, std::string_view authorization, std::string_view api_key
) {
    using base::error_code_id;
    if (keys.is_open()) {
        return anyone;
    }
    const bool is_bearer = authorization.size() >= 6
                           && base::ascii_iequals(authorization.substr(0, 6), "bearer")
                           && (authorization.size() == 6 || authorization[6] == ' ');
    if (!is_bearer && api_key.empty()) {
        return refused(
            error_code_id::missing_api_key,
            "No API key was given. Send it in an Authorization header: 'Authorization: Bearer KEY'."
        );
    }
    const auto bearer = is_bearer ? base::trim(authorization.substr(6)) : std::string_view{};
    const bool are_two = is_bearer && !api_key.empty() && bearer != api_key;
    const auto who = keys.find(is_bearer ? bearer : api_key);
    if (are_two || !who) {
        return refused(error_code_id::invalid_api_key, "The API key is not valid.");
    }
    return *who;
}

}  // namespace meta_model::http
