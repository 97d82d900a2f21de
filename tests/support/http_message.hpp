// Header lists and the two framings of HTTP/1.1 bodies, as the tests read and write them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meta_model::support {

// In the order of the wire, names as written.
using header_list = std::vector<std::pair<std::string, std::string>>;

bool same_name(std::string_view a, std::string_view b);
bool contains_ignoring_case(std::string_view text, std::string_view part);
std::string lower_case(std::string_view text);

// The first value of that name; empty when there is none.
std::string header_value(const header_list& headers, std::string_view name);
bool has_header(const header_list& headers, std::string_view name);
std::size_t count_headers(const header_list& headers, std::string_view name);

struct message_head {
    std::string start_line{};
    header_list headers{};
};

// Takes a head off the front of `bytes`; empty when it is not complete yet.
std::optional<message_head> take_head(std::string& bytes);

// Removes chunked framing piece by piece.
class chunk_reader {
public:
    // Takes complete chunk data off the front of `bytes` and returns it. Throws std::runtime_error on bad framing.
    std::string take(std::string& bytes);
    bool is_done() const { return is_done_; }

private:
    bool take_line(std::string& bytes, std::string& line);

    std::size_t left_ = 0;  // bytes of the current chunk still to come
    bool in_data_ = false;  // inside a chunk, or before the line end that follows it
    bool in_trailers_ = false;
    bool is_done_ = false;
};

std::string as_chunk(std::string_view payload);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace meta_model::support
