#include "unit/config/load_problems.hpp"

namespace meta_model::config {
namespace {

TEST(load, moa_01_minimal_profiles_have_their_defaults) {
    const auto loaded = load(
        two_upstreams + R"(
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
        "f.toml",
        {}
    );
    ASSERT_FALSE(loaded.has_errors());
    EXPECT_EQ(loaded.config.profiles.at("m").synthesis_mode, synthesis_mode::merge);
    EXPECT_EQ(loaded.config.profiles.at("c").on_all_fail, on_all_fail::bubble_last_error);
    EXPECT_EQ(loaded.config.profiles.at("v").failure_vote, vote::yes);
    EXPECT_EQ(loaded.config.profiles.at("v").temperature, 0.0);
    EXPECT_EQ(loaded.config.profiles.at("v").max_tokens, 5);
    EXPECT_EQ(loaded.config.profiles.at("v").aggregation, vote_aggregation::any_yes);
    EXPECT_EQ(
        loaded.config.upstreams.at("b").base_urls, std::vector<std::string>{"http://127.0.0.1:2/v1"}
    );
}

TEST(load, moa_02_a_profile_that_names_an_undefined_upstream_fails) {
    expect_problem(
        "[profiles.m]\ntype=\"moa\"\ngenerators=[\"ghost\"]\nsynthesizer=\"a\"", "ghost"
    );
    expect_problem("[profiles.c]\ntype=\"cascade\"\nupstreams=[\"ghost\"]", "ghost");
}

std::string upstream_with(const std::string& lines) {
    return "[upstreams.x]\nmodel_id=\"m\"\nbase_url=\"http://127.0.0.1:3/"
           "v1\"\ncontext=1024\nmax_output=512\n"
           + lines + '\n';
}

constexpr auto small_synthesizer =
    "[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"x\"\n";

TEST(load, moa_03_credentials_that_exclude_each_other_fail) {
    expect_problem(
        upstream_with("api_key=\"k\"\nbasic_auth_user=\"u\"\nbasic_auth_pass=\"p\""),
        "exclude each other"
    );
    expect_problem(
        upstream_with("api_key_env=\"K\"\nbasic_auth_user=\"u\"\nbasic_auth_pass=\"p\""),
        "exclude each other"
    );
    expect_problem(upstream_with("basic_auth_user=\"u\""), "basic_auth_user needs");
    expect_problem(upstream_with("basic_auth_pass=\"p\""), "needs basic_auth_user");
    expect_problem(
        upstream_with("basic_auth_user=\"u\"\nbasic_auth_pass=\"p\"\nbasic_auth_pass_env=\"P\""),
        "only one of"
    );
    const auto both =
        load(two_upstreams + upstream_with("api_key=\"k\"\napi_key_env=\"K\""), "f.toml", {});
    EXPECT_FALSE(both.has_errors()) << "a literal may stand behind the environment";
}

TEST(load, moa_08_numbers_out_of_range_fail) {
    expect_problem(
        "[upstreams.x]\nmodel_id=\"m\"\nbase_url=\"http://x/v1\"\ncontext=-1\nmax_output=1",
        "context"
    );
    expect_problem(
        "[upstreams.x]\nmodel_id=\"m\"\nbase_url=\"http://x/v1\"\ncontext=1\nmax_output=0",
        "max_output"
    );
    for (const auto* max_n : {"0", "129", "\"2\""}) {
        expect_problem(upstream_with(std::string("max_n=") + max_n), "max_n");
    }
    expect_problem("[server]\nport = 70000", "port");
    expect_problem("[server]\nport = 0", "port");
    expect_problem(
        "[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\ngenerator_temperature="
        "3.5",
        "generator_temperature"
    );
}

TEST(load, moa_09_voting_with_one_upstream_fails) {
    expect_problem("[profiles.v]\ntype=\"voting\"\nupstreams=[\"a\"]", "at least 2");
}

TEST(load, generators_may_have_options_of_their_own) {
    const std::string head = "[profiles.m]\ntype=\"moa\"\nsynthesizer=\"b\"\n";
    const auto loaded = load(
        two_upstreams + head
            + "generators=[\"b\", {upstream=\"a\", samples=3, temperature=1.5, weight=2, required=true}]\n"
              "min_drafts=4\n",
        "f.toml",
        {}
    );
    ASSERT_FALSE(loaded.has_errors());
    const auto& p = loaded.config.profiles.at("m");
    EXPECT_EQ(p.generators, (std::vector<std::string>{"b", "a"}));
    EXPECT_EQ(p.members.at(0).samples, 1);
    EXPECT_FALSE(p.members.at(0).temperature);
    EXPECT_EQ(p.members.at(1).samples, 3);
    EXPECT_EQ(p.members.at(1).temperature, 1.5);
    EXPECT_EQ(p.members.at(1).weight, 2.0);
    EXPECT_TRUE(p.members.at(1).is_required);
    expect_problem(
        head + "generators=[{upstream=\"a\", samples=20}, {upstream=\"b\", samples=13}]",
        "33 drafts"
    );
    expect_problem(head + "generators=[{upstream=\"a\", samples=0}]", "samples");
    expect_problem(head + "generators=[]", "at least 1");
    expect_problem(head + "generators=[\"a\", {upstream=\"a\"}]", "duplicate");
    expect_problem(head + "generators=[\"a\"]\nmin_drafts=2", "number of drafts");
    expect_problem(
        "[profiles.v]\ntype=\"voting\"\nupstreams=[\"b\", {upstream=\"a\", required=true}]",
        "required"
    );
}

TEST(load, ballots_of_a_voter_count_too) {
    const std::string head = "[profiles.v]\ntype=\"voting\"\n";
    const auto loaded = load(
        two_upstreams + head + "ballot = \"number\"\nupstreams=[{upstream=\"a\", samples=5}]\n",
        "f.toml",
        {}
    );
    ASSERT_FALSE(loaded.has_errors());
    const auto& p = loaded.config.profiles.at("v");
    EXPECT_EQ(p.upstreams, std::vector<std::string>{"a"});
    EXPECT_EQ(p.members.at(0).samples, 5);
    EXPECT_EQ(p.aggregation, vote_aggregation::majority);
    EXPECT_EQ(p.max_tokens, 0) << "the client's own";
    EXPECT_EQ(p.temperature, 0.7) << "else all samples were the same";
    expect_problem(
        head + "upstreams=[{upstream=\"a\", samples=30}, {upstream=\"b\", samples=3}]", "33"
    );
    expect_problem(head + "upstreams=[\"a\",{upstream=\"a\"}]", "duplicate");
    expect_problem(
        head + "upstreams=[\"a\",{upstream=\"ghost\"}]", "'ghost' is neither a defined upstream nor"
    );
    expect_problem(head + "upstreams=[\"a\",{upstream=\"b\", wieght=2}]", "weight");
    expect_problem(head + "upstreams=[\"a\", 7]", "upstreams[1]");
}

TEST(load, keys_of_a_vote_must_fit_each_other) {
    const std::string head = "[profiles.v]\ntype=\"voting\"\nupstreams=[\"a\",\"b\"]\n";
    expect_problem(head + "ballot=\"label\"", "at least 2 labels");
    expect_problem(head + "ballot=\"label\"\nlabels=[\"Go\",\"go\"]", "duplicate");
    expect_problem(head + "ballot=\"label\"\nlabels=[\"go\",\"??\"]", "no letter or digit");
    expect_problem(head + "labels=[\"x\",\"y\"]", "ballot = \"label\" only");
    expect_problem(head + "ballot=\"number\"\naggregation=\"any_yes\"", "yes_no");
    expect_problem(head + "ballot=\"number\"\nfailure_vote=\"no\"", "yes_no");
    expect_problem(head + "tie_break=\"judge\"", "a judge is needed");
    expect_problem(head + "judge=\"a\"", "tie_break");
    expect_problem(
        head + "tie_break=\"judge\"\njudge=\"ghost\"", "'ghost' is not a defined upstream"
    );
    expect_problem(
        "[profiles.v]\ntype=\"voting\"\nupstreams=[\"a\",{upstream=\"b\",weight=2.0}]\n"
        "aggregation=\"majority\"",
        "weighted"
    );
}

TEST(load, moa_10_duplicates_fail) {
    expect_problem(
        "[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\",\"a\"]\nsynthesizer=\"b\"", "duplicate"
    );
    expect_problem("[profiles.c]\ntype=\"cascade\"\nupstreams=[\"a\",\"a\"]", "duplicate");
    expect_problem("[profiles.v]\ntype=\"voting\"\nupstreams=[\"a\",\"b\",\"a\"]", "duplicate");
}

TEST(load, moa_11_a_synthesizer_may_be_a_generator_too) {
    const auto loaded = load(
        two_upstreams + "[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\",\"b\"]\nsynthesizer=\"a\"",
        "f.toml",
        {}
    );
    ASSERT_FALSE(loaded.has_errors());
    EXPECT_EQ(loaded.config.profiles.at("m").synthesizer, "a");
}

TEST(load, a_cascade_is_written_as_upstreams_or_as_steps) {
    const auto loaded = load(
        two_upstreams + R"(
[profiles.c]
type = "cascade"
steps = [{ use = "a", accept = { finish_reasons = ["stop"], min_mean_logprob = -0.4 } }, { use = "b" }]
)",
        "f.toml",
        {}
    );
    ASSERT_FALSE(loaded.has_errors());
    const auto& steps = loaded.config.profiles.at("c").steps;
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_EQ(steps[0].use, "a");
    ASSERT_TRUE(steps[0].accept);
    EXPECT_EQ(steps[0].accept->finish_reasons, std::vector<std::string>{"stop"});
    EXPECT_EQ(steps[0].accept->min_mean_logprob, -0.4);
    EXPECT_FALSE(steps[1].accept);

    const std::string head = "[profiles.c]\ntype=\"cascade\"\n";
    expect_problem(head, "upstreams");
    expect_problem(head + "upstreams=[\"a\"]\nsteps=[{use=\"b\"}]", "give only one");
    expect_problem(head + "steps=[]", "at least 1 step");
    expect_problem(head + "steps=[\"a\"]", "a table");
    expect_problem(head + "steps=[{use=\"ghost\"}]", "ghost");
    expect_problem(head + "steps=[{accept={}}]", "use");
    expect_problem(head + "steps=[{use=\"a\", accept={min_mean_logprob=0.4}}]", "min_mean_logprob");
    const std::string gate = head + "steps=[{use=\"a\", accept={";
    expect_problem(gate + "pattern='('}}]", "is no regular expression (RE2): missing )");
    expect_problem(gate + "pattern='(?=a)'}}]", "is no regular expression");
    expect_problem(gate + "judge=\"ghost\"}}]", "accept.judge = 'ghost' is not a defined upstream");
    expect_problem(gate + "agree_with=\"ghost\"}}]", "accept.agree_with = 'ghost'");
    expect_problem(gate + "judge_threshold=0.5}}]", "there is no judge");
    expect_problem(head + "steps=[{use=\"c\"}]", "leads back");
    expect_problem(
        head + "steps=[{use=\"d\"}]\n[profiles.d]\ntype=\"cascade\"\nsteps=[{use=\"c\"}]",
        "leads back"
    );
}

TEST(load, profiles_within_profiles_are_bounded) {
    const auto cascade = [](const std::string& name, const std::string& upstreams) {
        return "[profiles." + name + "]\ntype=\"cascade\"\nupstreams=[" + upstreams + "]\n";
    };
    const auto panel = [](const std::string& name, const std::string& generators) {
        return "[profiles." + name + "]\ntype=\"moa\"\nsynthesizer=\"a\"\ngenerators=[" + generators
               + "]\n";
    };
    const auto three =
        cascade("x", "\"a\"") + cascade("y", "\"x\",\"a\"") + cascade("z", "\"y\",\"a\"");

    EXPECT_EQ(problems_of(two_upstreams + three), "");
    expect_problem(three + cascade("deep", "\"z\""), "nests more than 3 profiles");
    expect_problem(panel("m", "\"a\",\"m\""), "leads back");
    expect_problem(panel("m", "\"a\",\"ghost\""), "neither a defined upstream nor a profile");
    const std::string relay = "[profiles.relay]\ntype=\"passthrough\"\nupstream=\"a\"\n";
    expect_problem(relay + panel("m", "\"b\",\"relay\""), "only passes on to one upstream");
    expect_problem(panel("one", "\"a\"") + cascade("c", "\"one\""), "only passes on");
    const std::string poll =
        "[profiles.poll]\ntype=\"voting\"\nupstreams=[\"a\",\"b\"]\nballot=\"text\"\n";
    expect_problem(poll + cascade("c", "\"poll\""), "voting is off");
    const auto inner = panel("inner", "{upstream=\"a\",samples=8},\"b\"");
    EXPECT_EQ(
        problems_of(two_upstreams + inner + panel("m", "{upstream=\"inner\",samples=3},\"a\"")), ""
    );
    expect_problem(
        inner + panel("m", "{upstream=\"inner\",samples=4},\"a\""),
        "up to 37 calls at a time; at most 32"
    );
}

TEST(load, moa_12_unknown_keys_fail_and_name_the_nearest_known_one) {
    expect_problem(
        "[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\n[profiles.m.multimodal]"
        "\nx=1",
        "multimodal"
    );
    expect_problem("[server]\nhosst = \"::1\"", "host");
    expect_problem("[nonsense]\nx = 1", "nonsense");
}

TEST(load, moa_13_modalities_are_a_set_that_holds_text) {
    for (const auto* list :
         {R"(["image"])", "[]", R"(["text","image","image"])", R"(["text","smell"])"}) {
        expect_problem(upstream_with("modalities=" + std::string(list)), "modalities");
    }
    EXPECT_EQ(problems_of(two_upstreams + upstream_with(R"(modalities=["image","text"])")), "");
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

TEST(load, the_numbers_of_a_description_have_ranges) {
    for (const auto* line :
         {"describe_max_tokens = 0",
          "describe_temperature = 2.1",
          "describe_temperature = -0.1",
          "describe_image_cap = -2",
          "describe_image_cap = 1001"}) {
        expect_problem(std::string("[vision]\n") + line, "describe_");
    }
    EXPECT_EQ(
        problems_of("[vision]\ndescribe_max_tokens = 1\ndescribe_temperature = 2\n"
                    "describe_image_cap = 0\ndescribe_prompt = \"\""),
        ""
    );
}

TEST(load, moa_16_a_modality_endpoint_named_twice_fails) {
    expect_problem("[vision]\nendpoints = [\"a\", \"a\"]", "duplicate");
}

TEST(load, moa_17_a_protocols_block_needs_its_protocol) {
    expect_problem(
        upstream_with("protocol=\"anthropic\"\n[upstreams.x.openai]\nreasoning_effort=\"low\""),
        "openai"
    );
    expect_problem(upstream_with("[upstreams.x.anthropic]\nthinking=\"off\""), "anthropic");
    EXPECT_EQ(
        problems_of(
            two_upstreams + upstream_with("[upstreams.x.openai]\nreasoning_effort=\"low\"")
        ),
        ""
    );
    EXPECT_EQ(
        problems_of(
            two_upstreams
            + upstream_with("protocol=\"anthropic\"\n[upstreams.x.anthropic]\nthinking=\"off\"")
        ),
        ""
    );
}

TEST(load, moa_18_a_synthesizer_without_room_for_a_prompt_fails) {
    expect_problem(
        "[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\nnon_client_synth_"
        "reserve_tokens=7000",
        "≤ 0"
    );
    const auto text =
        upstream_with("") + small_synthesizer + "non_client_synth_reserve_tokens=1024";
    for (const auto* number : {"1024", "256", "512", "≤ 0"}) {
        expect_problem(text, number);
    }
}

TEST(load, moa_19_an_advertised_context_is_taken_as_it_is) {
    const auto loaded = load(
        two_upstreams + upstream_with("") + small_synthesizer
            + "non_client_synth_reserve_tokens=1024\nadvertised_context=500",
        "f.toml",
        {}
    );
    ASSERT_FALSE(loaded.has_errors());
    EXPECT_EQ(loaded.config.profiles.at("m").advertised_context, 500);
}

TEST(load, moa_20_a_foreign_tokenizer_upstream_fails) {
    expect_problem(
        "[profiles.c]\ntype=\"cascade\"\nupstreams=[\"a\"]\ntokenizer_upstream=\"b\"",
        "tokenizer_upstream"
    );
}

TEST(load, moa_21_an_alias_collides_with_a_profile) {
    expect_problem(
        "[profiles.foo]\ntype=\"cascade\"\nupstreams=[\"a\"]\n[profiles.bar]\ntype=\"cascade\"\n"
        "upstreams=[\"a\"]\naliases=[\"FOO\"]",
        "alias 'FOO' collides with profile 'foo'"
    );
}

TEST(load, moa_22_aliases_collide_in_any_case) {
    const auto cascade = [](const std::string& name, const std::string& alias) {
        return "[profiles." + name + "]\ntype=\"cascade\"\nupstreams=[\"a\"]\naliases=[\"" + alias
               + "\"]\n";
    };
    expect_problem(
        cascade("one", "fast") + cascade("two", "Fast"), "alias 'Fast' collides with alias 'fast'"
    );
    expect_problem(cascade("one", "B"), "alias 'B' collides with upstream 'b'");
}

TEST(load, moa_23_names_that_differ_only_in_case_collide) {
    const auto cascade = [](const std::string& name) {
        return "[profiles." + name + "]\ntype=\"cascade\"\nupstreams=[\"a\"]\n";
    };
    expect_problem(cascade("A"), "collides with");
    expect_problem(cascade("foo") + cascade("FOO"), "collides with profile");
    expect_problem(
        "[upstreams.A]\nmodel_id=\"m\"\nbase_url=\"http://x/v1\"\ncontext=1\nmax_output=1",
        "collides with upstream"
    );
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
    const std::string profile =
        "[profiles.p]\ntype=\"cascade\"\nupstreams=[\"a\"]\naliases=[\"quick\"]\n";
    for (const auto* name : {"A", "P", "QUICK"}) {
        expect_problem(profile + "[server]\nmodel_name = \"" + name + '"', "collide");
    }
}

TEST(load, moa_26_the_facade_name_is_trimmed) {
    const auto name_of = [](const std::string& text) {
        const auto loaded =
            load(two_upstreams + "[server]\nmodel_name = \"" + text + '"', "f.toml", {});
        EXPECT_FALSE(loaded.has_errors());
        return loaded.config.server.model_name;
    };
    EXPECT_EQ(name_of("   "), "");
    EXPECT_EQ(name_of("  house-1  "), "house-1");
}

TEST(load, settings_far_out_of_proportion_fail_like_any_other) {
    expect_problem(
        "[profiles.m]\ntype=\"moa\"\ngenerators=[\"a\"]\nsynthesizer=\"b\"\n"
        "synth_prompt_overhead_tokens=2147483647\nnon_client_synth_reserve_tokens=2147483647",
        "≤ 0"
    );
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
        const auto text = "[upstreams.u]\nmodel_id=\"m\"\ncontext=1\nmax_output=1\nbase_url=\""
                          + std::string(url) + "\"";
        EXPECT_NE(problems_of(text).find("base_url"), std::string::npos) << url;
    }
}

}  // namespace
}  // namespace meta_model::config
