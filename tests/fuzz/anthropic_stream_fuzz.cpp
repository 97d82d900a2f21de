// A Messages stream becomes the same chat stream however it arrives, and what the chat decoder reads of it is in order.
#include "api/anthropic_stream.hpp"
#include "api/chat_stream_decoder.hpp"
#include "api/draft_builder.hpp"
#include "fuzz/property.hpp"

namespace meta_model::api {
namespace {

using fuzz::expect;

class reader {
public:
    void feed(std::string_view piece) { goes_on_ = goes_on_ && stream_.feed(piece, out_); }
    std::string result() const { return out_ + (goes_on_ ? '1' : '0'); }
    const std::string& text() const { return out_; }
    const anthropic_stream& stream() const { return stream_; }

private:
    anthropic_stream stream_{"model", 5, true};
    std::string out_;
    bool goes_on_ = true;
};

void run(std::string_view text) {
    reader whole;
    fuzz::read_in_any_pieces(text, 5, whole);

    draft_builder builder;
    chat_stream_decoder chat(builder);
    chat.feed(whole.text());
    expect(
        !whole.stream().has_finished() || chat.has_finished() || chat.dropped_events() > 0,
        "a finish is told"
    );
    expect(
        !chat.is_done() || whole.stream().has_finished() || chat.dropped_events() > 0,
        "nothing is done without a finish"
    );
    expect(builder.current().tool_calls.size() <= anthropic_stream::max_calls, "calls are bounded");
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
