#include "dispatch/attempt_list.hpp"

#include "dispatch/media_route.hpp"
#include "dispatch/reply_headers.hpp"

namespace meta_model::dispatch {

void attempt_list::add(std::string_view step) {
    tried_ += tried_.empty() ? "" : ",";
    tried_ += step;
    ++count_;
    has_ended_ = false;
}

void attempt_list::end(std::string_view outcome) {
    if (route_ != config::modality::text) {
        tried_.append(":").append(outcome);
    }
    has_ended_ = true;
}

void attempt_list::reject(std::string_view step, std::string_view part) {
    rejected_ += rejected_.empty() ? "" : ",";
    rejected_.append(step).append(":").append(part);
}

void attempt_list::append_headers(std::string& lines, std::string_view winner) const {
    if (route_ != config::modality::text) {
        append_header(lines, "X-MetaModel-Multimodal-Path", name_of(route_));
        // A stream's head goes out while its step still writes.
        append_header(
            lines, "X-MetaModel-Multimodal-Attempts", has_ended_ ? tried_ : tried_ + ":200"
        );
        if (!winner.empty()) {
            append_header(lines, "X-MetaModel-Multimodal-Upstream", winner);
        }
        return;
    }
    append_header(lines, "X-MetaModel-Cascade-Tried", tried_);
    if (!rejected_.empty()) {
        append_header(lines, "X-MetaModel-Cascade-Rejected", rejected_);
    }
    if (!winner.empty()) {
        append_header(lines, "X-MetaModel-Cascade-Winner", winner);
    }
}

}  // namespace meta_model::dispatch
