// The texts of two-stage vision (spec §6.4): what a vision model is asked about a conversation's images, and the
// conversation in which its description stands for them. Pure.
#pragma once

#include "api/chat_request.hpp"
#include "config/config.hpp"
#include "upstream/prepare.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

inline constexpr std::chrono::seconds longest_description{120};
inline constexpr std::size_t most_description_bytes = 64u << 10;

// The images of a conversation, oldest first.
struct image_selection {
    struct image {
        std::size_t message = 0;  // its position
        std::string_view raw{};   // the part, in the body
    };
    std::vector<image> all{};
    std::size_t first_described = 0;  // position in `all`: from there on they are described

    std::size_t described_count() const { return all.size() - first_described; }
};

// Selects the newest `cap` images; all of them when it is not positive.
image_selection select_images(const api::chat_request& request, int cap);

// Makes the client's body into the question about the images; the rest of the conversation is not part of it, but for the
// newest text of the user. There is at least one image.
upstream::body_changes description_changes(
    const api::chat_request& request,
    const image_selection& images,
    const config::vision_route& vision,
    const config::upstream& upstream
);

// The body with text for every image: the description in the newest message that holds one, notes in the older ones. What
// else a message holds stays.
std::string body_with_description(
    const api::chat_request& request, const image_selection& images, std::string_view description
);

}  // namespace meta_model::dispatch
