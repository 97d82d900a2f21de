#include "http/route.hpp"

namespace meta_model::http {

namespace {

// Base URLs are often configured without /v1, so a path under it is served without it too.
std::string_view without_version(std::string_view path) {
    constexpr std::string_view version = "/v1";
    return path.starts_with("/v1/") ? path.substr(version.size()) : path;
}

// `rest` is set for prefix routes: what stands between `base` and the suffix, at least one byte.
bool matches_at(
    const route& row, std::string_view base, std::string_view path, std::string_view& rest
) {
    if (row.match == path_match::exact) {
        return path == base;
    }
    const auto fixed = base.size() + row.suffix.size();
    if (path.size() <= fixed || !path.starts_with(base) || !path.ends_with(row.suffix)) {
        return false;
    }
    rest = path.substr(base.size(), path.size() - fixed);
    return true;
}

bool matches(const route& row, std::string_view path, std::string_view& rest) {
    return matches_at(row, row.path, path, rest)
           || matches_at(row, without_version(row.path), path, rest);
}

std::string_view without_trailing_slash(std::string_view path) {
    return path.size() > 1 && path.back() == '/' ? path.substr(0, path.size() - 1) : path;
}

}  // namespace

std::string_view path_of(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.starts_with(scheme)) {
            // The authority ends with the path or, where the path is empty, with the query.
            const auto end = target.find_first_of("/?", scheme.size());
            const bool has_path = end != std::string_view::npos && target[end] == '/';
            target = has_path ? target.substr(end) : std::string_view("/");
        }
    }
    if (target == "*") {
        return target;
    }
    return target.starts_with('/') ? target.substr(0, target.find('?')) : std::string_view{};
}

std::string_view query_of(std::string_view target) {
    const auto at = target.find('?');
    return at == std::string_view::npos ? std::string_view{} : target.substr(at + 1);
}

route_match router::find(std::string_view method, std::string_view path) const {
    path = without_trailing_slash(path);
    route_match found;
    for (const auto& row : rows_) {
        std::string_view rest;
        if (!matches(row, path, rest)) {
            continue;
        }
        found.is_path_known = true;
        if (row.method == method || (method == "HEAD" && row.method == "GET")) {
            found.route = &row;
            found.path_rest = rest;
            return found;
        }
    }
    return found;
}

bool router::is_exempt(std::string_view path) const {
    path = without_trailing_slash(path);
    std::string_view rest;
    for (const auto& row : rows_) {
        if (matches(row, path, rest)) {
            return row.auth == auth_class::exempt;
        }
    }
    return false;
}

envelope_class router::envelope_of(std::string_view path) const {
    path = without_trailing_slash(path);
    const auto is_at_or_below = [&](std::string_view base) {
        return path.starts_with(base)
               && (path.size() == base.size() || base.ends_with('/') || path[base.size()] == '/');
    };
    for (const auto& row : rows_) {
        if (is_at_or_below(row.path) || is_at_or_below(without_version(row.path))) {
            return row.envelope;
        }
    }
    return envelope_class::openai;
}

}  // namespace meta_model::http
