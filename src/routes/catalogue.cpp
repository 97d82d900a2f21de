#include "routes/catalogue.hpp"

#include "base/text.hpp"
#include "http/connection.hpp"

#include <algorithm>
#include <charconv>

namespace meta_model::routes {

namespace {

// Model names may hold '/' and arrive percent-encoded.
std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned byte = 0;
        if (text[i] == '%' && i + 2 < text.size()
            && std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr
                   == text.data() + i + 3) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

net::task<> list_models(const dispatch::catalog& catalog, http::connection& c) {
    std::string body = R"({"object":"list","data":[)";
    for (const auto& m : catalog.models()) {
        body += body.back() == '[' ? "" : ",";
        body += m.json;
    }
    body += "]}";
    c.send(200, "application/json", {}, {body});
    co_return;
}

net::task<> one_model(const dispatch::catalog& catalog, http::connection& c) {
    const auto id = percent_decoded(c.request().path_rest);
    const auto& models = catalog.models();
    const auto exact = std::ranges::find(models, id, &dispatch::model_entry::id);
    if (exact != models.end()) {
        c.send(200, "application/json", {}, {exact->json});
        co_return;
    }
    co_await c.send_error(base::make_error(
        base::error_code_id::model_not_found,
        "The model '" + base::clip(id, 256) + "' does not exist.",
        "model"
    ));
}

}  // namespace

void add_catalogue_routes(http::router& router, const dispatch::catalog& catalog) {
    router.add({.method = "GET", .path = "/v1/models", .handler = [&catalog](http::connection& c) {
                    return list_models(catalog, c);
                }});
    router.add(
        {.method = "GET",
         .path = "/v1/models/",
         .match = http::path_match::prefix,
         .handler = [&catalog](http::connection& c) { return one_model(catalog, c); }}
    );
}

}  // namespace meta_model::routes
