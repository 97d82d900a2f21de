// Texts of the operator's: their places, and the files that they come from.
#include "config/prompt_template.hpp"

#include "config/load.hpp"
#include "config/prompt_files.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

namespace meta_model::config {
namespace {

constexpr std::array<std::string_view, 2> names{"one", "two"};

std::string filled(std::string_view text, std::vector<prompt_value> values) {
    prompt_template t;
    EXPECT_FALSE(t.parse(text, names)) << text;
    return t.filled(values);
}

TEST(prompt_template, puts_values_in_their_places) {
    EXPECT_EQ(filled("a {{one}} b {{two}}{{one}}", {{"one", "1"}, {"two", "2"}}), "a 1 b 21");
    EXPECT_EQ(filled("no place", {{"one", "1"}}), "no place");
    EXPECT_EQ(filled("{{one}}", {}), "");
}

TEST(prompt_template, a_place_in_a_value_stays_text) {
    EXPECT_EQ(
        filled("{{one}}|{{two}}", {{"one", "{{two}}"}, {"two", "{{one}} {{"}}), "{{two}}|{{one}} {{"
    );
    EXPECT_EQ(filled("{{one}}{{two}}", {{"one", "{{"}, {"two", "one}}"}}), "{{one}}")
        << "nor is one that two values form";
}

TEST(prompt_template, other_braces_are_text) {
    for (const std::string text :
         {"{\"a\":{\"b\":{}}}", "{{", "}}", "{{}}", "{{one", "{{a+b}}", "{{a\nb}}", "{one}"}) {
        EXPECT_EQ(filled(text, {{"one", "1"}}), text);
    }
    EXPECT_EQ(filled("{{{one}}}", {{"one", "1"}}), "{1}");
}

TEST(prompt_template, an_unknown_place_is_told_with_line_and_column) {
    prompt_template t;

    const auto fault = t.parse("first\n\xc3\xa9{{one}} {{three}}", names);

    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->at.line, 2u);
    EXPECT_EQ(fault->at.column, 10u);
    EXPECT_NE(fault->what.find("{{three}}"), std::string::npos);
    EXPECT_FALSE(t.is_set());
    EXPECT_TRUE(t.parse("{{ one }}", names)) << "blanks are a mistake, no text";
    EXPECT_TRUE(t.parse("{{One}}", names));
}

load_result load_with(const std::map<std::string, std::string>& files, const std::string& lines) {
    const environment env{
        .variable = {},
        .read_file = [&](const std::string& path) -> std::optional<std::string> {
            const auto it = files.find(path);
            return it == files.end() ? std::nullopt : std::optional(it->second);
        },
    };
    std::string text;
    for (const char* name : {"a", "b"}) {
        text += "[upstreams." + std::string(name)
                + "]\nmodel_id = \"m\"\nbase_url = \"http://h/v1\"\ncontext = 8192\nmax_output = "
                  "1024\n";
    }
    text += "[profiles.p]\ntype = \"moa\"\nsynthesizer = \"b\"\n" + lines;
    return load(text, "/etc/gateway/meta-model.toml", env);
}

std::string problems_of(const load_result& loaded) {
    std::string out;
    for (const auto& p : loaded.problems) {
        out += to_string(p) + '\n';
    }
    return out;
}

TEST(prompt_files, are_read_beside_the_configuration) {
    const auto loaded = load_with(
        {{"/etc/gateway/prompts/each.txt", "\xef\xbb\xbfYou are {{number}} of {{count}}."},
         {"/elsewhere/all.txt", "Merge.\n{{drafts}}"}},
        "generators = [\"a\", \"b\"]\ngenerator_prompt = \"prompts/each.txt\"\n"
        "synthesizer_prompt = \"/elsewhere/all.txt\"\n"
    );

    EXPECT_EQ(problems_of(loaded), "");
    const std::vector<prompt_value> values{{"number", "1"}, {"count", "2"}, {"drafts", "D"}};
    const auto& p = loaded.config.profiles.at("p");
    EXPECT_EQ(p.generator_prompt.filled(values), "You are 1 of 2.");
    EXPECT_EQ(p.synthesizer_prompt.filled(values), "Merge.\nD");
}

TEST(prompt_files, that_cannot_serve_are_errors_at_their_key) {
    const std::string generators = "generators = [\"a\", \"b\"]\n";
    const std::map<std::string, std::string> bad{
        {"", "cannot be read"},
        {" \n\t", "is blank"},
        {"caf\xe9 {{drafts}}", "is not valid UTF-8"},
        {std::string(max_prompt_file_bytes + 1, 'x'), "is larger than 64 KiB"},
        {"{{drafts}}\n {{name}}", "/etc/gateway/x.txt:2:2: '{{name}}' is not known"},
        {"no place", "must say {{drafts}} exactly once"},
        {"{{drafts}} {{drafts}}", "must say {{drafts}} exactly once"},
    };
    for (const auto& [text, problem] : bad) {
        std::map<std::string, std::string> files;
        if (!text.empty()) {
            files["/etc/gateway/x.txt"] = text;
        }
        const auto loaded = load_with(files, generators + "synthesizer_prompt = \"x.txt\"\n");
        const auto told = problems_of(loaded);
        EXPECT_TRUE(loaded.has_errors()) << problem;
        EXPECT_NE(told.find(problem), std::string::npos) << told;
        EXPECT_TRUE(told.starts_with("/etc/gateway/meta-model.toml:15:22: ")) << told;
    }
    const auto of_drafts = load_with(
        {{"/etc/gateway/x.txt", "{{drafts}}"}}, generators + "generator_prompt = \"x.txt\""
    );
    EXPECT_NE(problems_of(of_drafts).find("'{{drafts}}' is not known"), std::string::npos);
}

TEST(prompt_files, of_a_relayed_profile_are_not_used) {
    const auto loaded = load_with(
        {{"/etc/gateway/x.txt", "Think."}}, "generators = [\"b\"]\ngenerator_prompt = \"x.txt\"\n"
    );

    EXPECT_FALSE(loaded.has_errors());
    EXPECT_NE(problems_of(loaded).find("no prompt is used"), std::string::npos);
}

}  // namespace
}  // namespace meta_model::config
