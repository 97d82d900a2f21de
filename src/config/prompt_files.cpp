#include "config/prompt_files.hpp"

#include "base/text.hpp"
#include "config/key_table.hpp"
#include "config/secret_source.hpp"

#include <functional>
#include <span>
#include <string_view>

namespace meta_model::config {

namespace {

constexpr std::string_view generator_places[] = {"number", "count"};
constexpr std::string_view synthesizer_places[] = {
    "drafts", "count", "evidence", "tools", "form", "contract"
};
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// Empty: the text is usable.
std::string_view why_unusable(const std::optional<std::string>& text) {
    return !text                                  ? "cannot be read"
           : text->size() > max_prompt_file_bytes ? "is larger than 64 KiB"
           : !base::is_valid_utf8(*text)          ? "is not valid UTF-8"
           : base::trim(*text).empty()            ? "is blank"
                                                  : "";
}

std::string names_text(std::span<const std::string_view> names) {
    std::string out;
    for (const auto name : names) {
        out += (out.empty() ? "{{" : ", {{") + std::string(name) + "}}";
    }
    return out;
}

// False: there is none, or it was refused and reported.
bool read_prompt(
    const std::optional<placed_text>& file,
    std::span<const std::string_view> names,
    prompt_template& into,
    const std::string& config_file,
    const environment& env,
    const std::function<void(const std::string& what)>& refuse
) {
    if (!file) {
        return false;
    }
    const auto path = beside(config_file, file->text);
    const auto text = env.read_file ? env.read_file(path) : std::nullopt;
    if (const auto why = why_unusable(text); !why.empty()) {
        refuse("the file '" + path + "' " + std::string(why));
        return false;
    }
    auto shown = std::string_view(*text);
    if (shown.starts_with(byte_order_mark)) {
        shown.remove_prefix(byte_order_mark.size());
    }
    if (const auto fault = into.parse(shown, names)) {
        refuse(
            path + ':' + std::to_string(fault->at.line) + ':' + std::to_string(fault->at.column)
            + ": " + fault->what + "; there are " + names_text(names)
        );
        return false;
    }
    return true;
}

}  // namespace

void read_prompts(
    const field& profile_table,
    const prompt_files& files,
    profile& into,
    const std::string& config_file,
    const environment& env
) {
    const auto label = [&](std::string_view key) { return value_label(profile_table, key) + ": "; };
    auto& problems = profile_table.problems();
    const auto read = [&](const auto& file, auto key, auto names, prompt_template& text) {
        const auto refuse = [&](const std::string& what) {
            problems.error(file->at, label(key) + what);
        };
        return read_prompt(file, names, text, config_file, env, refuse);
    };
    read(files.generator, "generator_prompt", std::span(generator_places), into.generator_prompt);
    const bool is_read = read(
        files.synthesizer,
        "synthesizer_prompt",
        std::span(synthesizer_places),
        into.synthesizer_prompt
    );
    if (is_read && into.synthesizer_prompt.count_of("drafts") != 1) {
        problems.error(
            files.synthesizer->at,
            label("synthesizer_prompt") + "the file '"
                + beside(config_file, files.synthesizer->text)
                + "' must say {{drafts}} exactly once"
        );
    }
    const bool is_relayed = into.members.size() == 1 && into.members.front().samples == 1
                            && into.generators.front() == into.synthesizer;
    const auto& any = files.generator ? files.generator : files.synthesizer;
    if (is_relayed && any) {
        problems.warning(
            any->at,
            profile_table.label()
                + ": no prompt is used where the only generator is the synthesizer, which gets the "
                  "request as it is"
        );
    }
}

}  // namespace meta_model::config
