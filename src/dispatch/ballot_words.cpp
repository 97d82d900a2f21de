// Labels in text, by whole words.
#include "base/text.hpp"
#include "dispatch/ballot.hpp"
#include "dispatch/final_answer.hpp"

#include <algorithm>

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

std::vector<word> words_of(std::string_view text) {
    std::vector<word> out;
    bool is_open = false;
    for (std::size_t i = 0; i < text.size();) {
        const auto bytes = word_bytes(text, i);
        // "no-one" and "don't" are one word each.
        const bool joins = bytes == 0 && is_open && (text[i] == '-' || text[i] == '\'')
                           && i + 1 < text.size() && word_bytes(text, i + 1) > 0;
        if (bytes == 0 && !joins) {
            is_open = false;
            ++i;
            continue;
        }
        if (!is_open) {
            out.push_back({{}, i});
            is_open = true;
        }
        const auto length = joins ? 1 : bytes;
        out.back().text += base::ascii_lower(text.substr(i, length));
        i += length;
    }
    return out;
}

using phrases = std::vector<std::vector<word>>;

// The longest label whose words stand at `at`; -1: none.
int label_at(const std::vector<word>& text, std::size_t at, const phrases& labels) {
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
int only_label(const std::vector<word>& text, const phrases& labels, std::size_t window) {
    int found = -1;
    for (std::size_t i = 0; i < text.size() && text[i].begin < window;) {
        const auto here = label_at(text, i, labels);
        if (here >= 0 && found >= 0 && here != found) {
            return -1;
        }
        found = here >= 0 ? here : found;
        i += here >= 0 ? labels[static_cast<std::size_t>(here)].size() : 1;
    }
    return found;
}

// What the text begins with, unless it goes on to another one: "yes or no", "yes/no". But "Yes. No doubt" is a yes.
int leading_label(
    std::string_view text, const std::vector<word>& words, const phrases& labels, bool& is_ambiguous
) {
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
        wanted.push_back(words_of(label));
    }
    const auto trimmed = base::trim(text);
    const auto all = words_of(trimmed);
    bool is_ambiguous = false;
    const auto first = leading_label(trimmed, all, wanted, is_ambiguous);
    if (first >= 0 || is_ambiguous) {
        return is_ambiguous ? -1 : first;
    }
    if (const auto marked = marked_answer(trimmed)) {
        if (const auto said = only_label(words_of(*marked), wanted, marked->size()); said >= 0) {
            return said;
        }
    }
    return only_label(all, wanted, window);
}

}  // namespace meta_model::dispatch
