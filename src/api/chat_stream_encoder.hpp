// Answer events as the SSE stream of /v1/chat/completions (spec §2.6).
#pragma once

#include "api/answer_event.hpp"
#include "api/tool_index_map.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace meta_model::api {

struct chat_stream_options {
    std::string id{};               // empty: one is made
    std::int64_t created = 0;       // Unix time
    std::string model{};            // as the client is to see it
    bool include_usage = false;     // stream_options.include_usage
    bool expose_reasoning = false;  // else reasoning deltas are dropped
    std::string extension{};        // JSON text of the finish chunk's `x_meta_model`; empty: none
};

// Appends `data: {…}` events to `out`, which the owner may empty between events. No allocation per delta while `out`
// has room. The role chunk goes out with the first thing to show, because its content depends on what that is.
class chat_stream_encoder final : public answer_listener {
public:
    // `out` must outlive the encoder.
    chat_stream_encoder(std::string& out, const chat_stream_options& options);
    chat_stream_encoder(const chat_stream_encoder&) = delete;
    chat_stream_encoder& operator=(const chat_stream_encoder&) = delete;

    void on_event(const answer_event& event) override;

    // As in the options, for what is known only at the end. Before the finish; empty: as it was.
    void set_extension(std::string_view json);

    // The usage chunk when it was asked for (`null` when unknown) and `data: [DONE]`. Writes nothing unless `finish`
    // came: an answer that was cut must not end like a whole one.
    void close();

    bool is_finished() const { return phase_ == phase::finished || phase_ == phase::closed; }
    bool has_failed() const { return phase_ == phase::failed; }

private:
    enum class phase { empty, open, finished, closed, failed };

    struct open_call {
        bool is_announced = false;  // its id and name went out
        std::string id{};
        std::string arguments{};  // waiting for the name
        std::string extra{};      // likewise
    };

    void on_text(std::string_view text);
    void on_reasoning(const answer_event& event);
    void on_reasoning_list(const answer_event& event);
    void on_tool_call(const answer_event& event);
    void on_function(const answer_event& event);
    void on_finish(std::string_view reason);
    void on_failure(const base::error* error);

    void open(std::string_view role_delta);
    void announce_call(std::size_t index, std::string_view name, std::string_view arguments);
    void announce_waiting_calls();
    void add_text_chunk(std::string_view before, std::string_view text, std::string_view after);
    void add_arguments_chunk(std::size_t index, std::string_view arguments, std::string_view extra);
    void close_call(std::string_view extra);
    std::string_view default_finish_reason() const;

    std::string& out_;
    std::string prefix_{};          // up to `"delta":`
    std::string suffix_{};          // after the delta of a chunk that is not the last
    std::string content_prefix_{};  // the two with a content delta around its text
    std::string content_suffix_{};
    std::string after_finish_{};  // after the finish reason
    std::string extension_{};     // before that, in the last chunk; empty: none
    std::string head_{};          // up to `"choices":`
    std::string usage_{};         // JSON text; empty: unknown
    bool include_usage_;
    bool expose_reasoning_;
    phase phase_ = phase::empty;
    tool_index_map indices_{};
    std::vector<open_call> calls_{};
    bool has_function_call_ = false;
};

// Turns a complete answer into its events, content sliced as spec §2.6 says; `finish` is the draft's reason, or the
// one its message implies. The listener sees no failure; closing the encoder is the caller's.
void emit_whole_draft(
    const draft& answer, answer_listener& to, thinking_telling telling = thinking_telling::in_one
);

}  // namespace meta_model::api
