// Reads one reply from a connection: status, length of the payload, and for SSE the stamps and the
// end marker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::bench {

// Takes a chunked body apart (RFC 9112 §7.1) without copying it.
class chunk_decoder {
public:
    void reset() { *this = {}; }

    // Drops framing from the front of `bytes` and returns the payload part that follows it; empty
    // when `bytes` is used up or the body ended.
    std::string_view next_payload(std::string_view& bytes);

    bool is_complete() const { return state_ == state::done; }
    bool is_broken() const { return state_ == state::broken; }

private:
    enum class state { size, size_end, data, data_end, trailer, done, broken };

    void take_framing(char c);

    state state_ = state::size;
    std::uint64_t left_ = 0;
    std::uint64_t line_bytes_ = 0;  // of the trailer line
};

// Finds `@<ns>;` in a payload that arrives in pieces.
class stamp_scanner {
public:
    void reset() { carried_.clear(); }

    // Calls `found(stamp_ns)` for each stamp that is complete now.
    template <class Found>
    void scan(std::string_view payload, Found&& found) {
        if (!carried_.empty()) {
            carried_ += payload;
            joined_.swap(carried_);
            carried_.clear();
            payload = joined_;
        }
        for (;;) {
            const auto stamp = take_stamp(payload);
            if (!stamp) return;
            found(*stamp);
        }
    }

private:
    // The next stamp, dropped from `payload` with all before it; an unfinished one is kept for the
    // next piece.
    std::optional<std::uint64_t> take_stamp(std::string_view& payload);

    std::string carried_{};
    std::string joined_{};
};

class reply_reader {
public:
    void reset();

    // Takes what one read gave; calls `stamped(stamp_ns)` for each stamp in it.
    template <class Stamped>
    void take(std::string_view bytes, Stamped&& stamped) {
        if (!has_head_ && !take_head(bytes)) return;
        for (;;) {
            const std::string_view payload = next_payload(bytes);
            if (payload.empty()) return;
            remember(payload);
            scanner_.scan(payload, stamped);
        }
    }

    bool has_head() const { return has_head_; }
    bool is_complete() const { return is_complete_; }
    bool is_broken() const { return is_broken_; }  // bad framing, or bytes beyond the end
    bool ended_with_done() const { return tail_ == "data: [DONE]\n\n"; }
    int status() const { return status_; }
    std::uint64_t payload_bytes() const { return payload_bytes_; }

private:
    // Completes the head and leaves in `bytes` what follows it; false while it is incomplete.
    bool take_head(std::string_view& bytes);
    std::string_view next_payload(std::string_view& bytes);
    void remember(std::string_view payload);

    std::string head_{};
    std::string after_head_{};
    bool has_head_ = false;
    bool is_chunked_ = false;
    bool is_complete_ = false;
    bool is_broken_ = false;
    int status_ = 0;
    std::uint64_t length_ = 0;
    std::uint64_t payload_bytes_ = 0;
    std::string tail_{};  // the last bytes of the payload, as many as the end marker has
    chunk_decoder chunks_{};
    stamp_scanner scanner_{};
};

}  // namespace meta_model::bench
