// Server-sent events are found and read the same however they arrive, as a plain reading by lines gives them.
#include "api/sse_events.hpp"
#include "fuzz/property.hpp"

#include <vector>

namespace meta_model::api {
namespace {

using fuzz::expect;

struct stream {
    std::vector<std::string> events{};
    std::string rest{};  // an event that has not ended

    bool operator==(const stream&) const = default;
};

class reader {
public:
    void feed(std::string_view piece) {
        const bool goes_on = splitter_.feed(piece, [this](std::string_view event) {
            expect(!event.empty(), "an event has bytes");
            events_.emplace_back(event);
            return true;
        });
        expect(goes_on, "nothing here is too long");
    }
    stream result() const { return {events_, std::string(splitter_.rest())}; }

private:
    event_splitter splitter_;
    std::vector<std::string> events_;
};

// The line at the start of `text`, its LF included; empty when it has not ended.
std::string_view line_of(std::string_view text) {
    const auto end = text.find('\n');
    return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 1);
}

bool is_blank(std::string_view line) {
    return line == "\n" || line == "\r\n";
}

stream plain_reading(std::string_view text) {
    stream out;
    std::size_t at = 0;
    for (auto line = line_of(text); !line.empty(); line = line_of(text.substr(at))) {
        const bool is_first = at == 0;
        at += line.size();
        if (is_blank(line) && !is_first) {
            out.events.emplace_back(text.substr(0, at));
            text.remove_prefix(at);
            at = 0;
        }
    }
    out.rest = text;
    return out;
}

std::string plain_data(std::string_view event) {
    std::string out;
    bool is_first = true;
    while (!event.empty()) {
        auto line = event.substr(0, event.find('\n'));
        event.remove_prefix(std::min(line.size() + 1, event.size()));
        line = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
        const auto name = line.substr(0, line.find(':'));
        if (name != "data") {
            continue;
        }
        auto value = line.substr(std::min(name.size() + 1, line.size()));
        value = value.starts_with(' ') ? value.substr(1) : value;
        out.append(is_first ? "" : "\n").append(value);
        is_first = false;
    }
    return out;
}

void run(std::string_view text) {
    const auto plain = plain_reading(text);
    reader whole;
    fuzz::read_in_any_pieces(text, 3, whole);
    expect(whole.result() == plain, "events end where a reading by lines ends them");

    std::string storage = "left over";
    for (const auto& event : plain.events) {
        const auto data = event_data(event, storage);
        expect(data == plain_data(event), "the data of an event is its data lines, joined");
        expect(data.size() <= event.size(), "the data is no longer than the event");
    }
    expect(event_data(text, storage) == plain_data(text), "any text can be read as one event");
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
