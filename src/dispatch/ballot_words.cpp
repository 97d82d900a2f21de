// Labels in text, by whole words.
#include "base/text.hpp"
#include "dispatch/ballot.hpp"
#include "dispatch/final_answer.hpp"

#include <algorithm>
#include <deque>
#include <optional>

namespace meta_model::dispatch {

namespace {

struct word {
    std::string text{};  // lower-cased
    std::size_t begin = 0;
};

// How many bytes from `text[at]` on belong to a word; 0: none. Letters beyond ASCII do, but for the blocks of symbols and
// punctuation.
std::size_t word_bytes(std::string_view text, std::size_t at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x80) {
        const bool is_word =
            (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
        return is_word ? 1 : 0;
    }
    if (c < 0xc3 || c == 0xe2 || c == 0xef || c >= 0xf0
        || (c == 0xe3 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) == 0x80
        )) {
        return 0;
    }
    return std::min<std::size_t>(c >= 0xe0 ? 3 : 2, text.size() - at);
}

// One word after the other: a model may write megabytes of them, so that they are not kept.
class word_reader {
public:
    explicit word_reader(std::string_view text) : text_(text) {}

    // Empty behind the last one.
    std::optional<word> next() {
        while (at_ < text_.size() && word_bytes(text_, at_) == 0) {
            ++at_;
        }
        const auto begin = at_;
        while (const auto length = bytes_here()) {
            at_ += length;
        }
        if (at_ == begin) {
            return std::nullopt;
        }
        return word{base::ascii_lower(text_.substr(begin, at_ - begin)), begin};
    }

    // Reads on until `words` holds `count`, or the text is over.
    void fill(std::deque<word>& words, std::size_t count) {
        while (words.size() < count) {
            auto one = next();
            if (!one) {
                return;
            }
            words.push_back(std::move(*one));
        }
    }

private:
    // Of the word that goes on. "no-one" and "don't" are one word each.
    std::size_t bytes_here() const {
        if (at_ >= text_.size()) {
            return 0;
        }
        const auto bytes = word_bytes(text_, at_);
        const bool joins = bytes == 0 && (text_[at_] == '-' || text_[at_] == '\'')
                           && at_ + 1 < text_.size() && word_bytes(text_, at_ + 1) > 0;
        return joins ? 1 : bytes;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

using phrases = std::vector<std::deque<word>>;

std::size_t longest_of(const phrases& labels) {
    std::size_t out = 0;
    for (const auto& label : labels) {
        out = std::max(out, label.size());
    }
    return out;
}

// The longest label whose words stand at `at`; -1: none.
int label_at(const std::deque<word>& text, std::size_t at, const phrases& labels) {
    int best = -1;
    std::size_t longest = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto& label = labels[i];
        if (label.size() <= longest || at + label.size() > text.size()) {
            continue;
        }
        const auto equal = [](const word& a, const word& b) { return a.text == b.text; };
        if (std::equal(label.begin(), label.end(), text.begin() + static_cast<long>(at), equal)) {
            best = static_cast<int>(i);
            longest = label.size();
        }
    }
    return best;
}

// The only label among the words that begin before `window`.
int only_label(std::string_view text, const phrases& labels, std::size_t window) {
    const auto longest = longest_of(labels);
    word_reader reader(text);
    std::deque<word> ahead;
    int found = -1;
    for (;;) {
        reader.fill(ahead, longest);
        if (ahead.empty() || ahead.front().begin >= window) {
            return found;
        }
        const auto here = label_at(ahead, 0, labels);
        if (here >= 0 && found >= 0 && here != found) {
            return -1;
        }
        found = here >= 0 ? here : found;
        const auto read = here >= 0 ? labels[static_cast<std::size_t>(here)].size() : 1;
        ahead.erase(ahead.begin(), ahead.begin() + static_cast<long>(read));
    }
}

// What the text begins with, unless it goes on to another one: "yes or no", "yes/no". But "Yes. No doubt" is a yes.
int leading_label(std::string_view text, const phrases& labels, bool& is_ambiguous) {
    // A label, what joins it to the next one, and that.
    std::deque<word> words;
    word_reader(text).fill(words, 2 * longest_of(labels) + 1);
    const auto first = label_at(words, 0, labels);
    if (first < 0) {
        return -1;
    }
    auto next = labels[static_cast<std::size_t>(first)].size();
    if (next >= words.size()) {
        return first;
    }
    const auto& last = words[next - 1];
    const auto end = last.begin + last.text.size();
    const bool is_slash = base::trim(text.substr(end, words[next].begin - end)) == "/";
    const bool is_conjunction = words[next].text == "or" || words[next].text == "and";
    if (is_slash || is_conjunction) {
        const auto second = label_at(words, next + (is_conjunction ? 1 : 0), labels);
        is_ambiguous = second >= 0 && second != first;
    }
    return first;
}

}  // namespace

int said_label(std::string_view text, const std::vector<std::string>& labels, std::size_t window) {
    phrases wanted;
    for (const auto& label : labels) {
        word_reader(label).fill(wanted.emplace_back(), label.size());
    }
    const auto trimmed = base::trim(text);
    bool is_ambiguous = false;
    const auto first = leading_label(trimmed, wanted, is_ambiguous);
    if (first >= 0 || is_ambiguous) {
        return is_ambiguous ? -1 : first;
    }
    if (const auto marked = marked_answer(trimmed)) {
        if (const auto said = only_label(*marked, wanted, marked->size()); said >= 0) {
            return said;
        }
    }
    return only_label(trimmed, wanted, window);
}

}  // namespace meta_model::dispatch
