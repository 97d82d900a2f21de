// `generator_prompt` and `synthesizer_prompt`: files with texts of the operator's own.
#pragma once

#include "config/field.hpp"
#include "config/load.hpp"

#include <optional>
#include <string>

namespace meta_model::config {

inline constexpr std::size_t max_prompt_file_bytes = 64 * 1024;

struct prompt_files {
    std::optional<placed_text> generator{};
    std::optional<placed_text> synthesizer{};
};

// Reads the files into `into`. One that cannot be read, is blank, larger than 64 KiB or no UTF-8, that has a place which is
// not known, or that does not show the synthesizer the drafts exactly once, is an error at its key. Relative paths are
// relative to the folder of `config_file`.
void read_prompts(
    const field& profile_table,
    const prompt_files& files,
    profile& into,
    const std::string& config_file,
    const environment& env
);

}  // namespace meta_model::config
