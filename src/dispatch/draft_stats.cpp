#include "dispatch/draft_stats.hpp"

#include "base/ids.hpp"
#include "dispatch/agreement.hpp"

#include <openssl/evp.h>

#include <array>

namespace meta_model::dispatch {

namespace {

std::string fingerprint(const std::string& salt, const std::string& text) {
    const auto input = salt + '\x01' + text;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha256(), nullptr);
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) {
        out += hex[digest[i] >> 4];
        out += hex[digest[i] & 15];
    }
    return out;
}

}  // namespace

std::vector<draft_stat> draft_statistics(const std::vector<const api::draft*>& drafts) {
    const auto salt = base::random_hex(32);
    std::vector<draft_stat> out;
    for (const auto* d : drafts) {
        const auto s = signature_of(*d);
        const auto text = s.text + '\0' + s.calls + '\0' + s.function;
        out.push_back({.bytes = text.size(), .hash = fingerprint(salt, text)});
    }
    return out;
}

std::string lengths_header(const std::vector<draft_stat>& stats) {
    std::string out;
    for (const auto& s : stats) {
        out += (out.empty() ? "" : ",") + std::to_string(s.bytes);
    }
    return out;
}

std::string hashes_header(const std::vector<draft_stat>& stats) {
    std::string out;
    for (const auto& s : stats) {
        out += (out.empty() ? "" : ",") + s.hash;
    }
    return out;
}

}  // namespace meta_model::dispatch
