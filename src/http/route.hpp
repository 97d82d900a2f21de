// The table of what is served where. A family of endpoints adds its rows; the connection reads auth class and body
// class from them, so that nothing can be served without having been classified.
#pragma once

#include "net/asio_types.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::http {

class connection;

enum class auth_class { token, exempt };
enum class body_class { none, json };
enum class path_match { exact, prefix };
// How errors are told: as OpenAI does or as Anthropic does; `by_version`: the latter to who names the version of its API.
enum class envelope_class { openai, anthropic, by_version };

struct route {
    std::string_view method;  // GET routes answer HEAD too
    std::string path;
    path_match match = path_match::exact;
    std::string suffix{};  // of a prefix route: what ends the path behind the part that varies
    auth_class auth = auth_class::token;
    body_class body = body_class::none;
    envelope_class envelope = envelope_class::openai;
    std::function<net::task<>(connection&)> handler;
};

struct route_match {
    const http::route* route = nullptr;
    bool is_path_known = false;  // the path exists, perhaps with another method
    std::string_view path_rest{};
};

class router {
public:
    void add(http::route row) { rows_.push_back(std::move(row)); }

    // `path` without query. `/v1/…` is also found without its prefix and with a trailing slash.
    route_match find(std::string_view method, std::string_view path) const;

    // True when the path needs no credential. Unknown paths need one.
    bool is_exempt(std::string_view path) const;

    // How errors are told of a path, whatever the method, and of what would stand below it.
    envelope_class envelope_of(std::string_view path) const;

    const std::vector<http::route>& rows() const { return rows_; }

private:
    std::vector<http::route> rows_;
};

// The path of a request target in origin or absolute form, without query; empty when it is neither.
std::string_view path_of(std::string_view target);
// What stands behind its question mark.
std::string_view query_of(std::string_view target);

}  // namespace meta_model::http
