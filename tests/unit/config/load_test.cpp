#include "config/load.hpp"

#include <gtest/gtest.h>

namespace meta_model::config {
namespace {

const std::string two_upstreams = R"(
[upstreams.a]
model_id = "m-a"
base_url = "http://127.0.0.1:1/v1"
context = 8192
max_output = 1024
[upstreams.b]
model_id = "m-b"
base_url = "http://127.0.0.1:2/v1/"
context = 8192
max_output = 1024
)";

std::string problems_of(const std::string& text) {
    std::string out;
    for (const auto& p : load(text, "f.toml", {}).problems) {
        out += to_string(p) + '\n';
    }
    return out;
}

void expect_problem(const std::string& more, const std::string& fragment) {
    const auto all = problems_of(two_upstreams + more);
    EXPECT_NE(all.find(fragment), std::string::npos) << fragment << " in:\n" << all;
}

TEST(load, moa_01_minimal_profiles_have_their_defaults) {
    const auto loaded = load(two_upstreams + R"(
[profiles.m]
type = "moa"
generators = ["a"]
synthesizer = "b"
[profiles.c]
type = "cascade"
upstreams = ["a"]
[profiles.v]
type = "voting"
upstreams = ["a", "b"]
)",
                             "f.toml", {});
    ASSERT_FALSE(loaded.has_errors());
    EXPECT_EQ(loaded.config.profiles.at("m").synthesis_mode, synthesis_mode::merge);
    EXPECT_EQ(loaded.config.profiles.at("c").on_all_fail, on_all_fail::bubble_last_error);
    EXPECT_EQ(loaded.config.profiles.at("v").failure_vote, vote::yes);
    EXPECT_EQ(loaded.config.profiles.at("v").max_tokens, 5);
    EXPECT_EQ(loaded.config.upstreams.at("b").base_url, "http://127.0.0.1:2/v1");
}

TEST(load, moa_02_a_profile_that_names_an_undefined_upstream_fails) {
    expect_problem("[profiles.m]\ntype=\"moa\"\ngenerators=[\"ghost\"]\nsynthesizer=\"a\"", "ghost");
    expect_problem("[profiles.c]\ntype=\"cascade\"\nupstreams=[\"ghost\"]", "ghost");
}

TEST(load, moa_08_numbers_out_of_range_fail) {
    expect_problem("[server]\nport = 70000", "port");
    expect_problem("[server]\nport = 0", "port");
    expect_problem("[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\ngenerator_temperature=3.5",
                   "generator_temperature");
}

TEST(load, moa_09_voting_with_one_upstream_fails) {
    expect_problem("[profiles.v]\ntype=\"voting\"\nupstreams=[\"a\"]", "at least 2");
}

TEST(load, moa_10_duplicates_fail) {
    expect_problem("[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\",\"a\"]\nsynthesizer=\"b\"", "duplicate");
    expect_problem("[profiles.c]\ntype=\"cascade\"\nupstreams=[\"a\",\"a\"]", "duplicate");
}

TEST(load, moa_12_unknown_keys_fail_and_name_the_nearest_known_one) {
    expect_problem("[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\n[profiles.m.multimodal]\nx=1",
                   "multimodal");
    expect_problem("[server]\nhosst = \"::1\"", "host");
    expect_problem("[nonsense]\nx = 1", "nonsense");
}

TEST(load, moa_14_a_modality_endpoint_must_be_defined) {
    expect_problem("[vision]\nendpoints = [\"ghost\"]", "[vision].endpoints[0] = 'ghost'");
    expect_problem("[vision]\nendpoints = [\"ghost\"]", "not a defined upstream");
}

TEST(load, moa_15_a_modality_endpoint_must_declare_the_modality) {
    expect_problem("[vision]\nendpoints = [\"a\"]", "modality 'image'");
    expect_problem("[video]\nendpoints = [\"a\"]", "modality 'video'");
    expect_problem("[audio]\nendpoints = [\"a\"]", "modality 'audio'");
}

TEST(load, moa_16_a_modality_endpoint_named_twice_fails) {
    expect_problem("[vision]\nendpoints = [\"a\", \"a\"]", "duplicate");
}

TEST(load, moa_18_a_synthesizer_without_room_for_a_prompt_fails) {
    expect_problem("[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\nnon_client_synth_reserve_tokens=7000",
                   "≤ 0");
}

TEST(load, moa_20_a_foreign_tokenizer_upstream_fails) {
    expect_problem("[profiles.c]\ntype=\"cascade\"\nupstreams=[\"a\"]\ntokenizer_upstream=\"b\"", "tokenizer_upstream");
}

TEST(load, moa_21_an_alias_collides_with_a_profile) {
    expect_problem("[profiles.foo]\ntype=\"cascade\"\nupstreams=[\"a\"]\n[profiles.bar]\ntype=\"cascade\"\n"
                   "upstreams=[\"a\"]\naliases=[\"FOO\"]",
                   "alias 'FOO' collides with profile 'foo'");
}

TEST(load, moa_23_a_profile_collides_with_an_upstream) {
    expect_problem("[profiles.A]\ntype=\"cascade\"\nupstreams=[\"a\"]", "collides with");
}

TEST(load, moa_24_aliases_are_clean_and_unique) {
    const auto with = [](const std::string& list) {
        return "[profiles.foo]\ntype=\"cascade\"\nupstreams=[\"a\"]\naliases=" + list;
    };
    expect_problem(with(R"(["bar","BAR"])"), "duplicate alias 'BAR' within profile");
    expect_problem(with(R"([""])"), "non-empty");
    expect_problem(with(R"([" x"])"), "whitespace");
}

TEST(load, moa_25_the_facade_name_collides) {
    expect_problem("[server]\nmodel_name = \"A\"", "collide");
}

TEST(load, settings_far_out_of_proportion_fail_like_any_other) {
    expect_problem("[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\n"
                   "synth_prompt_overhead_tokens=2147483647\nnon_client_synth_reserve_tokens=2147483647",
                   "≤ 0");
}

TEST(load, members_that_every_request_needs_cannot_be_dropped) {
    for (const std::string name : {"messages", "model"}) {
        expect_problem("[upstreams.b.openai]\ndrop_params = [\"stop\", \"" + name + "\"]",
                       "drop_params[1] = '" + name + "'");
    }
    EXPECT_EQ(problems_of(two_upstreams + "[upstreams.b.openai]\ndrop_params = [\"stop\"]"), "");
}

TEST(load, keys_of_very_many_parts_fail) {
    std::string key = "a";
    for (int i = 0; i < 200'000; ++i) {
        key += i % 2 == 0 ? ".a" : " . \"b\"";
    }
    const std::string problem = ":1: a key has more than 64 parts\n";
    EXPECT_EQ(problems_of("x = \"\"\"\n'\"\"\"\n" + key + " = 1"), "f.toml:3" + problem);
    EXPECT_EQ(problems_of("# it's\n[" + key + "]"), "f.toml:2" + problem);
    EXPECT_EQ(problems_of("x = {y = 'a', " + key), "f.toml:1" + problem);
    for (const std::string mark : {"'", "'''", "\"\"\""}) {
        const auto text = mark + std::string(1000, '.') + "1.1.1\\\\" + mark;
        EXPECT_EQ(problems_of("[server]\nsystem_prompt = " + text), "") << text;
    }
    EXPECT_EQ(problems_of("# " + std::string(1000, '.')), "");
}

TEST(load, every_problem_is_reported_at_once_with_its_place) {
    const auto all = problems_of("[server]\nport = \"x\"\nhosst = 1\n");
    EXPECT_NE(all.find("f.toml:2:"), std::string::npos) << all;
    EXPECT_NE(all.find("f.toml:3:1"), std::string::npos) << all;
}

TEST(load, an_unusable_base_url_fails) {
    for (const auto* url : {"::x", "/v1", "http://", "localhost:8000/v1", "ftp://x/"}) {
        const auto text = "[upstreams.u]\nmodel_id=\"m\"\ncontext=1\nmax_output=1\nbase_url=\"" + std::string(url) + "\"";
        EXPECT_NE(problems_of(text).find("base_url"), std::string::npos) << url;
    }
}

}  // namespace
}  // namespace meta_model::config
