// The lines of an HTTP/1.1 head, read strictly (RFC 9112 §2.2, §5): CRLF ends a line and nothing else does, no
// control characters, no folding, no white space around a field's name. What two servers could read differently is
// refused, because that is how requests get smuggled.
//
// Why not Beast's parser, which read these heads before: strictness needed a second pass over its work, and together
// they were an eighth of a small request's instructions. The fuzzers compare what is read here with what Beast reads.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace meta_model::net {

struct header_field {
    std::string_view name{};
    std::string_view value{};  // without surrounding white space
};

// Takes the next line off the front of `head`; `line` is without its CRLF. False: it is not a clean line.
bool take_line(std::string_view& head, std::string_view& line);

// Reads `name: value`. False: it is no field line.
bool read_field(std::string_view line, header_field& out);

// RFC 9110 §5.6.2: what methods and the names of fields are made of.
bool is_token(std::string_view text);

// A list of tokens, comma separated; elements may be empty (RFC 9110 §5.6.1).
bool is_token_list(std::string_view list);

// True when `list` (comma separated) holds `token`; compared without case.
bool has_token(std::string_view list, std::string_view token);

// What the field lines of one `Connection` header field say; later ones add to it.
struct connection_options {
    bool close = false;
    bool keep_alive = false;

    void add(std::string_view value);
};

}  // namespace meta_model::net
