// An ordered list of replacements in a text that stays where it is. The edited text is never built: it is the sequence
// of pieces between and inside the edits, ready for a gathering write.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

// A text in pieces, in order. Pieces may be empty.
using pieces = std::vector<std::string_view>;

std::size_t total_size(const pieces& parts);

class span_edits {
public:
    // Bytes [begin, end) of the text become `replacement`, which must outlive this object. Edits may be given in any
    // order, must not overlap, and two insertions (begin == end) at one place keep the order in which they came.
    void replace(std::size_t begin, std::size_t end, std::string_view replacement);

    // As replace, for a replacement that this object keeps.
    void replace_owned(std::size_t begin, std::size_t end, std::string replacement);

    bool empty() const { return edits_.empty(); }

    // The pieces of the edited text; they view `text` and the replacements.
    void apply(std::string_view text, pieces& out);

private:
    struct edit {
        std::size_t begin;
        std::size_t end;
        std::string_view replacement;
    };

    std::vector<edit> edits_;
    std::vector<std::unique_ptr<std::string>>
        kept_;  // pointers, because views of short strings must not move
};

}  // namespace meta_model::api
