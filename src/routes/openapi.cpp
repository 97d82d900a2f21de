#include "routes/openapi.hpp"

#include "api/request_shape.hpp"
#include "base/text.hpp"
#include "http/connection.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace meta_model::routes {

namespace {

using json = nlohmann::ordered_json;

// The replies with status 200, as far as clients may rely on them.
constexpr std::string_view reply_schemas = R"({
"Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object",
  "required": ["message", "type", "param", "code"], "properties": {
    "message": {"type": "string"}, "type": {"type": "string"},
    "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]}}}}},
"Usage": {"type": ["object", "null"], "properties": {
  "prompt_tokens": {"type": "integer"}, "completion_tokens": {"type": "integer"}, "total_tokens": {"type": "integer"}}},
"ChatCompletion": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
  "id": {"type": "string"}, "object": {"const": "chat.completion"}, "created": {"type": "integer"},
  "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["index", "message"], "properties": {
    "index": {"type": "integer"}, "finish_reason": {"type": ["string", "null"]},
    "message": {"type": "object", "required": ["role"], "properties": {"role": {"const": "assistant"}}}}}}}},
"ChatCompletionChunk": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
  "id": {"type": "string"}, "object": {"const": "chat.completion.chunk"}, "created": {"type": "integer"},
  "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"}, "x_meta_model": {"type": "object"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["index", "delta"], "properties": {
    "index": {"type": "integer"}, "finish_reason": {"type": ["string", "null"]}, "delta": {"type": "object"}}}}}},
"TextCompletion": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
  "id": {"type": "string", "pattern": "^cmpl-"}, "object": {"const": "text_completion"},
  "created": {"type": "integer"}, "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"},
  "choices": {"type": "array", "items": {"type": "object",
    "required": ["text", "index", "logprobs", "finish_reason"], "properties": {
      "text": {"type": "string"}, "index": {"type": "integer"}, "finish_reason": {"type": ["string", "null"]}}}}}},
"Response": {"type": "object",
  "required": ["id", "object", "created_at", "status", "error", "incomplete_details", "model", "output", "output_text",
    "usage", "tools", "tool_choice", "parallel_tool_calls", "metadata"],
  "properties": {
    "id": {"type": "string", "pattern": "^resp_[0-9a-f]{24}$"}, "object": {"const": "response"},
    "created_at": {"type": "integer"}, "model": {"type": "string"}, "output_text": {"type": "string"},
    "status": {"enum": ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]},
    "usage": {"type": ["object", "null"], "properties": {"input_tokens": {"type": "integer"},
      "output_tokens": {"type": "integer"}, "total_tokens": {"type": "integer"}}},
    "output": {"type": "array", "items": {"type": "object", "required": ["id", "type", "status"], "properties": {
      "id": {"type": "string"},
      "type": {"enum": ["reasoning", "message", "function_call", "custom_tool_call"]}}}}}},
"Embeddings": {"type": "object", "required": ["object", "data"], "properties": {
  "object": {"const": "list"}, "usage": {"$ref": "#/components/schemas/Usage"},
  "data": {"type": "array", "items": {"type": "object", "required": ["index", "embedding"], "properties": {
    "index": {"type": "integer"},
    "embedding": {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]}}}}}},
"Ranking": {"type": "object", "required": ["results"], "properties": {"results": {"type": "array",
  "items": {"type": "object", "required": ["index", "relevance_score"], "properties": {
    "index": {"type": "integer"}, "relevance_score": {"type": "number"}}}}}},
"Moderations": {"type": "object", "required": ["results"], "properties": {"results": {"type": "array",
  "items": {"type": "object", "required": ["flagged"], "properties": {"flagged": {"type": "boolean"}}}}}},
"TokenCount": {"type": "object", "properties": {
  "count": {"type": "integer"}, "max_model_len": {"type": "integer"}, "tokens": {"type": "array"},
  "estimated": {"const": true}}},
"MessagesError": {"type": "object", "required": ["type", "error", "request_id"], "properties": {
  "type": {"const": "error"}, "request_id": {"type": "string"}, "error": {"type": "object",
    "required": ["type", "message"], "properties": {"type": {"type": "string"}, "message": {"type": "string"}}}}},
"Message": {"type": "object",
  "required": ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"], "properties": {
    "id": {"type": "string", "pattern": "^msg_"}, "type": {"const": "message"}, "role": {"const": "assistant"},
    "model": {"type": "string"}, "content": {"type": "array", "items": {"type": "object", "required": ["type"]}},
    "stop_reason": {"enum": ["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]},
    "stop_sequence": {"type": ["string", "null"]},
    "usage": {"type": "object", "required": ["input_tokens", "output_tokens"], "properties": {
      "input_tokens": {"type": "integer"}, "output_tokens": {"type": "integer"}}}}},
"InputTokens": {"type": "object", "required": ["input_tokens"], "properties": {
  "input_tokens": {"type": "integer"}}},
"Model": {"type": "object", "required": ["id", "object", "created", "owned_by"], "properties": {
  "id": {"type": "string"}, "object": {"const": "model"}, "created": {"type": "integer"},
  "owned_by": {"type": "string"}}},
"Models": {"type": "object", "required": ["object", "data"], "properties": {
  "object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}},
"AnthropicModel": {"type": "object", "required": ["type", "id", "display_name", "created_at"], "properties": {
  "type": {"const": "model"}, "id": {"type": "string"}, "display_name": {"type": "string"},
  "created_at": {"type": "string"}}},
"AnthropicModels": {"type": "object", "required": ["data", "has_more", "first_id", "last_id"], "properties": {
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/AnthropicModel"}}, "has_more": {"const": false},
  "first_id": {"type": ["string", "null"]}, "last_id": {"type": ["string", "null"]}}},
"ProfileMetrics": {"type": "object", "required": ["ring_size", "profiles"], "properties": {
  "ring_size": {"type": "integer"}, "profiles": {"type": "object", "additionalProperties": {"type": "object",
    "required": ["calls", "outcomes"], "properties": {
      "calls": {"type": "integer", "minimum": 1}, "outcomes": {"type": "object"}}}}}},
"ResponseInputTokens": {"type": "object", "required": ["object", "input_tokens"], "properties": {
  "object": {"const": "response.input_tokens"}, "input_tokens": {"type": "integer"}}},
"InputItems": {"type": "object", "required": ["object", "data", "first_id", "last_id", "has_more"], "properties": {
  "object": {"const": "list"}, "first_id": {"type": ["string", "null"]}, "last_id": {"type": ["string", "null"]},
  "has_more": {"type": "boolean"}, "data": {"type": "array", "items": {"type": "object",
    "required": ["id", "type"], "properties": {"id": {"type": "string"}, "type": {"type": "string"}}}}}},
"DeletedResponse": {"type": "object", "required": ["id", "object", "deleted"], "properties": {
  "id": {"type": "string"}, "object": {"const": "response"}, "deleted": {"const": true}}},
"Health": {"type": "object", "required": ["status", "unhealthy_upstreams", "version"], "properties": {
  "status": {"enum": ["ok", "unhealthy", "draining"]}, "version": {"type": "string"},
  "unhealthy_upstreams": {"type": "array", "items": {"type": "object", "required": ["name", "reason"]}}}},
"Liveness": {"type": "object", "required": ["status"], "properties": {"status": {"const": "alive"}}}
})";

struct reply_row {
    std::string_view path;
    std::string_view schema;
    bool is_streamed = false;
    std::string_view method = {};                // empty: whatever the path serves
    std::string_view suffix = {};                // of a prefix route
    std::string_view to_anthropic_clients = {};  // schema of what they get instead
    std::string_view event = {};                 // schema of an event's data
};

// Paths that are not here reply with an object of their own.
constexpr std::array replies{
    reply_row{
        .path = "/v1/chat/completions",
        .schema = "ChatCompletion",
        .is_streamed = true,
        .event = "ChatCompletionChunk"
    },
    reply_row{"/v1/completions", "TextCompletion", true},
    reply_row{"/v1/responses", "Response", true},
    reply_row{"/v1/responses/input_tokens", "ResponseInputTokens"},
    reply_row{"/v1/responses/", "Response", true, "GET"},
    reply_row{"/v1/responses/", "DeletedResponse", false, "DELETE"},
    reply_row{"/v1/responses/", "Response", false, "POST", "/cancel"},
    reply_row{"/v1/responses/", "InputItems", false, "GET", "/input_items"},
    reply_row{"/v1/embeddings", "Embeddings"},
    reply_row{"/v1/rerank", "Ranking"},
    reply_row{"/v1/moderations", "Moderations"},
    reply_row{"/tokenize", "TokenCount"},
    reply_row{"/v1/messages", "Message", true},
    reply_row{"/v1/messages/count_tokens", "InputTokens"},
    reply_row{.path = "/v1/models", .schema = "Models", .to_anthropic_clients = "AnthropicModels"},
    reply_row{.path = "/v1/models/", .schema = "Model", .to_anthropic_clients = "AnthropicModel"},
    reply_row{"/v1/metrics/moa", "ProfileMetrics"},
    reply_row{"/v1/health", "Health"},
    reply_row{"/health", "Health"},
    reply_row{"/livez", "Liveness"},
};

// What may stand in the query of a path.
struct query_row {
    std::string_view path;
    std::string_view suffix;
    std::string_view name;
    std::string_view type;
};

constexpr std::array queries{
    query_row{"/v1/responses/", "", "stream", "boolean"},
    query_row{"/v1/responses/", "", "starting_after", "integer"},
    query_row{"/v1/responses/", "/input_items", "limit", "integer"},
    query_row{"/v1/responses/", "/input_items", "order", "string"},
    query_row{"/v1/responses/", "/input_items", "after", "string"},
};

json parameters_of(const http::route& row) {
    json out = json::array();
    if (row.match == http::path_match::prefix) {
        out.push_back(
            {{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}}
        );
    }
    for (const auto& q : queries) {
        if (row.method == "GET" && q.path == row.path && q.suffix == row.suffix) {
            out.push_back({{"name", q.name}, {"in", "query"}, {"schema", {{"type", q.type}}}});
        }
    }
    return out;
}

json reference_to(std::string_view schema) {
    return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

json schema_of(const api::field_rule& field) {
    using api::json_type;
    using api::range_rule;
    const bool is_integer =
        field.range == range_rule::integer || field.range == range_rule::positive_integer
        || field.range == range_rule::at_least_one || field.range == range_rule::zero_to_twenty;
    const std::array names{
        std::pair{json_type::string, "string"},
        std::pair{json_type::number, is_integer ? "integer" : "number"},
        std::pair{json_type::boolean, "boolean"},
        std::pair{json_type::array, "array"},
        std::pair{json_type::object, "object"},
        std::pair{json_type::null, "null"},
    };
    auto types = json::array();
    for (const auto& [type, name] : names) {
        if ((field.types & api::type_bit(type)) != 0) {
            types.push_back(name);
        }
    }
    json out = {{"type", types.size() == 1 ? types.front() : types}};
    if (field.range == range_rule::not_empty) {
        out["minLength"] = 1;
    } else if (field.range == range_rule::zero_to_twenty) {
        out["minimum"] = 0;
        out["maximum"] = 20;
    } else if (field.range == range_rule::minus_two_to_two) {
        out["minimum"] = -2;
        out["maximum"] = 2;
    } else if (is_integer && field.range != range_rule::integer) {
        out["minimum"] = 1;
    } else if (!is_integer && field.range != range_rule::none) {
        out["minimum"] = 0;
        out["maximum"] = field.range == range_rule::zero_to_one ? 1 : 2;
    }
    return out;
}

json schema_of(const api::request_shape& shape) {
    json properties = json::object();
    auto required = json::array();
    for (const auto& field : shape.fields) {
        properties[std::string(field.name)] = schema_of(field);
        if (field.is_required && field.instead.empty()) {
            required.push_back(field.name);
        }
    }
    return {
        {"type", "object"},
        {"properties", std::move(properties)},
        {"required", std::move(required)},
        {"additionalProperties", true}
    };
}

const api::request_shape* shape_at(std::string_view path) {
    const auto shapes = api::request_shapes();
    const auto it = std::ranges::find(shapes, path, &api::request_shape::path);
    return it == shapes.end() ? nullptr : &*it;
}

std::string request_name(const api::request_shape& shape) {
    constexpr std::array names{
        "ChatRequest",
        "CompletionRequest",
        "EmbeddingsRequest",
        "RerankRequest",
        "ModerationsRequest",
        "TokenizeRequest",
        "ResponsesRequest",
        "MessagesRequest",
        "CountTokensRequest",
        "InputTokensRequest"
    };
    return names.at(static_cast<std::size_t>(shape.kind));
}

json content_of(const reply_row& reply) {
    json out = json::object();
    auto& whole = out["application/json"]["schema"];
    whole = reference_to(reply.schema);
    if (!reply.to_anthropic_clients.empty()) {
        whole = {{"anyOf", {reference_to(reply.schema), reference_to(reply.to_anthropic_clients)}}};
    }
    if (reply.is_streamed) {
        auto& stream = out["text/event-stream"];
        stream["schema"] = {{"type", "string"}};
        if (!reply.event.empty()) {
            stream["x-event-schema"] = reference_to(reply.event);
        }
    }
    return out;
}

json error_schema(http::envelope_class envelope) {
    const auto error = reference_to("Error");
    const auto of_messages = reference_to("MessagesError");
    if (envelope == http::envelope_class::by_version) {
        return {{"anyOf", {error, of_messages}}};
    }
    return envelope == http::envelope_class::anthropic ? of_messages : error;
}

json operation_of(const http::route& row) {
    json ok = {{"description", "Success"}};
    const auto reply = std::ranges::find_if(replies, [&](const reply_row& r) {
        return r.path == row.path && r.suffix == row.suffix
               && (r.method.empty() || r.method == row.method);
    });
    if (reply != replies.end()) {
        ok["content"] = content_of(*reply);
    }
    json out = json::object();
    if (auto parameters = parameters_of(row); !parameters.empty()) {
        out["parameters"] = std::move(parameters);
    }
    if (const auto* shape = shape_at(row.path)) {
        out["requestBody"] = {
            {"required", true},
            {"content", {{"application/json", {{"schema", reference_to(request_name(*shape))}}}}}
        };
    }
    out["responses"] = {
        {"200", std::move(ok)},
        {"default",
         {{"description", "Error"},
          {"content", {{"application/json", {{"schema", error_schema(row.envelope)}}}}}}}
    };
    if (row.auth == http::auth_class::exempt) {
        out["security"] = json::array();
    }
    return out;
}

std::string document_of(const http::router& router) {
    json paths = json::object();
    for (const auto& row : router.rows()) {
        const auto path =
            row.match == http::path_match::prefix ? row.path + "{id}" + row.suffix : row.path;
        paths[path][base::ascii_lower(row.method)] = operation_of(row);
    }
    auto schemas = json::parse(reply_schemas);
    for (const auto& shape : api::request_shapes()) {
        schemas[request_name(shape)] = schema_of(shape);
    }
    const json document = {
        {"openapi", "3.1.0"},
        {"info", {{"title", "Meta-Model"}, {"version", META_MODEL_VERSION}}},
        {"security", json::array({{{"bearer", json::array()}}, {{"key", json::array()}}})},
        {"paths", std::move(paths)},
        {"components",
         {{"schemas", std::move(schemas)},
          {"securitySchemes",
           {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
            {"key", {{"type", "apiKey"}, {"in", "header"}, {"name", "x-api-key"}}}}}}}
    };
    return document.dump();
}

net::task<> send_document(http::connection& c, const std::string& document) {
    c.send(200, "application/json", {}, {document});
    co_return;
}

}  // namespace

void add_openapi_route(http::router& router) {
    auto document = document_of(router);
    router.add(
        {.method = "GET",
         .path = "/openapi.json",
         .auth = http::auth_class::exempt,
         .handler = [document = std::move(document)](http::connection& c
                    ) { return send_document(c, document); }}
    );
}

}  // namespace meta_model::routes
