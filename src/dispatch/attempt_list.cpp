#include "dispatch/attempt_list.hpp"

#include "dispatch/reply_headers.hpp"

namespace meta_model::dispatch {

void attempt_list::add(std::string_view step) {
    tried_ += tried_.empty() ? "" : ",";
    tried_ += step;
    ++count_;
}

void attempt_list::reject(std::string_view step, std::string_view part) {
    rejected_ += rejected_.empty() ? "" : ",";
    rejected_.append(step).append(":").append(part);
}

void attempt_list::append_headers(std::string& lines, std::string_view winner) const {
    append_header(lines, "X-MetaModel-Cascade-Tried", tried_);
    if (!rejected_.empty()) {
        append_header(lines, "X-MetaModel-Cascade-Rejected", rejected_);
    }
    if (!winner.empty()) {
        append_header(lines, "X-MetaModel-Cascade-Winner", winner);
    }
}

}  // namespace meta_model::dispatch
