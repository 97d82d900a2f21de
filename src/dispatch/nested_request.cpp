#include "dispatch/nested_request.hpp"

#include <utility>

namespace meta_model::dispatch {

namespace {

void move_facts(request_context& from, request_context& to) {
    to.ledger = std::move(from.ledger);
    to.header_lines = std::move(from.header_lines);
    to.error_detail = std::move(from.error_detail);
    to.dropped_events = from.dropped_events;
    to.was_cut = from.was_cut;
    to.usage_is_estimated = from.usage_is_estimated;
    to.stream_id = std::move(from.stream_id);
    to.created = from.created;
    to.purse = std::move(from.purse);
}

}  // namespace

nested_request::nested_request(
    request_context& outer, const target& target, api::chat_request& request
)
    : outer_(outer),
      inner_(inner_context(outer, target, request, outer.sink, outer.cancel, outer.record)) {
    inner_.media = outer.media;
    move_facts(outer_, inner_);
}

nested_request::~nested_request() {
    move_facts(inner_, outer_);
}

}  // namespace meta_model::dispatch
