// A request to a model, most often a chat, as located in the client's own bytes: one strict walk finds what the gateway
// acts on and judges its shape. Nothing is copied but escaped names; everything else is a view of the body.
#pragma once

#include "api/json_cursor.hpp"
#include "api/request_shape.hpp"
#include "base/error.hpp"
#include "base/money.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

enum class role : std::uint8_t { system, user, assistant, tool, developer, function };

// A top-level member of the request object. Offsets are from the start of the body.
struct request_member {
    std::string_view key{};     // unescaped
    std::string_view value{};   // raw JSON
    std::size_t key_begin = 0;  // of the opening quote
    std::size_t key_end = 0;    // behind the closing quote
    std::size_t value_begin = 0;
    std::size_t value_end = 0;
    json_type type{};
};

// One element of `messages`.
struct request_message {
    api::role role{};
    json_type content_type = json_type::invalid;  // invalid: no content member
    std::string_view raw{};                       // the whole object
    std::string_view content{};                   // raw JSON of `content`
    std::string_view role_raw{};                  // raw JSON of `role`
    bool has_tool_calls = false;
};

// `x_meta_model`
struct envelope {
    std::string profile{};
    bool trace = false;
    bool progress = false;
    std::optional<std::int64_t> deadline_ms{};
    std::optional<std::int64_t> min_drafts{};
    std::optional<base::money> max_cost{};
};

class chat_request {
public:
    // Walks `body`, which must outlive this object. Precedence: not JSON or a repeated structural member (400
    // invalid_json), then the first violation of the shape (400 with `param`).
    base::result<void> parse(
        std::string_view body,
        int max_depth,
        const request_shape& shape = shape_of(request_kind::chat)
    );

    // Gives the memory back that located the request; what is left are its flags, envelope and requested name. For
    // long streams, whose request was sent long ago.
    void release();

    const request_shape& shape() const { return *shape_; }
    bool is_chat() const { return shape_->kind == request_kind::chat; }
    std::string_view body() const { return body_; }
    std::string_view model() const { return model_; }
    bool stream() const { return stream_; }
    // Whether it has fields that tools are offered with and that do not go out as they are.
    bool has_tools_to_edit() const { return has_tools_to_edit_; }
    bool include_usage() const { return include_usage_; }
    const api::envelope& envelope() const { return envelope_; }
    // Of a chat; other kinds have none, whatever members they carry.
    const std::vector<request_message>& messages() const { return messages_; }
    const std::vector<request_member>& members() const { return members_; }

    // The member, or null when the request has none or it is null.
    const request_member* find(std::string_view key) const;
    // The member even when its value is null.
    const request_member* find_any(std::string_view key) const;

    // Offset just behind `{`, and of the closing `}`.
    std::size_t object_begin() const { return object_begin_; }
    std::size_t object_end() const { return object_end_; }

    // The requested name: x_meta_model.profile if given, else model.
    std::string_view requested_name() const {
        return envelope_.profile.empty() ? model_ : envelope_.profile;
    }

private:
    bool walk(json_cursor& in);
    bool is_structural(std::string_view key) const;
    void violate(std::string param, std::string_view what);
    void judge_member(const request_member& member);
    bool walk_messages(json_cursor& in, request_member& member);
    bool walk_message(json_cursor& in, std::size_t index);
    void judge_envelope(std::string_view raw);
    void judge_cross_fields();
    std::string_view unescaped_key(std::string_view raw);

    const request_shape* shape_ = &shape_of(request_kind::chat);
    std::string_view body_;
    std::string model_storage_;
    std::string name_;  // after release()
    std::string_view model_;
    bool stream_ = false;
    bool include_usage_ = false;
    bool has_tools_to_edit_ = false;
    api::envelope envelope_;
    std::vector<request_member> members_;
    std::vector<request_message> messages_;
    std::vector<std::unique_ptr<std::string>> unescaped_;
    std::size_t object_begin_ = 0;
    std::size_t object_end_ = 0;
    std::optional<base::error> violation_;
    std::string repeated_;
};

}  // namespace meta_model::api
