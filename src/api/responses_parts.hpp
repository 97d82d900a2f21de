// The content parts of a response's input as those of a chat message (spec §7.2.2).
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace meta_model::api {

// Whose parts these are: who may say what, and how a bad part is refused.
enum class part_owner { user, system, assistant, call_output };

class response_parts {
public:
    response_parts(part_owner owner, std::string& out)
        : owner_(owner), out_(out), begin_(out.size()) {}

    // `content`: raw JSON, a string, a list of parts or null; more than once for what is joined. `place` names it in errors.
    base::result<void> add(std::string_view content, const std::string& place);

    // Ends the content: one plain string where a list of one text says no more, `""` for nothing.
    void close();

    bool has_parts() const { return count_ > 0; }
    // Escaped texts of refusals, which are no part of a chat's content.
    const std::string& refusal() const { return refusal_; }

private:
    struct part_fields;

    base::result<void> add_part(std::string_view part, const std::string& place);
    base::result<void> add_media(const part_fields& f, const std::string& place);
    base::result<void> add_image(const part_fields& f, const std::string& place);
    base::result<void> add_file(const part_fields& f, const std::string& place);
    void add_text(std::string_view raw, std::string_view more);
    void begin_part();
    base::error unsupported(std::string_view type, const std::string& place) const;

    part_owner owner_;
    std::string& out_;
    std::size_t begin_;
    std::size_t count_ = 0;
    std::size_t plain_count_ = 0;  // texts with nothing beside them
    std::string texts_{};          // of these, escaped
    std::string refusal_{};
};

}  // namespace meta_model::api
