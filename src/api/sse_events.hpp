// Server-sent events (WHATWG HTML §9.2) as far as model servers use them: finding whole events in a buffer and reading
// their data. Lines end in LF or CRLF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace meta_model::api {

// The offset behind the first complete event (up to and including its blank line) of `buffer`, searching from `from`;
// npos when none is complete. `from` may be where an earlier search without result ended, less three bytes.
std::size_t find_event_end(std::string_view buffer, std::size_t from = 0);

// The data of one event: its `data:` lines joined by LF. Views `event`, or `storage` when lines had to be joined.
// Empty for comments and for events without data.
std::string_view event_data(std::string_view event, std::string& storage);

// Cuts a stream into its events, however its bytes are split. Only an event whose end has not come yet is copied and kept.
class event_splitter {
public:
    static constexpr std::size_t default_max_event_bytes = 1u << 20;

    explicit event_splitter(std::size_t max_event_bytes = default_max_event_bytes)
        : max_event_bytes_(max_event_bytes) {}

    // Calls `take` with each event, its blank line included, that ends within `bytes`, until it answers false.
    // False: `take` did, or what has no end yet is larger than the bound. The stream cannot go on then.
    template <typename Take>
    bool feed(std::string_view bytes, Take&& take) {
        if (!pending_.empty()) {
            const auto had = pending_.size();
            const auto searched = had < 3 ? 0 : had - 3;
            pending_.append(bytes);
            const auto end = find_event_end(pending_, searched);
            if (end == std::string_view::npos) {
                return pending_.size() <= max_event_bytes_;
            }
            const auto event = std::move(pending_);
            pending_.clear();
            bytes.remove_prefix(end - had);
            if (!take(std::string_view(event).substr(0, end))) {
                return false;
            }
        }
        for (auto end = find_event_end(bytes); end != std::string_view::npos;
             end = find_event_end(bytes)) {
            if (!take(bytes.substr(0, end))) {
                return false;
            }
            bytes.remove_prefix(end);
        }
        pending_.assign(bytes);
        return pending_.size() <= max_event_bytes_;
    }

    // The beginning of an event whose end has not come.
    std::string_view rest() const { return pending_; }

private:
    std::size_t max_event_bytes_;
    std::string pending_;
};

}  // namespace meta_model::api
