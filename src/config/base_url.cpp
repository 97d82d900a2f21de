#include "config/base_url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace meta_model::config {

namespace {

std::string_view fault_of(std::string_view text, bool& is_https) {
    const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
    if (!parsed) {
        return "is not an absolute URL such as http://localhost:8000/v1";
    }
    const auto& url = *parsed;
    if (url.scheme_id() != boost::urls::scheme::http
        && url.scheme_id() != boost::urls::scheme::https) {
        return "must begin with http:// or https://";
    }
    is_https = url.scheme_id() == boost::urls::scheme::https;
    if (!url.has_authority() || url.encoded_host().empty()) {
        return "names no host";
    }
    if (url.has_userinfo()) {
        return "must not hold a user name or password; use basic_auth_user and its password keys";
    }
    if (url.host_type() == boost::urls::host_type::ipvfuture
        || url.encoded_host().find('%') != boost::urls::string_view::npos) {
        return "names a host that cannot be resolved";
    }
    // port_number() is 0 for what does not fit 16 bits.
    if (url.has_port() && url.port_number() == 0) {
        return "has an unusable port";
    }
    if (url.has_fragment()) {
        return "must not have a fragment (#…)";
    }
    return {};
}

}  // namespace

checked_url check_base_url(std::string_view text) {
    const auto query = std::min(text.find('?'), text.size());
    auto path_end = query;
    while (path_end > 0 && text[path_end - 1] == '/') {
        --path_end;
    }
    checked_url out;
    out.url = std::string(text.substr(0, path_end)) + std::string(text.substr(query));
    out.fault = fault_of(text, out.is_https);
    return out;
}

}  // namespace meta_model::config
