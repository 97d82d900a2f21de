// Where one model's text meets what another had written before: pure text work. The second may go on where the first
// ended, repeat its last words, or begin anew; nothing is to be shown twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

class continuation_seam {
public:
    enum class kind {
        prefill,  // the second was made to write on from the very end: its text is either that or a new beginning
        followup,  // it was only asked to: it may repeat the last words too
    };

    // `sent`: what the client has; may be empty.
    continuation_seam(std::string sent, kind how);

    // Text that follows on what was sent. While it is not clear what the second does, nothing. The view dies at the
    // next call.
    std::string_view feed(std::string_view piece);

    // The rest, once no more will come. The view dies with the seam.
    std::string_view finish();

    // It began anew with other words: its text cannot follow on what was sent.
    bool has_diverged() const { return state_ == state::diverged; }

private:
    enum class state { open, joined, diverged };

    void compare(std::string_view piece);
    void decide();
    std::string_view join(std::size_t repeated);

    std::string sent_;
    std::string held_;  // of the second's text, until it is clear
    std::vector<std::size_t>
        overlaps_;                // positions in `sent_` from which on `held_` repeats it, so far
    std::size_t restart_ = 0;     // so many bytes of the beginning were repeated
    bool is_restarting_ = false;  // all of `held_` repeats the beginning
    std::size_t repeated_ = 0;    // the longest end of `sent_` that `held_` begins with
    state state_ = state::open;
    std::string out_;
};

}  // namespace meta_model::dispatch
