// A chat stream becomes the same Messages stream however it arrives, and that keeps to its grammar: a start, whole blocks
// behind each other, an end or an error and nothing behind it.
#include "api/anthropic_stream.hpp"
#include "api/json_walk.hpp"
#include "api/messages_stream.hpp"
#include "api/sse_events.hpp"
#include "base/text.hpp"
#include "fuzz/property.hpp"

namespace meta_model::api {
namespace {

using fuzz::expect;

class reader {
public:
    void feed(std::string_view piece) {
        goes_on_ = goes_on_ && events_.feed(piece, [this](std::string_view event) {
            replies_.take_event(event, out_);
            return true;
        });
    }
    std::string end() {
        if (goes_on_) {
            replies_.end(out_);
        }
        return without_own_ids(out_) + (goes_on_ ? '1' : '0');
    }
    const std::string& text() const { return out_; }

private:
    // Ids that were made here are different each time.
    static std::string without_own_ids(std::string text) {
        for (const std::string_view mark : {"\"toolu_", "\"msg_"}) {
            for (auto at = text.find(mark); at != std::string::npos;
                 at = text.find(mark, at + mark.size())) {
                const auto end = text.find('"', at + 1);
                if (end != std::string::npos && end - at == mark.size() + 24) {
                    text.replace(at + mark.size(), 24, "made");
                }
            }
        }
        return text;
    }

    messages_translator replies_{"id"};
    event_splitter events_;
    std::string out_;
    bool goes_on_ = true;
};

// Where the stream stands.
struct grammar {
    bool has_begun = false;
    bool is_over = false;
    bool has_delta = false;
    bool is_open = false;
    std::int64_t blocks = 0;

    void take(std::string_view event);
};

void grammar::take(std::string_view event) {
    std::string storage;
    const auto data = event_data(event, storage);
    const auto type = find_member(data, "type");
    expect(is_json_object(data), "every event is an object");
    expect(!is_over, "nothing comes behind the end");
    expect(event.starts_with("event: " + std::string(string_body(type)) + "\n"), "it has its name");
    std::int64_t index = -1;
    to_int64(find_member(data, "index"), index);
    if (is_string(type, "ping")) {
        return;
    }
    if (is_string(type, "error")) {
        is_over = true;
    } else if (is_string(type, "message_start")) {
        expect(!has_begun, "there is one start");
        has_begun = true;
    } else if (is_string(type, "content_block_start")) {
        expect(has_begun && !is_open && !has_delta && index == blocks, "blocks do not overlap");
        is_open = true;
    } else if (is_string(type, "content_block_delta")) {
        expect(is_open && index == blocks, "deltas are of the open block");
    } else if (is_string(type, "content_block_stop")) {
        expect(is_open && index == blocks, "what is open is closed");
        is_open = false;
        ++blocks;
    } else if (is_string(type, "message_delta")) {
        expect(has_begun && !is_open && !has_delta, "the end comes once, behind the blocks");
        has_delta = true;
    } else {
        expect(is_string(type, "message_stop") && has_delta, "nothing else is told");
        is_over = true;
    }
}

void run(std::string_view text) {
    reader whole;
    whole.feed(text);
    const auto result = whole.end();
    fuzz::for_each_cut(text, [&](std::size_t cut) {
        reader parts;
        parts.feed(text.substr(0, cut));
        parts.feed(text.substr(cut));
        expect(parts.end() == result, "cutting the bytes in two changes nothing");
    });
    grammar g;
    event_splitter events;
    events.feed(whole.text(), [&](std::string_view event) {
        g.take(event);
        return true;
    });
    expect(events.rest().empty(), "every event is whole");
    expect(g.is_over || result.ends_with('0'), "every stream has an end");

    if (!base::is_valid_utf8(text)) {
        return;  // a client may drop such an event
    }
    anthropic_stream back("model", 5, true);
    std::string chat;
    back.feed(whole.text(), chat);
    expect(back.has_finished() == g.has_delta, "a client of the wire sees the end");
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
