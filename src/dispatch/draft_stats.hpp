// Lengths and fingerprints of drafts (spec §3.12): equal drafts show equal hashes within one request, and nothing can
// be learned from them across requests.
#pragma once

#include "api/message.hpp"

#include <string>
#include <vector>

namespace meta_model::dispatch {

struct draft_stat {
    std::size_t bytes = 0;  // an empty text draft measures 8
    std::string hash{};     // 16 hexadecimal digits
};

std::vector<draft_stat> draft_statistics(const std::vector<const api::draft*>& drafts);

std::string lengths_header(const std::vector<draft_stat>& stats);
std::string hashes_header(const std::vector<draft_stat>& stats);

}  // namespace meta_model::dispatch
