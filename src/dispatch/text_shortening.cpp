#include "dispatch/text_shortening.hpp"

#include "api/json_text.hpp"
#include "dispatch/text_cut.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::dispatch {

namespace {

using edit = upstream::message_edits::edit;

bool is_json(std::string_view text) {
    api::json_cursor in(text, api::json_cursor::depth_limit);
    std::string_view raw;
    return in.skip(raw) && in.at_end();
}

struct shortened {
    edit change{};
    std::size_t bytes = 0;  // decoded, of the text as it then is
};

// `begin`: offset of the text in the body.
shortened cut_text(const message_text& text, std::size_t begin, std::size_t level) {
    const auto gap = find_gap(text.raw, text.bytes, level - max_mark_bytes, text_measure::decoded);
    auto mark = gap_mark(gap.lost);
    const auto bytes = text.bytes - gap.lost + decoded_bytes(mark);
    return {{begin + gap.begin, begin + gap.end, std::move(mark)}, bytes};
}

shortened shorten_text(const message_text& text, std::size_t begin, std::size_t level) {
    if (text.what == message_text::kind::content) {
        return cut_text(text, begin, level);
    }
    const auto end = begin + text.raw.size();
    if (text.what == message_text::kind::argument_value) {
        auto json = shorten_json(text.raw, level);
        const auto bytes = json.size();
        return {{begin, end, std::move(json)}, bytes};
    }
    std::string json;
    const bool is_text = api::append_unescaped(json, text.raw);
    if (is_text && !is_json(json)) {
        return cut_text(text, begin, level);
    }
    // What is no Unicode text cannot be read, so that nothing of it could be kept with certainty.
    json = is_text ? shorten_json(json, level) : "{}";
    std::string escaped;
    api::append_json_escaped(escaped, json);
    return {{begin, end, std::move(escaped)}, json.size()};
}

}  // namespace

text_shortening::text_shortening(const api::chat_request& request, const conversation& talk)
    : body_(request.body()), source_(request.messages()), talk_(talk) {
}

void text_shortening::add(std::size_t first, std::size_t last) {
    for (auto i = first; i < last; ++i) {
        const auto& m = talk_.messages[i];
        if (m.is_removed) {
            continue;
        }
        item added{.message = i, .texts = texts_of(source_[i])};
        std::erase_if(added.texts, [](const auto& t) { return t.bytes <= least_text; });
        for (const auto& t : added.texts) {
            longest_ = std::max(longest_, t.bytes);
        }
        tokens_ += m.tokens + m.placeholder_tokens;
        items_.push_back(std::move(added));
    }
}

void text_shortening::clear() {
    items_.clear();
    longest_ = 0;
    tokens_ = 0;
}

// `sizes`: of the item's texts.
std::int64_t text_shortening::tokens_of(const item& i, const std::vector<std::size_t>& sizes)
    const {
    const auto& m = talk_.messages[i.message];
    auto shape = m.shape;
    for (std::size_t t = 0; t < i.texts.size(); ++t) {
        auto& part = i.texts[t].what == message_text::kind::content
                         ? shape.content_bytes
                         : shape.calls[i.texts[t].call].argument_bytes;
        part -= i.texts[t].bytes;
        part += sizes[t];
    }
    return estimate_message_tokens(shape) + m.placeholder_tokens;
}

std::int64_t text_shortening::tokens_at(std::size_t level) const {
    std::int64_t out = 0;
    std::vector<std::size_t> sizes;
    for (const auto& i : items_) {
        const auto& m = talk_.messages[i.message];
        if (i.texts.empty()) {
            out += m.tokens + m.placeholder_tokens;
            continue;
        }
        sizes.clear();
        for (const auto& t : i.texts) {
            sizes.push_back(std::min(t.bytes, level));
        }
        out += tokens_of(i, sizes);
    }
    return out;
}

std::int64_t text_shortening::least_tokens() const {
    return longest_ == 0 ? tokens_ : tokens_at(least_text);
}

std::int64_t text_shortening::shorten(std::int64_t budget, std::vector<edit>& edits) const {
    if (tokens_ <= budget || longest_ == 0) {
        return tokens_;
    }
    auto level = least_text;
    for (auto beyond = longest_; beyond > level + 1;) {
        const auto middle = level + (beyond - level) / 2;
        (tokens_at(middle) <= budget ? level : beyond) = middle;
    }
    std::int64_t tokens = 0;
    std::vector<std::size_t> sizes;
    for (const auto& i : items_) {
        sizes.clear();
        for (const auto& t : i.texts) {
            sizes.push_back(t.bytes);
            if (t.bytes <= level) {
                continue;
            }
            const auto begin = static_cast<std::size_t>(t.raw.data() - body_.data());
            auto cut = shorten_text(t, begin, level);
            sizes.back() = cut.bytes;
            edits.push_back(std::move(cut.change));
        }
        tokens += tokens_of(i, sizes);
    }
    return tokens;
}

}  // namespace meta_model::dispatch
