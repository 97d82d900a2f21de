// Stripping reasoning from a stream gives the same however the text was cut, and never anything the model did not say.
#include "api/reasoning.hpp"
#include "api/reasoning_marks.hpp"
#include "fuzz/property.hpp"

#include <array>

namespace meta_model::api {
namespace {

using fuzz::expect;

struct result {
    std::string text{};
    bool has_stripped = false;

    bool operator==(const result&) const = default;
};

class feeder {
public:
    void feed(std::string_view piece) { out_.text += filter_.feed(piece); }

    // Ends the text; what is fed behind it is not looked at.
    const struct result& result() {
        if (!is_finished_) {
            out_.text += filter_.finish();
            out_.has_stripped = filter_.has_stripped();
            is_finished_ = true;
        }
        return out_;
    }

private:
    leading_reasoning_filter filter_;
    struct result out_;
    bool is_finished_ = false;
};

bool is_subsequence(std::string_view part, std::string_view whole) {
    std::size_t at = 0;
    for (const char c : part) {
        at = whole.find(c, at);
        if (at == std::string_view::npos) {
            return false;
        }
        ++at;
    }
    return true;
}

bool is_trimmed(std::string_view text) {
    return text.empty() || (!marks::is_space(text.front()) && !marks::is_space(text.back()));
}

// --- Answers as models write them, put together from the input

// What is left of `text` cannot be taken for a mark.
std::string without_marks(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != '<' && c != '\xe2') {
            out += c;
        }
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && marks::is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && marks::is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

struct form {
    std::string_view before;
    std::string_view after;
};

constexpr std::array<form, 8> hidden_forms{{
    {"<think>", "</think>"},
    {" <Thinking a=\"b\">", "</thinking >\n"},
    {"<analysis>", "</analysis>"},
    {"<|begin_of_thought|>", "<|end_of_thought|>"},
    {"◁think▷", "◁/think▷"},
    {"<|channel|>analysis<|message|>", "<|end|>"},
    {"<|start|>assistant<|channel|>commentary to=f<|message|>", "<|call|>"},
    {"\n<|channel|>analysis<|message|>", ""},  // ended by what follows
}};

constexpr std::array<form, 6> answer_forms{{
    {"<|channel|>final<|message|>", "<|return|>"},
    {"<|start|>assistant<|channel|>final<|message|>", ""},
    {"<|channel|>FINAL <|constrain|>json<|message|>", "<|end|>rest"},
    {"<|begin_of_solution|>", "<|end_of_solution|>"},
    {"<|begin_of_thought|>never closed<|begin_of_solution|>", ""},
    {"<think></think>", ""},
}};

// Every line of `text` is a hidden part, the last one the answer; a line's first byte chooses its form.
void check_composed(std::string_view text) {
    std::string whole;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        const auto& part = hidden_forms
            [end == 0 ? 0 : static_cast<unsigned char>(text[0]) % (hidden_forms.size() - 1)];
        whole.append(part.before).append(without_marks(text.substr(0, end))).append(part.after);
        text.remove_prefix(end + 1);
    }
    const auto choice =
        text.empty() ? 0 : static_cast<unsigned char>(text[0]) % answer_forms.size();
    const auto& last = answer_forms[choice];
    if (choice < 2 && text.size() % 3 == 0) {
        whole.append(hidden_forms.back().before).append("open");
    }
    const auto answer = without_marks(text);
    if (trimmed(answer).empty() && whole.find("<analysis>") != std::string::npos) {
        return;  // such a block is the answer when there is no other
    }
    whole.append(last.before).append(answer).append(last.after);

    feeder stream;
    stream.feed(whole);
    expect(stream.result().text == trimmed(answer), "a stream shows the answer and nothing else");
    expect(
        strip_in_band_reasoning(whole) == trimmed(answer),
        "a whole text is left with the answer and nothing else"
    );
}

void run(std::string_view text) {
    feeder reader;
    fuzz::read_in_any_pieces(text, 3, reader);
    const auto& whole = reader.result();
    expect(whole.has_stripped || whole.text == text, "text without marks passes as it is");
    expect(!whole.has_stripped || is_trimmed(whole.text), "what is left is trimmed");
    expect(is_subsequence(whole.text, text), "the filter only takes away");
    const auto stripped = strip_in_band_reasoning(text);
    expect(is_subsequence(stripped, text), "stripping only takes away");
    expect(stripped == text || is_trimmed(stripped), "what is left of a text is trimmed");
    check_composed(text);
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
