// The gateway's own token estimate (spec §4.1): about 2.8 bytes a token, never an upstream's tokenizer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meta_model::dispatch {

// floor((10·bytes + 27) / 28); 0 for nothing.
std::int64_t estimate_text_tokens(std::size_t bytes);

// Of a `tools` list whose JSON text is `span_bytes` long: floor(span / 3) + 64; 0 for nothing.
std::int64_t estimate_tools_tokens(std::size_t span_bytes);

}  // namespace meta_model::dispatch
