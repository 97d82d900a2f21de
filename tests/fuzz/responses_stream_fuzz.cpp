// A chat stream becomes the same response however it arrives: its events are numbered without gaps, belong to items that
// were announced, add up to what the final response holds, and nothing follows the end.
#include "api/responses_stream.hpp"
#include "api/sse_events.hpp"
#include "base/text.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <vector>

namespace meta_model::api {
namespace {

using fuzz::expect;
using nlohmann::json;

// What chance makes of a reply is taken out.
std::string without_chance(std::string_view text) {
    constexpr std::string_view time = R"("completed_at":)";
    constexpr std::size_t id_digits = 24;
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto rest = text.substr(i);
        if (rest.front() == '_' && rest.find_first_not_of("0123456789abcdef", 1) == 1 + id_digits) {
            i += id_digits;
        } else if (rest.starts_with(time)) {
            i += rest.find(',') - 1;
        } else {
            out += rest.front();
        }
    }
    return out;
}

response_facts some_facts() {
    response_facts facts;
    facts.id = "resp_1";
    facts.model = "m";
    return facts;
}

class reader {
public:
    void feed(std::string_view piece) {
        goes_on_ = goes_on_ && events_.feed(piece, [this](std::string_view event) {
            replies_.take_event(event, out_);
            return true;
        });
    }
    std::string result() const { return without_chance(out_) + (goes_on_ ? '1' : '0'); }
    const std::string& text() const { return out_; }

private:
    response_translator replies_{some_facts()};
    event_splitter events_;
    std::string out_;
    bool goes_on_ = true;
};

class rules {
public:
    void take(std::string_view event) {
        std::string joined;
        const auto data = event_data(event, joined);
        if (data.empty()) {
            return;  // a comment
        }
        expect(!is_over_, "nothing follows the end");
        expect(event.starts_with("event: "), "events are named");
        const auto e = json::parse(data, nullptr, false);
        if (e.is_discarded()) {
            is_strange_ = true;  // the reference refuses some valid texts
            return;
        }
        ++count_;
        expect(is_strange_ || e.at("sequence_number") == count_, "numbers have no gaps");
        const std::string type = e.at("type");
        expect(event.substr(7).starts_with(type + "\n"), "names are those of the data");
        if (type == "response.output_item.added") {
            expect(is_strange_ || e.at("output_index") == open_.size(), "items come in order");
            open_.push_back(true);
        } else if (e.contains("output_index")) {
            const std::size_t index = e["output_index"];
            expect(is_strange_ || (index < open_.size() && open_[index]), "the item is open");
            if (type == "response.output_item.done" && index < open_.size()) {
                open_[index] = false;
            }
            add_text(type, e);
        } else {
            is_over_ = type == "response.completed" || type == "response.incomplete"
                       || type == "response.failed";
            expect(
                !is_over_ || is_strange_ || e.at("response").at("output").size() == open_.size(),
                "every item is held"
            );
        }
    }

private:
    void add_text(const std::string& type, const json& e) {
        const auto family = type.substr(0, type.rfind('.'));
        const auto part = e.contains("content_index") ? e["content_index"] : json(0);
        auto& text = texts_[family + e["output_index"].dump() + part.dump()];
        if (type.ends_with(".delta")) {
            text += e.at("delta").get<std::string>();
        }
        for (const auto* name : {"text", "refusal", "arguments", "input"}) {
            if (type.ends_with(".done") && e.contains(name)) {
                expect(is_strange_ || e[name] == text, "deltas add up");
            }
        }
    }

    std::size_t count_ = 0;
    bool is_over_ = false;
    bool is_strange_ = false;
    std::vector<bool> open_;
    std::map<std::string, std::string> texts_;
};

void run(std::string_view text) {
    reader whole;
    fuzz::read_in_any_pieces(text, 5, whole);
    if (!base::is_valid_utf8(text)) {
        return;  // relays let none of it through
    }
    rules grammar;
    event_splitter events(64u << 20);
    events.feed(whole.text(), [&](std::string_view event) {
        grammar.take(event);
        return true;
    });
    expect(events.rest().empty(), "events are whole");

    response_status status{};
    const auto reply = response_of_chat(text, some_facts(), status);
    if (!reply.empty() && !json::parse(text, nullptr, false).is_discarded()) {
        expect(json::parse(reply).at("output").is_array(), "a whole reply is a response");
        expect(reply.find('\n') == std::string::npos, "a response stands on one line");
    }
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
