// The events of a response's stream, in the order and with the numbers that clients count on (spec §7.2.4).
#pragma once

#include "api/responses_output.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

// Texts are escaped, as they came. Items are named by their output index, in the order in which they were added.
class response_events {
public:
    response_events(response_facts facts, response_listener* listener)
        : facts_(std::move(facts)), listener_(listener) {}

    // Where the events go that the calls below make. It outlives them.
    void write_to(std::string& out) { out_ = &out; }

    const response_facts& facts() const { return facts_; }
    response_ending& ending() { return ending_; }
    const output_item& item(std::size_t index) const { return items_[index]; }
    bool is_over() const { return is_over_; }
    bool has_items() const { return !items_.empty(); }

    // The events that every stream begins with; once.
    void begin();

    // A further snapshot with `x_meta_model`, which is how this wire tells of progress.
    void tell_progress(std::string_view extension);

    std::size_t add_item(output_item item);

    // A text or refusal of a message. `logprobs`: elements of the list.
    void add_text(
        std::size_t item, std::string_view text, bool is_refusal, std::string_view logprobs = {}
    );
    // A chat's annotation of a message's text.
    void add_annotation(std::size_t item, std::string_view chat_annotation);
    // Of a reasoning item: what is shown, and what is kept.
    void add_reasoning_text(std::size_t item, std::string_view text);
    void keep_reasoning(std::size_t item, std::string_view key, std::string_view value);
    // Arguments or input of a call.
    void keep_thought(std::size_t item, std::string_view text);
    void add_call_text(std::size_t item, std::string_view text);
    // Further members of a call, told at its end; the first that come count.
    void add_call_details(std::size_t item, std::string_view details);

    // Nothing for an item that was closed.
    void close_item(std::size_t item, item_state as);

    // Closes what is open and tells the final response, of the status that the ending's finish_reason stands for.
    void finish();
    void fail(const response_failure& failure);

private:
    void open_event(std::string_view type);
    void open_item_event(std::string_view type, std::size_t item);
    void add_number(std::string_view name, std::size_t value);
    void add_text_member(std::string_view name, std::string_view escaped);
    void close_event();
    void add_snapshot(
        std::string_view type, response_status status, std::string_view extension = {}
    );
    std::size_t open_part(std::size_t item, bool is_refusal);
    void close_part(std::size_t item, std::size_t part);
    void close_reasoning(std::size_t item);
    void close_call(std::size_t item);
    void end(std::string_view type);

    response_facts facts_;
    response_listener* listener_;
    std::string* out_ = nullptr;
    std::uint64_t sequence_ = 0;
    std::size_t event_begin_ = 0;
    bool has_begun_ = false;
    bool is_over_ = false;
    response_ending ending_{};
    std::vector<output_item> items_{};
};

}  // namespace meta_model::api
