#include "routes/catalogue.hpp"

#include "api/json_text.hpp"
#include "base/text.hpp"
#include "http/connection.hpp"
#include "routes/query_values.hpp"

#include <algorithm>
#include <ctime>

namespace meta_model::routes {

namespace {

// As Anthropic lists its models.
void append_anthropic_model(
    std::string& out, const dispatch::catalog& catalog, std::string_view id
) {
    out += R"({"type":"model","id":)";
    api::append_json_string(out, id);
    out += R"(,"display_name":)";
    api::append_json_string(out, id);
    out += R"(,"created_at":")";
    const std::time_t created = catalog.created();
    std::tm parts{};
    ::gmtime_r(&created, &parts);
    char text[32];
    out.append(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
    out += "\"}";
}

std::string anthropic_list(const dispatch::catalog& catalog) {
    const auto& models = catalog.models();
    std::string out = R"({"data":[)";
    for (const auto& m : models) {
        out += out.back() == '[' ? "" : ",";
        append_anthropic_model(out, catalog, m.id);
    }
    out += R"(],"has_more":false,"first_id":)";
    if (models.empty()) {
        out += R"(null,"last_id":null})";
        return out;
    }
    api::append_json_string(out, models.front().id);
    out += R"(,"last_id":)";
    api::append_json_string(out, models.back().id);
    out += '}';
    return out;
}

net::task<> list_models(const dispatch::catalog& catalog, http::connection& c) {
    if (c.request().names_anthropic_version) {
        c.send(200, "application/json", {}, {anthropic_list(catalog)});
        co_return;
    }
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
    // Model names may hold '/' and arrive percent-encoded.
    const auto id = percent_decoded(c.request().path_rest);
    const auto& models = catalog.models();
    const auto exact = std::ranges::find(models, id, &dispatch::model_entry::id);
    if (exact != models.end() && c.request().names_anthropic_version) {
        std::string body;
        append_anthropic_model(body, catalog, exact->id);
        c.send(200, "application/json", {}, {body});
        co_return;
    }
    if (exact != models.end()) {
        c.send(200, "application/json", {}, {exact->json});
        co_return;
    }
    // Named before it is awaited: g++ 12 ends a conditional's temporary twice.
    const auto shown = base::is_valid_utf8(id) ? base::clip(id, 256) : std::string("?");
    const auto unknown = base::make_error(
        base::error_code_id::model_not_found, "The model '" + shown + "' does not exist.", "model"
    );
    co_await c.send_error(unknown);
}

}  // namespace

void add_catalogue_routes(http::router& router, const dispatch::catalog& catalog) {
    router.add(
        {.method = "GET",
         .path = "/v1/models",
         .envelope = http::envelope_class::by_version,
         .handler = [&catalog](http::connection& c) { return list_models(catalog, c); }}
    );
    router.add(
        {.method = "GET",
         .path = "/v1/models/",
         .match = http::path_match::prefix,
         .envelope = http::envelope_class::by_version,
         .handler = [&catalog](http::connection& c) { return one_model(catalog, c); }}
    );
}

}  // namespace meta_model::routes
