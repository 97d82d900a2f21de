#include "http/cors.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace meta_model::http {

std::string_view allowed_origin(const std::vector<std::string>& allowed, std::string_view origin) {
    if (std::ranges::find(allowed, "*") != allowed.end()) {
        return "*";
    }
    return !origin.empty() && std::ranges::find(allowed, origin) != allowed.end()
               ? origin
               : std::string_view{};
}

void append_cors_lines(std::string& lines, std::string_view allow_origin, std::string_view origin) {
    lines += "Vary: Origin\r\n";
    if (allow_origin.empty()) {
        return;
    }
    lines += "Access-Control-Allow-Origin: ";
    lines += allow_origin;
    lines += "\r\n";
    if (origin.empty()) {
        return;
    }
    // A wildcard would also do, but not for requests with credentials.
    lines +=
        "Access-Control-Expose-Headers: X-Request-Id, OpenAI-Request-Id, X-MetaModel-Request-Id, "
        "X-MetaModel-Profile, X-MetaModel-Generators, X-MetaModel-Quorum, "
        "X-MetaModel-Fallback-Reason, "
        "X-MetaModel-Fastpath, X-MetaModel-Synth-Decision, X-MetaModel-Degraded, "
        "X-MetaModel-Failed-Generators, "
        "X-MetaModel-Usage, X-MetaModel-Total-Tokens, X-MetaModel-Cost-USD, "
        "X-MetaModel-Schema-Valid, X-MetaModel-Multimodal-Path, X-MetaModel-Multimodal-Attempts, "
        "X-MetaModel-Multimodal-Upstream, X-MetaModel-Tokenizer-Upstream, X-MetaModel-Vision-Path, "
        "X-MetaModel-Vision-Describe-Chars, "
        "X-MetaModel-Cascade-Tried, X-MetaModel-Cascade-Rejected, X-MetaModel-Cascade-Winner, "
        "Retry-After, retry-after-ms, x-should-retry\r\n";
}

void append_preflight_lines(
    std::string& lines, std::string_view allow_origin, std::string_view requested_headers
) {
    if (allow_origin.empty()) {
        return;
    }
    lines += "Access-Control-Allow-Origin: ";
    lines += allow_origin;
    lines +=
        "\r\nAccess-Control-Allow-Methods: GET, POST, DELETE, "
        "OPTIONS\r\nAccess-Control-Allow-Headers: ";
    lines += requested_headers.empty() ? "authorization, content-type"
                                       : base::header_safe(requested_headers, 2048);
    lines += "\r\nAccess-Control-Max-Age: 86400\r\nVary: Origin\r\n";
}

std::string with_vary_origin(std::string_view vary) {
    for (auto rest = vary; !rest.empty();) {
        const auto comma = rest.find(',');
        if (base::ascii_iequals(base::trim(rest.substr(0, comma)), "origin")) {
            return std::string(vary);
        }
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    return vary.empty() ? "Origin" : std::string(vary) + ", Origin";
}

}  // namespace meta_model::http
