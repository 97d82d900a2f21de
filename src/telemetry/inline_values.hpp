// Small values that need no allocation: a short label and a list whose first elements lie inside it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace meta_model::telemetry {

// A word of a fixed vocabulary, copied. What is longer than `capacity` is cut.
class short_label {
public:
    static constexpr std::size_t capacity = 31;

    short_label() = default;
    // Implicit, so that `record.synth_decision = "merged"` reads as it should.
    short_label(std::string_view text)
        : size_(static_cast<std::uint8_t>(std::min(text.size(), capacity))) {
        std::copy_n(text.data(), size_, text_.data());
    }
    short_label(const char* text) : short_label(std::string_view(text)) {}

    std::string_view view() const { return {text_.data(), size_}; }
    bool empty() const { return size_ == 0; }

    friend bool operator==(const short_label& a, const short_label& b) {
        return a.view() == b.view();
    }

private:
    std::array<char, capacity> text_{};
    std::uint8_t size_ = 0;
};

// The first N elements lie inside, the rest on the heap.
template <class T, std::size_t N>
class small_list {
public:
    void push_back(const T& value) {
        if (size_ < N) {
            first_[size_] = value;
        } else {
            rest_.push_back(value);
        }
        ++size_;
    }
    void clear() {
        size_ = 0;
        rest_.clear();
    }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    const T& operator[](std::size_t i) const { return i < N ? first_[i] : rest_[i - N]; }
    T& operator[](std::size_t i) { return i < N ? first_[i] : rest_[i - N]; }

private:
    std::array<T, N> first_{};
    std::size_t size_ = 0;
    std::vector<T> rest_{};
};

}  // namespace meta_model::telemetry
