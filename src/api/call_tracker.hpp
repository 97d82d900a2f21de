// Tells the tool calls of a chat stream apart. Servers reuse index 0, leave index or id out, or change the index in the
// middle, so a call is recognised by what was learned of it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

class call_tracker {
public:
    static constexpr std::size_t max_calls = 128;  // more are dropped
    static constexpr std::size_t no_call = static_cast<std::size_t>(-1);

    // The position of the call that a delta belongs to, in the order in which the calls began. `index`: raw JSON; `id` and
    // `name`: texts; each may be empty. no_call: it is one call too many, or may belong to one that was.
    std::size_t find(std::string_view index, std::string_view id, std::string_view name);

    // More arguments of a call, unescaped: once they are whole, what follows without an id may begin another call.
    void add_arguments(std::size_t call, std::string_view text);

private:
    enum class progress { open, whole, broken };

    struct open_call {
        std::string index{};
        std::string id{};
        std::string arguments{};  // while they are open
        std::size_t depth = 0;    // of brackets
        bool is_in_string = false;
        bool is_escaped = false;
        progress state = progress::open;

        void take(char c);
    };

    std::size_t open(std::string_view index, std::string_view id);

    std::vector<open_call> calls_{};
    bool has_refused_call_ = false;
};

}  // namespace meta_model::api
