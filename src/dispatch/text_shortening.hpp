// Brings messages below a number of tokens by cutting their longest texts, all to the same length, as little as it takes.
#pragma once

#include "api/chat_request.hpp"
#include "dispatch/conversation.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

class text_shortening {
public:
    // Shorter texts stay whole, and cut ones keep about so many bytes.
    static constexpr std::size_t least_text = 256;

    // `request` and `talk` must outlive this object.
    text_shortening(const api::chat_request& request, const conversation& talk);

    // Adds the messages [first, last) that were not removed.
    void add(std::size_t first, std::size_t last);

    void clear();

    std::int64_t tokens() const { return tokens_; }  // whole
    std::int64_t least_tokens() const;               // with every text cut as far as it goes

    // Appends the edits that bring the messages to at most `budget` (at least least_tokens()), and gives what
    // they then have.
    std::int64_t shorten(std::int64_t budget, std::vector<upstream::message_edits::edit>& edits)
        const;

private:
    struct item {
        std::size_t message = 0;
        std::vector<message_text> texts{};
    };

    std::int64_t tokens_at(std::size_t level) const;
    std::int64_t tokens_of(const item& i, const std::vector<std::size_t>& sizes) const;

    std::string_view body_;
    const std::vector<api::request_message>& source_;
    const conversation& talk_;
    std::vector<item> items_;
    std::size_t longest_ = 0;
    std::int64_t tokens_ = 0;
};

}  // namespace meta_model::dispatch
