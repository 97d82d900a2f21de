// One request as a handler sees it. The views are of the connection's input and live until the reply is complete.
#pragma once

#include <string_view>

namespace meta_model::http {

struct request {
    std::string_view method{};
    std::string_view path{};       // without query; the route's own spelling
    std::string_view path_rest{};  // behind the path of a prefix route, before its suffix
    std::string_view query{};      // behind the question mark, as sent
    std::string_view origin{};
    std::string_view accept{};
    std::string_view content_type{};
    std::string_view forwarded[4]{};  // OpenAI-Beta, anthropic-beta, traceparent, tracestate
    std::string_view body{};          // after read_body()
    bool names_anthropic_version = false;
    std::string_view anthropic_version{};
};

inline constexpr std::string_view forwarded_names[4] = {
    "OpenAI-Beta", "anthropic-beta", "traceparent", "tracestate"
};

}  // namespace meta_model::http
