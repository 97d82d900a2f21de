#include "routes/stored_responses.hpp"

#include "api/json_text.hpp"
#include "http/connection.hpp"
#include "routes/input_items.hpp"
#include "routes/query_values.hpp"
#include "routes/response_follower.hpp"
#include "routes/response_json.hpp"
#include "routes/stored_history.hpp"

#include <charconv>

namespace meta_model::routes {

namespace {

using base::error_code_id;

base::error not_found(const response_services& s, std::string_view id) {
    return response_not_found(id, s.store.stats().evicted > 0);
}

void send_json(http::connection& c, std::string_view body) {
    c.send(200, "application/json", {}, {body});
}

// A query's number of an event; -1: it names none.
base::result<std::int64_t> starting_after(std::string_view query) {
    const auto text = query_value(query, "starting_after");
    if (!text || text->empty()) {
        return -1;
    }
    std::int64_t number = 0;
    const auto* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || number < 0) {
        return base::make_error(
            error_code_id::shape,
            "'starting_after' must be the sequence_number of an event.",
            "starting_after"
        );
    }
    return number;
}

base::result<bool> wants_stream(std::string_view query) {
    const auto text = query_value(query, "stream");
    if (text && *text != "true" && *text != "false") {
        return base::make_error(
            error_code_id::shape, "'stream' must be 'true' or 'false'.", "stream"
        );
    }
    return text == "true";
}

net::task<> stream_response(
    const response_services& s, http::connection& c, const store::stored_response& found
) {
    base::maybe_error refusal;
    std::int64_t after = -1;
    if (auto number = starting_after(c.request().query)) {
        after = *number;
    } else {
        refusal = number.error();
    }
    if (!found.has_events) {
        refusal = base::make_error(
            error_code_id::shape,
            "Only responses that were created with 'background' and 'stream' can be streamed "
            "again.",
            "stream"
        );
    }
    if (refusal) {
        co_await c.send_error(*refusal);
        co_return;
    }
    std::string id(c.request().path_rest);
    co_await follow_response(s, c, std::move(id), after);
}

net::task<> retrieve(const response_services& s, http::connection& c) {
    const std::string_view id = c.request().path_rest;
    const auto found = s.store.find({.owner = c.credential(), .id = id});
    if (!found) {
        co_await c.send_error(not_found(s, id));
        co_return;
    }
    const auto is_stream = wants_stream(c.request().query);
    if (!is_stream) {
        co_await c.send_error(is_stream.error());
        co_return;
    }
    if (*is_stream && c.request().method != "HEAD") {
        co_await stream_response(s, c, *found);
        co_return;
    }
    send_json(c, *found->response);
}

net::task<> remove(const response_services& s, http::connection& c) {
    const std::string_view id = c.request().path_rest;
    if (!s.store.erase({.owner = c.credential(), .id = id})) {
        co_await c.send_error(not_found(s, id));
        co_return;
    }
    s.runs.cancel(id, base::cancel_reason::client_gone);
    std::string body = R"({"id":)";
    api::append_json_string(body, id);
    body += R"(,"object":"response","deleted":true})";
    send_json(c, body);
}

// The first final state stays, so that a response that is completed meanwhile is not cancelled.
base::result<store::shared_text> cancel_stored(
    const response_services& s, store::response_key key
) {
    using store::response_status;
    auto found = s.store.find(key);
    if (found && found->is_background && !store::is_final(found->status)) {
        auto cancelled = std::make_shared<const std::string>(
            with_status(*found->response, response_status::cancelled)
        );
        if (s.store.update(key, response_status::cancelled, cancelled, {})) {
            s.runs.cancel(key.id, base::cancel_reason::client_gone);
            return store::shared_text(cancelled);
        }
        found = s.store.find(key);
    }
    if (!found) {
        return not_found(s, key.id);
    }
    if (found->status == response_status::cancelled) {
        return found->response;
    }
    return base::make_error(
        error_code_id::shape,
        found->is_background
            ? "The response has ended and cannot be cancelled."
            : "Only responses that were created with 'background' can be cancelled."
    );
}

net::task<> cancel(const response_services& s, http::connection& c) {
    const auto cancelled = cancel_stored(s, {.owner = c.credential(), .id = c.request().path_rest});
    if (!cancelled) {
        co_await c.send_error(cancelled.error());
        co_return;
    }
    send_json(c, **cancelled);
}

// The whole context: what came before, as far as it is kept, then the response's own input.
base::result<std::string> list_input(
    const response_services& s, const http::connection& c, std::string_view id
) {
    const auto query = parse_items_query(c.request().query);
    if (!query) {
        return query.error();
    }
    const auto found = s.store.find({.owner = c.credential(), .id = id});
    if (!found) {
        return not_found(s, id);
    }
    stored_history before(s.store, c.credential(), s.config.server.limits.max_body_bytes);
    const auto loaded = before.load(found->previous_id);
    std::vector<std::string_view> items;
    if (loaded) {
        const auto earlier = before.earlier_items();
        items.assign(earlier.begin(), earlier.end());
    }
    const auto own = list_items(*found->input_items);
    items.insert(items.end(), own.begin(), own.end());
    return items_page(items, id, *query);
}

net::task<> input_items(const response_services& s, http::connection& c) {
    const auto page = list_input(s, c, c.request().path_rest);
    if (!page) {
        co_await c.send_error(page.error());
        co_return;
    }
    send_json(c, *page);
}

}  // namespace

void add_response_routes(http::router& router, const model_services& services) {
    using http::path_match;
    const auto& s = *services.responses;
    const std::string base = "/v1/responses/";
    // Longer paths first: the first row that fits is taken.
    router.add(
        {.method = "GET",
         .path = base,
         .match = path_match::prefix,
         .suffix = "/input_items",
         .handler = [&s](http::connection& c) { return input_items(s, c); }}
    );
    router.add(
        {.method = "POST",
         .path = base,
         .match = path_match::prefix,
         .suffix = "/cancel",
         .handler = [&s](http::connection& c) { return cancel(s, c); }}
    );
    router.add(
        {.method = "GET",
         .path = base,
         .match = path_match::prefix,
         .handler = [&s](http::connection& c) { return retrieve(s, c); }}
    );
    router.add(
        {.method = "DELETE",
         .path = base,
         .match = path_match::prefix,
         .handler = [&s](http::connection& c) { return remove(s, c); }}
    );
}

}  // namespace meta_model::routes
