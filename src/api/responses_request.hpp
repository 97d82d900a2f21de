// A request to /v1/responses, and the chat request that it stands for (spec §7.2). Texts are carried as the JSON they are
// written in, never decoded.
#pragma once

#include "api/chat_request.hpp"
#include "api/responses_reply.hpp"
#include "base/error.hpp"

#include <span>
#include <string>
#include <string_view>

namespace meta_model::api {

// What a request refers to without holding it. Raw JSON items as they were told to clients, or came from them.
class response_history {
public:
    virtual ~response_history() = default;

    // The items before this request's own: the input and output of the responses that it goes on from, oldest first.
    virtual std::span<const std::string_view> earlier_items() const { return {}; }

    // The item that an item_reference names; empty: there is none.
    virtual std::string_view find_item(std::string_view /*id*/) const { return {}; }

    // How many bytes of items may be referred to. A reference is short, what it names is not.
    virtual std::size_t max_referred_bytes() const { return 0; }
};

// Located in the client's own bytes, and judged: every member that is read here has a type that is allowed.
class responses_request {
public:
    // Walks `body`, which must outlive this object. The errors: invalid_json, a shape that names its field,
    // missing_model, and those of single fields (invalid_input, invalid_tools, invalid_tool_choice).
    base::result<void> parse(std::string_view body, int max_depth);

    // x_meta_model.profile if given, else `model`.
    std::string_view requested_name() const { return request_.requested_name(); }
    bool is_stream() const { return request_.stream(); }
    bool is_background() const { return is_true("background"); }
    // Whether the response is to be kept: so unless `store` is false.
    bool wants_store() const;
    // Raw JSON of a top-level member; empty when the request has none or it is null.
    std::string_view member(std::string_view name) const;
    // Unescaped; empty: none.
    std::string previous_response_id() const;

    // Calls take(raw) for each of this request's own input items; an input that is one string is told as the message that
    // it stands for. The views die with the call.
    template <class F>
    void for_each_input_item(F&& take) const {
        const auto input = member("input");
        if (input.starts_with('[')) {
            json_cursor in(input, json_cursor::depth_limit);
            std::string_view item;
            in.enter_array();
            while (in.next_element() && in.skip(item)) {
                take(item);
            }
        } else if (!input.empty()) {
            take(std::string_view(message_of_text(input)));
        }
    }

    // The chat request. The errors: what chats have no like of (501, `param` says where) and malformed items (400).
    base::result<std::string> chat(const response_history& history) const;

    // What the response object repeats of the request, with an id of its own. It owns what it holds.
    response_facts facts() const;

    const chat_request& fields() const { return request_; }

private:
    static std::string message_of_text(std::string_view raw_text);
    bool is_true(std::string_view name) const;
    base::result<void> append_messages(std::string& out, const response_history& history) const;
    void append_carried(std::string& out, bool offers_tools) const;
    void append_echo(std::string& out) const;

    chat_request request_;
};

}  // namespace meta_model::api
