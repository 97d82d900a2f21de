// Chunked transfer coding (RFC 9112 §7.1), decoded in place. Strict: CRLF only, hexadecimal sizes without sign or
// white space, bounded extensions and trailers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meta_model::net {

class chunk_decoder {
public:
    static constexpr std::size_t max_line_bytes =
        256;  // a size line with its extensions, without CRLF
    static constexpr std::size_t max_trailer_bytes =
        8192;  // all trailer fields, without their CRLFs

    enum class state { more, done, malformed };

    struct outcome {
        chunk_decoder::state state{};
        std::size_t payload = 0;  // bytes of body, moved to the front of the data
        std::size_t consumed =
            0;  // bytes of the data that belong to this body; the rest is surplus
    };

    // Decodes the next bytes of the body. After `done` or `malformed` it must not be called again.
    outcome decode(char* data, std::size_t size);

private:
    enum class step : std::uint8_t {
        size_first,
        size_digits,
        extension,
        size_lf,
        payload,
        payload_cr,
        payload_lf,
        trailer_start,
        trailer_line,
        trailer_lf,
        end_lf,
    };

    bool take(char c);

    step step_ = step::size_first;
    std::uint64_t left_ = 0;      // of the current chunk
    std::size_t line_bytes_ = 0;  // of the current size line, or of all trailers
    bool is_done_ = false;
};

}  // namespace meta_model::net
