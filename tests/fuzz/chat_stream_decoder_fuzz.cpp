// An upstream's stream gives the same events however it arrives, in their order, and no more text than it has bytes.
#include "api/chat_stream_decoder.hpp"
#include "api/draft_builder.hpp"
#include "base/text.hpp"
#include "fuzz/property.hpp"

#include <array>

namespace meta_model::api {
namespace {

using fuzz::expect;

constexpr std::size_t most_choices = 3;

// Writes the events down and checks their order.
class event_log final : public answer_listener {
public:
    void on_event(const answer_event& e) override {
        expect(!has_failed_, "nothing follows a failure");
        const bool is_start = e.kind == answer_event_kind::start;
        has_failed_ = e.kind == answer_event_kind::failure;
        expect(has_started_ != is_start || has_failed_, "an answer starts once, and first");
        has_started_ = has_started_ || is_start;
        if (e.kind == answer_event_kind::tool_call_delta) {
            auto& calls = calls_.at(static_cast<std::size_t>(e.choice));
            expect(
                e.index >= 0 && e.index <= calls && e.index < 128, "calls are counted without gaps"
            );
            calls = std::max(calls, e.index + 1);
        }
        expect(has_failed_ == (e.error != nullptr), "a failure has an error");
        draft_.on_event(e);
        bytes_ += is_start ? 0 : e.text.size();
        for (const auto part : {e.text, e.id, e.name, e.model}) {
            expect(base::is_valid_utf8(part), "events are UTF-8");
            text += std::string(part) + '\n';
        }
        for (const auto number : {static_cast<int>(e.kind), e.index, e.choice}) {
            text += std::to_string(number) + ' ';
        }
        text += '\n';
        if (e.usage != nullptr) {
            expect(
                e.usage->total_tokens > 0 && e.usage->prompt_tokens >= 0, "counts are not negative"
            );
            text += e.usage->raw + '\n';
        }
    }

    std::size_t bytes() const { return bytes_; }
    const draft& collected() const { return draft_.current(); }

    std::string text{};

private:
    draft_builder draft_;
    std::size_t bytes_ = 0;
    std::array<int, most_choices> calls_{};
    bool has_started_ = false;
    bool has_failed_ = false;
};

class reader {
public:
    explicit reader(std::size_t choices = 1) : decoder_(log_, choices) {}

    void feed(std::string_view piece) { goes_on_ = goes_on_ && decoder_.feed(piece); }

    std::string result() const {
        std::string out = log_.text;
        for (const bool flag :
             {goes_on_,
              decoder_.has_finished(),
              decoder_.is_whole(),
              decoder_.is_done(),
              decoder_.has_content()}) {
            out += flag ? '1' : '0';
        }
        return out + std::to_string(decoder_.dropped_events());
    }

    const event_log& log() const { return log_; }
    const chat_stream_decoder& decoder() const { return decoder_; }

private:
    event_log log_;
    chat_stream_decoder decoder_;
    bool goes_on_ = true;
};

class reader_of_several : public reader {
public:
    reader_of_several() : reader(most_choices) {}
};

void run(std::string_view text) {
    reader whole;
    fuzz::read_in_any_pieces(text, 5, whole);
    reader_of_several several;
    fuzz::read_in_any_pieces(text, 5, several);

    expect(several.log().bytes() <= text.size(), "choices have no more text than bytes");
    expect(whole.log().bytes() <= text.size(), "there is no more text than bytes");
    const auto& draft = whole.log().collected();
    const bool has_answer = (draft.content && !draft.content->empty()) || !draft.refusal.empty()
                            || !draft.reasoning.empty() || !draft.reasoning_content.empty()
                            || !draft.tool_calls.empty() || draft.function_call;
    expect(whole.decoder().has_content() == has_answer, "there is content when a draft has some");
    expect(whole.decoder().has_finished() || draft.finish_reason.empty(), "a finish is noticed");
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
