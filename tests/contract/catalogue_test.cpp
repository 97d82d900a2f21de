// Group B: GET /v1/models.
#include "contract/contract_test.hpp"

#include <algorithm>
#include <set>

namespace meta_model::contract {

namespace {

json catalogue(const gateway_process& gateway) {
    return get(gateway, "/v1/models").json()["data"];
}

std::vector<std::string> ids(const json& data) {
    std::vector<std::string> out;
    for (const auto& entry : data) {
        out.push_back(entry["id"]);
    }
    return out;
}

json entry_of(const json& data, const std::string& id) {
    for (const auto& entry : data) {
        if (entry["id"] == id) {
            return entry;
        }
    }
    return nullptr;
}

TEST(catalogue, moa_29_without_config_the_list_is_empty) {
    const gateway_process gateway({{"serve", "--port", "0"}, {}, {}}, "listening on http://");

    const auto reply = get(gateway, "/v1/models");

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json(), json::parse(R"({"object":"list","data":[]})"));
}

TEST(catalogue, moa_30_entries_are_sorted_and_complete) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstreams({"a", "b"})
                                      .moa("some.profile.v1", {"a", "b"}, "b")
                                      .cascade("another.cascade.v1", {"a"}));

    const auto data = catalogue(gateway);

    EXPECT_EQ(ids(data), (std::vector<std::string>{"another.cascade.v1", "some.profile.v1"}));
    for (const auto& entry : data) {
        EXPECT_EQ(entry["object"], "model");
        EXPECT_EQ(entry["owned_by"], "meta-model");
        EXPECT_TRUE(entry["created"].is_number_integer());
    }
}

TEST(catalogue, moa_31_voting_is_listed_only_with_its_feature) {
    fake_upstream models;
    auto config = config_text(models)
                      .upstreams({"a", "b"})
                      .passthrough("plain.v1", "a")
                      .voting("vote.v1", {"a", "b"}, "aliases = [\"poll\"]");

    const gateway_process off(config);
    const gateway_process on(config.raw("[features]\nvoting = true"));

    EXPECT_EQ(ids(catalogue(off)), std::vector<std::string>{"plain.v1"});
    EXPECT_EQ(ids(catalogue(on)), (std::vector<std::string>{"plain.v1", "vote.v1", "poll"}));
}

TEST(catalogue, moa_32_the_advertised_length_comes_from_the_synthesizer) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstream("s16", "context = 16384\nmax_output = 2048")
                                      .upstream("s49", "context = 49152\nmax_output = 4096")
                                      .upstream("s4", "context = 4096\nmax_output = 512")
                                      .upstream("g8", "context = 8192")
                                      .upstream("g16", "context = 16384")
                                      .moa("one", {"g16"}, "s16")
                                      .moa("two", {"g8"}, "s49")
                                      .moa("three", {"g16"}, "s4"));

    const auto data = catalogue(gateway);

    EXPECT_EQ(entry_of(data, "one")["max_model_len"], 13056);
    EXPECT_EQ(entry_of(data, "two")["max_model_len"], 43776);
    EXPECT_EQ(entry_of(data, "three")["max_model_len"], 2304);
}

TEST(catalogue, a_merging_profile_says_what_each_of_its_models_sees_whole) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstream("s49", "context = 49152\nmax_output = 4096")
                                      .upstream("g8", "context = 8192")
                                      .upstream("g16", "context = 16384")
                                      .moa("m", {"g8", "g16"}, "s49")
                                      .cascade("c", {"g8", "g16"}));

    const auto data = catalogue(gateway);

    EXPECT_EQ(entry_of(data, "m")["uncompacted_len"], 8192 - 2000 - 512);
    EXPECT_FALSE(entry_of(data, "c").contains("uncompacted_len"));
}

TEST(catalogue, moa_19_an_advertised_context_is_what_is_listed) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models)
            .upstream("g")
            .upstream("s", "context = 1024\nmax_output = 512")
            .moa(
                "m", {"g"}, "s", "non_client_synth_reserve_tokens = 1024\nadvertised_context = 500"
            )
    );

    EXPECT_EQ(entry_of(catalogue(gateway), "m")["max_model_len"], 500);
}

TEST(catalogue, moa_33_a_cascade_is_as_long_as_its_smallest_member) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstream("big", "context = 16384")
                                      .upstream("small", "max_output = 512\ncontext = 4096")
                                      .cascade("c", {"big", "small"}));

    EXPECT_EQ(entry_of(catalogue(gateway), "c")["max_model_len"], 4096);
}

TEST(catalogue, moa_34_capabilities_have_exactly_eight_keys) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).upstreams({"a"}).passthrough("p", "a").moa("m", {"a"}, "a")
    );

    for (const auto& entry : catalogue(gateway)) {
        std::set<std::string> keys;
        for (const auto& [key, value] : entry["capabilities"].items()) {
            keys.insert(key);
            EXPECT_TRUE(value.is_boolean()) << key;
        }
        EXPECT_EQ(
            keys,
            (std::set<std::string>{
                "audio",
                "effective_image_capability",
                "function_calling",
                "reasoning_visible",
                "supports_image_tools",
                "thinking",
                "video",
                "vision"
            })
        );
    }
}

TEST(catalogue, moa_35_thinking_shows_only_with_visible_reasoning) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstream("thinker", "supports_thinking = true")
                                      .upstream("plain")
                                      .moa("hidden", {"thinker"}, "plain")
                                      .moa("shown", {"thinker"}, "plain", "expose_reasoning = true")
                                      .moa("plainly", {"plain"}, "plain", "expose_reasoning = true")
    );

    const auto data = catalogue(gateway);
    const auto flags = [&](const std::string& id) {
        const json capabilities = entry_of(data, id)["capabilities"];
        return std::pair(
            capabilities["thinking"].get<bool>(), capabilities["reasoning_visible"].get<bool>()
        );
    };

    EXPECT_EQ(flags("hidden"), std::pair(false, false));
    EXPECT_EQ(flags("shown"), std::pair(true, true));
    EXPECT_EQ(flags("plainly"), std::pair(false, true));
}

TEST(catalogue, moa_36_a_vision_table_gives_every_entry_sight) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstream("a")
                                      .upstream("eyes", "modalities = [\"text\", \"image\"]")
                                      .passthrough("p", "a")
                                      .raw("[vision]\nendpoints = [\"eyes\"]"));

    const auto capabilities = entry_of(catalogue(gateway), "p")["capabilities"];

    EXPECT_EQ(capabilities["vision"], true);
    EXPECT_EQ(capabilities["effective_image_capability"], true);
    EXPECT_EQ(capabilities["supports_image_tools"], true);
    EXPECT_EQ(capabilities["video"], false);
    EXPECT_EQ(capabilities["audio"], false);
}

TEST(catalogue, moa_37_without_modality_tables_no_entry_claims_any) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models)
            .upstream("eyes", "modalities = [\"text\", \"image\", \"video\", \"audio\"]")
            .moa("m", {"eyes"}, "eyes")
    );

    const auto capabilities = entry_of(catalogue(gateway), "m")["capabilities"];

    EXPECT_EQ(capabilities["vision"], false);
    EXPECT_EQ(capabilities["video"], false);
    EXPECT_EQ(capabilities["audio"], false);
}

TEST(catalogue, moa_38_aliases_are_entries_that_name_their_profile) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models)
            .upstreams({"a", "s"})
            .moa("aliased.v1", {"a"}, "s", "aliases = [\"fast\", \"MODEL-4\"]")
    );

    const auto data = catalogue(gateway);
    const auto canonical = entry_of(data, "aliased.v1");

    ASSERT_EQ(data.size(), 3u);
    EXPECT_FALSE(canonical.contains("alias_of"));
    for (const char* name : {"fast", "MODEL-4"}) {
        const auto entry = entry_of(data, name);
        ASSERT_TRUE(entry.is_object()) << name;
        EXPECT_EQ(entry["alias_of"], "aliased.v1");
        EXPECT_EQ(entry["capabilities"], canonical["capabilities"]);
        EXPECT_EQ(entry["max_model_len"], canonical["max_model_len"]);
    }
}

TEST(catalogue, moa_39_the_facade_comes_first_and_mirrors_the_first_profile_of_the_file) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .server("model_name = \"house-1\"")
                                      .upstreams({"a", "b"})
                                      .upstream("s", "context = 16384\nmax_output = 2048")
                                      .voting("aaa.vote", {"a", "b"})
                                      .moa("zzz.first", {"a"}, "s", "expose_reasoning = true")
                                      .passthrough("bbb.second", "a"));

    const auto data = catalogue(gateway);

    EXPECT_EQ(data[0]["id"], "house-1");
    EXPECT_FALSE(data[0].contains("alias_of"));
    EXPECT_EQ(data[0]["max_model_len"], entry_of(data, "zzz.first")["max_model_len"]);
    EXPECT_EQ(data[0]["capabilities"], entry_of(data, "zzz.first")["capabilities"]);
}

TEST(catalogue, upstream_keys_are_listed_when_there_is_no_profile) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstreams({"b", "a"}));

    EXPECT_EQ(ids(catalogue(gateway)), (std::vector<std::string>{"a", "b"}));
}

TEST(catalogue, one_model_is_found_by_its_id_with_slashes_and_escapes) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a").passthrough("org/fast v1", "a")
    );

    const auto plain = get(gateway, "/v1/models/org/fast%20v1");
    const auto escaped = get(gateway, "/v1/models/org%2Ffast%20v1");

    EXPECT_EQ(plain.status, 200);
    EXPECT_EQ(plain.json(), catalogue(gateway)[0]);
    EXPECT_EQ(escaped.json(), plain.json());
    expect_envelope(get(gateway, "/v1/models/ghost"), 404);
    EXPECT_EQ(get(gateway, "/v1/models/ghost").error_code(), "model_not_found");
}

}  // namespace

}  // namespace meta_model::contract
