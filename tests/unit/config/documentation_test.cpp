#include "config/demo_config.hpp"
#include "config/load.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace meta_model::config {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream in(std::string(META_MODEL_SOURCE_DIR) + '/' + path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
    std::set<std::string> out;
    const std::regex expression(pattern, std::regex::multiline);
    for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) {
        out.insert((*it)[1]);
    }
    return out;
}

// The names of keys, without the tables they stand in.
std::set<std::string> key_names() {
    std::set<std::string> out;
    for (const auto& key : known_keys()) {
        out.insert(key.substr(key.rfind('.') + 1));
    }
    return out;
}

load_result load_text(const std::string& text) {
    return load(text, "test.toml", {});
}

TEST(configuration_page, names_every_key_and_no_other) {
    EXPECT_EQ(matches(text_of("docs/configuration.md"), "^\\| `([a-z_]+)` \\|"), key_names());
}

TEST(example_configuration, names_every_key_and_no_other) {
    EXPECT_EQ(
        matches(text_of("config/meta-model.toml.example"), "^(?:# )?([a-z_]+) = "), key_names()
    );
}

TEST(example_configuration, loads_without_problems) {
    const auto loaded = load_text(text_of("config/meta-model.toml.example"));
    for (const auto& p : loaded.problems) {
        ADD_FAILURE() << to_string(p);
    }
}

TEST(demo_configuration, loads_without_problems) {
    EXPECT_TRUE(load_text(std::string(demo_config())).problems.empty());
}

}  // namespace
}  // namespace meta_model::config
