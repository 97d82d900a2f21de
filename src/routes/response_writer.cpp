#include "routes/response_writer.hpp"

#include "api/json_text.hpp"
#include "routes/response_json.hpp"

#include <memory>
#include <utility>

namespace meta_model::routes {

namespace {

store::shared_text shared(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

response_writer::response_writer(
    store::response_store& store,
    std::uint64_t owner,
    api::response_facts facts,
    std::string input_items,
    keeping what
)
    : store_(store),
      owner_(owner),
      facts_(std::move(facts)),
      input_items_(shared(std::move(input_items))),
      what_(what) {
}

std::string response_writer::begin() {
    auto response = snapshot(api::response_status::queued);
    store::stored_response r;
    r.status = store::response_status::queued;
    r.is_background = true;
    r.has_events = has_events();
    r.previous_id = facts_.previous_response_id;
    r.input_items = input_items_;
    r.response = shared(response);
    return store_.put(key(), std::move(r)) ? response : std::string();
}

void response_writer::go_on() {
    auto response = snapshot(api::response_status::in_progress);
    store_.update(key(), store::response_status::in_progress, shared(std::move(response)), {});
}

void response_writer::close(const api::response_failure& failure) {
    if (!has_ended_) {
        on_final(api::response_status::failed, snapshot(api::response_status::failed, &failure));
    }
    if (has_events() && !has_told_end_) {
        tell_end();
    }
    store_.end_events(key());
}

void response_writer::on_event(std::uint64_t sequence, std::string_view event_bytes) {
    if (!has_events() || is_overruled_) {
        return;
    }
    last_event_ = static_cast<std::int64_t>(sequence);
    store_.append_event(key(), last_event_, event_bytes);
    has_told_end_ = has_ended_;  // by the event that carries the final response
}

void response_writer::on_final(api::response_status status, std::string_view response_json) {
    has_ended_ = true;
    if (is_unwanted()) {
        return;
    }
    auto response = shared(std::string(response_json));
    auto ids = ids_of(output_items(*response));
    if (what_ != keeping::result) {
        is_overruled_ =
            !store_.update(key(), to_store(status), std::move(response), std::move(ids));
        return;
    }
    store::stored_response r;
    r.status = to_store(status);
    r.previous_id = facts_.previous_response_id;
    r.input_items = input_items_;
    r.response = std::move(response);
    r.item_ids = std::move(ids);
    store_.put(key(), std::move(r));
}

std::string response_writer::snapshot(
    api::response_status status, const api::response_failure* failure
) const {
    std::string out;
    api::append_response_snapshot(out, facts_, status, failure);
    return out;
}

// What was cut off or cancelled, in the one event that clients know for what did not succeed.
void response_writer::tell_end() {
    const auto found = store_.find(key());
    if (!found) {
        return;
    }
    std::string event = "event: response.failed\ndata: {\"type\":\"response.failed\",";
    event += "\"sequence_number\":";
    api::append_json_number(event, ++last_event_);
    event += ",\"response\":";
    event += *found->response;
    event += "}\n\n";
    store_.append_event(key(), last_event_, event);
}

}  // namespace meta_model::routes
