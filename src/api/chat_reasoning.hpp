// The reasoning of an assistant message as chats carry it, to be kept byte for byte while it travels as something else.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meta_model::api {

// Objects that come in pieces, as the elements of a list in the deltas of a stream do.
class object_pieces {
public:
    // Adds the elements of the raw list. `joins`: an element that goes on with the one before it is joined to it.
    void add(std::string_view list, bool joins);
    // The same for what came later in a stream, joined where the first of it goes on with the last that is here.
    void add(const object_pieces& more);

    bool is_empty() const { return objects_.empty(); }
    std::size_t size() const { return objects_.size(); }
    void append_list(std::string& out) const;

    // Appends what the elements show of themselves (`text`, `summary`), escaped.
    static void append_text(std::string& out, std::string_view list);

private:
    struct object {
        std::string raw{};  // as it came; empty: see members
        std::vector<std::pair<std::string, std::string>> members{};  // raw JSON
    };

    static std::string_view member_of(const object& from, std::string_view key);
    static bool goes_on(const object& last, const object& more);
    static void split(object& raw);
    static bool join(object& last, object& more);

    std::vector<object> objects_{};
};

struct chat_reasoning {
    std::string content{};  // `reasoning_content`, escaped
    bool has_content =
        false;           // it was given, if only as an empty text: some servers want it back so
    std::string text{};  // `reasoning`, escaped
    object_pieces details{};
    object_pieces thinking{};  // `thinking_blocks`
    std::string extra{};       // `extra_content`, raw; the newest
    std::string thought{};     // of the thinking parts of a `content`, escaped; they go back there

    // A member of a message, or of a delta of one. False: it is not of reasoning, or holds none.
    bool add(std::string_view key, std::string_view value, bool is_delta);
    void add(const chat_reasoning& more);

    bool is_empty() const {
        return !has_content && text.empty() && details.is_empty() && thinking.is_empty()
               && extra.empty() && thought.empty();
    }

    // A shown text, escaped, that stands for `reasoning_content`.
    void add_content(std::string_view escaped);

    // Appends `,"name":value` for each member; `thought` is none.
    void append_members(std::string& out) const;
};

// What the members of a message or delta show of its reasoning, escaped: the first of `reasoning_content`, `reasoning` and
// the texts of `reasoning_details` that has any. Views `storage` or the values.
std::string_view shown_reasoning(
    std::string_view content,
    std::string_view reasoning,
    std::string_view details,
    std::string& storage
);

// What the parts of a `content` of the type `thinking` say, escaped.
std::string thought_of_parts(std::string_view content);

// As one opaque word of ASCII, for clients that give it back. It is not encrypted: what it holds was told to them.
std::string seal(const chat_reasoning& reasoning);

// Adds what a sealed word holds. False, with nothing added: it is none of ours.
bool unseal(std::string_view word, chat_reasoning& into);

}  // namespace meta_model::api
