#include "dispatch/cascade_end.hpp"

#include "dispatch/reply_headers.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>
#include <chrono>

namespace meta_model::dispatch {

using base::error_code_id;
using std::chrono::steady_clock;

base::error exhausted_cascade(
    request_context& c,
    const attempt_list& attempts,
    base::error last,
    const std::string& last_status
) {
    const auto now = steady_clock::now();
    if (attempts.count() == 0 && now >= c.deadline) {
        last = base::make_error(error_code_id::deadline_exceeded, "The request's time is over.");
    } else if (attempts.count() == 0) {
        auto until = base::no_deadline;
        for (const auto* u : c.target.upstreams) {
            until = std::min(until, u->availability.ask_again_at(now));
        }
        const auto wait = std::chrono::ceil<std::chrono::seconds>(until - now).count();
        last = error_of(
            {upstream::call_fault::unavailable, "every step is left alone", static_cast<int>(wait)}
        );
    }
    attempts.append_headers(c.header_lines, {});
    append_header(
        c.header_lines, "X-MetaModel-Cascade-Exhausted", static_cast<std::int64_t>(attempts.count())
    );
    append_header(c.header_lines, "X-MetaModel-Cascade-Last-Detail", last.message);
    append_header(c.header_lines, "X-MetaModel-Cascade-Last-Status", last_status);
    const bool bubbles = c.target.profile->on_all_fail == config::on_all_fail::bubble_last_error;
    auto e = base::make_error(
        error_code_id::cascade_exhausted,
        bubbles ? last.message : "All steps of the cascade failed. " + last.message
    );
    e.origin = base::error_origin::upstream;
    e.status = bubbles ? last.http_status() : 0;
    e.retry_after_s = last.retry_after_s;
    e.detail = last.detail;
    return e;
}

base::error too_long_for_cascade() {
    return base::make_error(
        error_code_id::context_length_exceeded,
        "The newest messages and the tools are longer than every step's window."
    );
}

}  // namespace meta_model::dispatch
