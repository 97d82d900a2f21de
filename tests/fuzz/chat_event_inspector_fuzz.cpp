// What the inspector remembers of earlier events never changes what it says of the next one.
#include "api/chat_event_inspector.hpp"
#include "api/sse_events.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

namespace meta_model::api {
namespace {

using fuzz::expect;

std::string_view model_in(const chat_event_inspector& inspector, std::string_view event) {
    if (inspector.model_length() == 0) {
        return {};
    }
    expect(
        inspector.model_offset() + inspector.model_length() <= event.size(),
        "the model stands in the event"
    );
    return event.substr(inspector.model_offset(), inspector.model_length());
}

struct totals {
    std::size_t content_bytes = 0;
    bool has_content = false;
    bool has_finish = false;
};

void check_event(chat_event_inspector& experienced, totals& sum, std::string_view event) {
    chat_event_inspector fresh;
    const auto verdict = fresh.inspect(event);
    expect(experienced.inspect(event) == verdict, "the verdict does not depend on earlier events");
    if (verdict == event_verdict::data) {
        expect(
            model_in(experienced, event) == model_in(fresh, event),
            "the model is found at the same place"
        );
    }
    if (verdict == event_verdict::failure) {
        expect(experienced.error() == fresh.error(), "the error is the same");
    }
    sum.content_bytes += fresh.content_bytes();
    sum.has_content = sum.has_content || fresh.has_content();
    sum.has_finish = sum.has_finish || fresh.has_finish();

    std::string storage;
    const auto data = event_data(event, storage);
    if (verdict == event_verdict::data || verdict == event_verdict::failure) {
        expect(fuzz::judge_json(data) != fuzz::opinion::invalid, "only JSON reaches the client");
    } else if (verdict == event_verdict::malformed && base::is_valid_utf8(event)) {
        const bool is_object =
            fuzz::judge_json(data) == fuzz::opinion::valid && fuzz::document_of(data).is_object();
        expect(!is_object || data.size() > 1024, "a JSON object is not called malformed");
    }
}

void run(std::string_view text) {
    chat_event_inspector experienced;
    totals sum;
    for (auto end = find_event_end(text); end != std::string_view::npos;
         end = find_event_end(text)) {
        check_event(experienced, sum, text.substr(0, end));
        text.remove_prefix(end);
    }
    expect(experienced.content_bytes() == sum.content_bytes, "the content is counted the same");
    expect(experienced.has_content() == sum.has_content, "content is noticed the same");
    expect(experienced.has_finish() == sum.has_finish, "the finish is noticed the same");
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
