#include "http/route.hpp"

namespace meta_model::http {

namespace {

// Base URLs are often configured without /v1.
bool same_path(const route& row, std::string_view path) {
    if (path == row.path) {
        return true;
    }
    return row.path.starts_with("/v1/") && path == std::string_view(row.path).substr(3);
}

bool matches(const route& row, std::string_view path, std::string_view& rest) {
    if (row.match == path_match::exact) {
        return same_path(row, path);
    }
    for (const auto base : {std::string_view(row.path), std::string_view(row.path).substr(3)}) {
        if (path.size() > base.size() && path.starts_with(base)) {
            rest = path.substr(base.size());
            return true;
        }
    }
    return false;
}

std::string_view without_trailing_slash(std::string_view path) {
    return path.size() > 1 && path.back() == '/' ? path.substr(0, path.size() - 1) : path;
}

}  // namespace

std::string_view path_of(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.starts_with(scheme)) {
            const auto slash = target.find('/', scheme.size());
            target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
        }
    }
    if (target == "*") {
        return target;
    }
    return target.starts_with('/') ? target.substr(0, target.find('?')) : std::string_view{};
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

}  // namespace meta_model::http
