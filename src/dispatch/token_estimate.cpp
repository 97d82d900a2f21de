#include "dispatch/token_estimate.hpp"

namespace meta_model::dispatch {

std::int64_t estimate_text_tokens(std::size_t bytes) {
    return static_cast<std::int64_t>((10 * bytes + 27) / 28);
}

std::int64_t estimate_tools_tokens(std::size_t span_bytes) {
    return span_bytes == 0 ? 0 : static_cast<std::int64_t>(span_bytes / 3 + 64);
}

}  // namespace meta_model::dispatch
