// The inspectors of the wires beside the chat's: what they say of an event depends on nothing before it, only JSON reaches a
// client, and what is to be replaced stands in the event.
#include "api/message_event_inspector.hpp"
#include "api/response_event_inspector.hpp"
#include "api/sse_events.hpp"
#include "base/text.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

namespace meta_model::api {
namespace {

using fuzz::expect;

template <class Inspector>
std::string_view model_in(const Inspector& inspector, std::string_view event) {
    if (inspector.model_length() == 0) {
        return {};
    }
    expect(
        inspector.model_offset() + inspector.model_length() <= event.size(),
        "the model stands in the event"
    );
    const auto model = event.substr(inspector.model_offset(), inspector.model_length());
    expect(
        model.size() >= 2 && model.front() == '"' && model.back() == '"', "the model is a string"
    );
    return model;
}

void check_verdict(event_verdict verdict, std::string_view event) {
    std::string storage;
    const auto data = event_data(event, storage);
    if (verdict == event_verdict::silent && (data.empty() || data == "[DONE]")) {
        return;
    }
    if (verdict != event_verdict::malformed) {
        expect(base::is_valid_utf8(event), "only UTF-8 reaches the client");
        expect(fuzz::judge_json(data) != fuzz::opinion::invalid, "only JSON reaches the client");
    } else if (base::is_valid_utf8(event)) {
        const bool is_object =
            fuzz::judge_json(data) == fuzz::opinion::valid && fuzz::document_of(data).is_object();
        expect(!is_object || data.size() > 1024, "a JSON object is not called malformed");
    }
}

template <class Inspector>
void run(std::string_view text) {
    Inspector experienced;
    std::size_t content_bytes = 0;
    bool has_content = false;
    bool has_finish = false;
    for (auto end = find_event_end(text); end != std::string_view::npos;
         end = find_event_end(text)) {
        const auto event = text.substr(0, end);
        text.remove_prefix(end);
        Inspector fresh;
        const auto verdict = fresh.inspect(event);
        expect(
            experienced.inspect(event) == verdict, "the verdict does not depend on earlier events"
        );
        check_verdict(verdict, event);
        expect(
            model_in(experienced, event) == model_in(fresh, event),
            "the model is found at the same place"
        );
        if (verdict == event_verdict::failure) {
            expect(experienced.error() == fresh.error(), "the error is the same");
        }
        content_bytes += fresh.content_bytes();
        has_content = has_content || fresh.has_content();
        has_finish = has_finish || fresh.has_finish();
    }
    expect(experienced.content_bytes() == content_bytes, "the content is counted the same");
    expect(experienced.has_content() == has_content, "content is noticed the same");
    expect(experienced.has_finish() == has_finish, "the finish is noticed the same");
    if (const auto& usage = experienced.usage()) {
        expect(
            usage->total_tokens == usage->prompt_tokens + usage->completion_tokens
                && usage->prompt_tokens >= 0 && usage->completion_tokens >= 0,
            "tokens are counts, and the total their sum"
        );
    }
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = meta_model::fuzz::text_of(data, size);
    meta_model::api::run<meta_model::api::message_event_inspector>(text);
    meta_model::api::run<meta_model::api::response_event_inspector>(text);
    return 0;
}
