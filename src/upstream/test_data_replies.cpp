#include "upstream/test_data_replies.hpp"

#include "base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace meta_model::upstream {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t default_dimensions = 256;
constexpr std::size_t most_dimensions = 4096;

std::string text_of(const json& value) {
    if (value.is_object() && value.contains("text")) {
        return text_of(value["text"]);
    }
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<std::string> words_of(const json& value) {
    std::vector<std::string> words(1);
    for (const char c : base::ascii_lower(text_of(value))) {
        const bool is_of_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
        if (is_of_word) {
            words.back() += c;
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    if (words.back().empty()) {
        words.pop_back();
    }
    return words;
}

std::uint64_t hash_of(std::string_view word) {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (const char c : word) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    return hash;
}

// Each word adds one to a place of its own, so that texts with the same words are close. Of length 1.
std::vector<float> vector_of(const std::vector<std::string>& words, std::size_t dimensions) {
    std::vector<float> out(dimensions, 0.0F);
    for (const auto& word : words) {
        const auto hash = hash_of(word);
        out[hash % dimensions] += (hash >> 63) != 0 ? -1.0F : 1.0F;
    }
    double square = 0;
    for (const auto x : out) {
        square += static_cast<double>(x) * x;
    }
    if (square == 0) {
        out.front() = 1.0F;
        return out;
    }
    for (auto& x : out) {
        x = static_cast<float>(x / std::sqrt(square));
    }
    return out;
}

// RFC 4648 §4, of 32-bit floats in little-endian order, as the OpenAI SDKs ask for.
std::string base64_of(const std::vector<float>& values) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    for (const auto value : values) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        for (int shift = 0; shift < 32; shift += 8) {
            bytes += static_cast<char>(bits >> shift);
        }
    }
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = i; j < i + 3; ++j) {
            group = group << 8 | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
        }
        for (int shift = 18; shift >= 0; shift -= 6) {
            out += digits[group >> shift & 63U];
        }
    }
    const auto surplus = (3 - bytes.size() % 3) % 3;
    out.replace(out.size() - surplus, surplus, surplus, '=');
    return out;
}

// One text, a list of them, or tokens in place of texts.
std::vector<json> inputs_of(const json& input) {
    const bool is_list = input.is_array() && !(!input.empty() && input.front().is_number());
    return is_list ? std::vector<json>(input.begin(), input.end()) : std::vector<json>{input};
}

test_reply refusal(int status, std::string_view message) {
    const json body = {
        {"error", {{"message", message}, {"type", "invalid_request_error"}, {"code", nullptr}}}
    };
    return {.status = status, .body = body.dump()};
}

test_reply reply_of(const json& body) {
    return {.body = body.dump()};
}

test_reply embeddings(const json& asked, std::string_view model) {
    const auto wish = asked.value("dimensions", json(default_dimensions));
    const auto dimensions = wish.is_number_unsigned()
                                ? std::clamp<std::uint64_t>(wish, 1, most_dimensions)
                                : default_dimensions;
    const bool is_base64 = asked.value("encoding_format", json()) == "base64";
    auto data = json::array();
    std::size_t tokens = 0;
    for (const auto& input : inputs_of(asked.value("input", json()))) {
        const auto words = words_of(input);
        const auto vector = vector_of(words, dimensions);
        tokens += words.size();
        data.push_back(
            {{"object", "embedding"},
             {"index", data.size()},
             {"embedding", is_base64 ? json(base64_of(vector)) : json(vector)}}
        );
    }
    return reply_of(
        {{"object", "list"},
         {"data", std::move(data)},
         {"model", model},
         {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}}
    );
}

test_reply rerank(const json& asked, std::string_view model) {
    const auto documents = asked.value("documents", json());
    if (!documents.is_array()) {
        return refusal(400, "documents must be a list");
    }
    const auto query = vector_of(words_of(asked.value("query", json())), default_dimensions);
    auto tokens = words_of(asked.value("query", json())).size();
    std::vector<std::pair<double, std::size_t>> ranked;
    for (const auto& document : documents) {
        const auto words = words_of(document);
        const auto vector = vector_of(words, default_dimensions);
        double likeness = 0;
        for (std::size_t i = 0; i < query.size(); ++i) {
            likeness += static_cast<double>(query[i]) * vector[i];
        }
        tokens += words.size();
        ranked.emplace_back(std::max(0.0, likeness), ranked.size());
    }
    std::ranges::stable_sort(ranked, [](const auto& a, const auto& b) {
        return a.first > b.first;
    });
    if (const auto top = asked.value("top_n", json()); top.is_number_unsigned()) {
        ranked.resize(std::min<std::size_t>(ranked.size(), top));
    }
    auto results = json::array();
    for (const auto& [score, index] : ranked) {
        results.push_back({{"index", index}, {"relevance_score", score}});
        if (asked.value("return_documents", json()) == true) {
            results.back()["document"] = {{"text", text_of(documents[index])}};
        }
    }
    return reply_of(
        {{"id", "rerank-test"},
         {"model", model},
         {"results", std::move(results)},
         {"usage", {{"total_tokens", tokens}}}}
    );
}

test_reply moderations(const json& asked, std::string_view model) {
    auto results = json::array();
    for (std::size_t i = 0; i < inputs_of(asked.value("input", json())).size(); ++i) {
        json flags = json::object();
        json scores = json::object();
        for (const auto* name : {"harassment", "hate", "self-harm", "sexual", "violence"}) {
            flags[name] = false;
            scores[name] = 0.0;
        }
        results.push_back({{"flagged", false}, {"categories", flags}, {"category_scores", scores}});
    }
    return reply_of({{"id", "modr-test"}, {"model", model}, {"results", std::move(results)}});
}

}  // namespace

test_reply make_test_data_reply(std::string_view path, const test_request& request) {
    const auto asked = json::parse(request.body, nullptr, false);
    if (!asked.is_object()) {
        return refusal(400, "the body is no JSON object");
    }
    if (path == "/embeddings") {
        return embeddings(asked, request.model_id);
    }
    if (path == "/rerank") {
        return rerank(asked, request.model_id);
    }
    if (path == "/moderations") {
        return moderations(asked, request.model_id);
    }
    return refusal(404, "simulated models do not serve this path");
}

}  // namespace meta_model::upstream
