// Reasoning that models mix into their visible text, and answers that hold nothing but reasoning (spec §5.6).
//
// Marks count only where models put them: at the start of the message, and a closing tag whose opening one was part
// of the prompt. A tag that is talked about, or stands in a code fence, is text like any other.
#pragma once

#include "api/message.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

namespace marks {
struct mark;
}

// `text` without leading reasoning: tags, harmony channels, thought and solution blocks, a spoken preamble that ends
// in a line such as "Answer:". Without ASCII white space around it when something was removed, else byte for byte.
// A tag that was never closed takes everything with it, except where its name is one that answers use
// (`analysis`, `reasoning`, `reflection`, `rationale`): those stay unless visible text follows their end.
std::string strip_in_band_reasoning(std::string_view text);

// True when the content holds more than white space.
bool has_visible_content(const draft& d);

// A message without visible content, refusal and calls gets its trimmed reasoning as content; the field it came from
// is empty afterwards.
void rescue_reasoning(draft& d);

// Both: what stands before the answer leaves its content, and what is left shows something if anything can.
void separate_reasoning(draft& d);

// Strips leading reasoning from text that arrives in pieces. Holds back only what may be a mark, the inside of a
// reasoning block, and, once something was stripped, trailing white space; everything else passes at once, uncopied.
// The result does not depend on how the text was cut into pieces (bytes, not characters). It is what
// strip_in_band_reasoning gives for text that begins with a mark, except that the first visible text is shown: of several
// final channels or solutions the first (the last is not known yet), and what stands before one.
class leading_reasoning_filter {
public:
    // Text to show now. The view dies at the next call, or with `piece`.
    std::string_view feed(std::string_view piece);

    // The rest, once no more will come. The view dies with the filter.
    std::string_view finish();

    // True once it is certain that something was removed.
    bool has_stripped() const { return has_stripped_; }

private:
    enum class state {
        lead,            // nothing visible yet, outside any block
        block,           // inside a reasoning block
        channel_header,  // after <|channel|>
        hidden_channel,  // body of a channel that is not shown
        body,            // body of the final channel or of a solution
        rest,            // visible text up to the end
        done,            // nothing after a final body is shown
    };
    enum class input { open, ended };

    // Each consumes what it can from `held_`; false when only more input helps.
    bool step(input in);
    bool step_lead(input in);
    bool step_block();
    bool step_channel_header();
    bool step_hidden_channel();
    bool step_body(input in);

    void enter(const marks::mark& m, std::size_t length);
    std::string_view held() const;
    void take(std::size_t bytes);       // from the front of what is held
    void set_aside(std::size_t bytes);  // the same, and keeps it
    void show(std::string_view text);

    state state_ = state::lead;
    const marks::mark* mark_ = nullptr;  // of the block or body
    bool has_stripped_ = false;
    bool has_shown_ = false;
    bool has_weak_block_ = false;
    std::string held_{};  // not decided yet, from `taken_` on
    std::size_t taken_ = 0;
    std::string aside_{};   // leading white space and weak blocks: shown if nothing visible follows
    std::string spaces_{};  // trailing white space of what was shown
    std::string out_{};     // what feed returns, unless it is the piece itself
};

}  // namespace meta_model::api
