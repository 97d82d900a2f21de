#include "upstream/test_schema.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <set>

namespace meta_model::upstream {
namespace {

using nlohmann::json;

json instance_of(const std::string& schema, std::uint64_t seed = 1) {
    const auto text = schema_instance(schema, {.seed = seed, .text = "what the user wrote"});
    EXPECT_TRUE(json::accept(text)) << schema << " -> " << text;
    return json::parse(text, nullptr, false);
}

TEST(test_schema, every_type_has_an_instance) {
    EXPECT_TRUE(instance_of(R"({"type":"string"})").is_string());
    EXPECT_TRUE(instance_of(R"({"type":"integer"})").is_number_integer());
    EXPECT_TRUE(instance_of(R"({"type":"number"})").is_number());
    EXPECT_TRUE(instance_of(R"({"type":"boolean"})").is_boolean());
    EXPECT_TRUE(instance_of(R"({"type":"null"})").is_null());
    EXPECT_TRUE(instance_of(R"({"type":"array"})").is_array());
    EXPECT_TRUE(instance_of(R"({"type":"object"})").is_object());
    EXPECT_TRUE(instance_of(R"({"type":["null","integer"]})").is_number_integer());
    EXPECT_TRUE(instance_of(R"({"properties":{"a":{}}})").is_object());
}

TEST(test_schema, values_come_from_const_and_enum) {
    EXPECT_EQ(instance_of(R"({"const":{"a":[1]}})"), json::parse(R"({"a":[1]})"));
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        seen.insert(instance_of(R"({"type":"string","enum":["a","b","c"]})", seed));
    }
    EXPECT_EQ(seen, (std::set<std::string>{"a", "b", "c"}));
}

TEST(test_schema, numbers_keep_their_limits) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        EXPECT_EQ(instance_of(R"({"type":"integer","minimum":7,"maximum":7})", seed), 7);
        EXPECT_EQ(
            instance_of(R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":2})", seed), 1
        );
        const auto small = instance_of(R"({"type":"integer","maximum":-5})", seed).get<int>();
        EXPECT_LE(small, -5);
        const auto tens = instance_of(R"({"type":"integer","minimum":15,"multipleOf":10})", seed);
        EXPECT_GE(tens, 20);
        EXPECT_EQ(tens.get<int>() % 10, 0);
        const auto share = instance_of(R"({"type":"number","minimum":0,"maximum":1})", seed);
        EXPECT_GE(share, 0.0);
        EXPECT_LE(share, 1.0);
        const auto inside =
            instance_of(R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1})", seed);
        EXPECT_GT(inside, 0.0);
        EXPECT_LT(inside, 1.0);
        const auto half = instance_of(R"({"type":"integer","multipleOf":0.5})", seed);
        EXPECT_TRUE(half.is_number_integer());
        EXPECT_TRUE(instance_of(R"({"type":"integer","minimum":1e300})", seed).is_number_integer());
    }
}

TEST(test_schema, strings_keep_their_lengths_and_formats) {
    EXPECT_EQ(instance_of(R"({"type":"string","minLength":20})").get<std::string>().size(), 20u);
    EXPECT_EQ(instance_of(R"({"type":"string","maxLength":3})"), "sim");
    EXPECT_EQ(instance_of(R"({"type":"string","maxLength":0})"), "");
    EXPECT_EQ(instance_of(R"({"type":"string","format":"date"})"), "2025-01-15");
    EXPECT_EQ(instance_of(R"({"type":"string","format":"email"})"), "ada@example.com");
    const auto cut = schema_instance(
        R"({"type":"object","required":["text"],"properties":{"text":{"type":"string","maxLength":2}}})",
        {.seed = 1, .text = "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"}
    );
    EXPECT_EQ(json::parse(cut).at("text"), "\xe2\x82\xac\xe2\x82\xac");
}

TEST(test_schema, members_that_ask_for_a_text_get_the_users) {
    const auto object =
        instance_of(R"({"type":"object","required":["query","city","x"],"properties":{
        "query":{"type":"string"},"city":{"type":"string"},"x":{"type":"string"}}})");
    EXPECT_EQ(object.at("query"), "what the user wrote");
    EXPECT_EQ(object.at("city"), "Lisbon");
    EXPECT_EQ(object.at("x"), "simulated");
}

TEST(test_schema, objects_have_what_is_required_and_something_when_nothing_is) {
    const auto object = instance_of(R"({"type":"object","properties":{"a":{"type":"integer"},
        "b":{"type":"integer"}},"required":["a","undescribed"]})");
    EXPECT_EQ(object.size(), 2u);
    EXPECT_TRUE(object.at("a").is_number_integer());
    EXPECT_TRUE(object.contains("undescribed"));
    EXPECT_EQ(instance_of(R"({"type":"object","properties":{"a":{"type":"integer"}}})").size(), 1u);
}

TEST(test_schema, arrays_keep_their_lengths_and_are_sets_where_asked) {
    EXPECT_EQ(instance_of(R"({"type":"array","items":{"type":"integer"}})").size(), 1u);
    EXPECT_EQ(instance_of(R"({"type":"array","minItems":3,"items":{"type":"string"}})").size(), 3u);
    EXPECT_EQ(instance_of(R"({"type":"array","maxItems":0,"items":{}})").size(), 0u);
    EXPECT_EQ(
        instance_of(R"({"type":"array","prefixItems":[{"const":1},{"const":2}],"items":false})"),
        json::parse("[1,2]")
    );
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        const auto set = instance_of(
            R"({"type":"array","minItems":3,"uniqueItems":true,"items":{"enum":["a","b","c"]}})",
            seed
        );
        EXPECT_EQ((std::set<std::string>(set.begin(), set.end())).size(), 3u);
    }
    // No set of two can be made of one value: still an answer, and soon.
    EXPECT_TRUE(
        instance_of(R"({"type":"array","minItems":2,"uniqueItems":true,"items":{"const":1}})")
            .is_array()
    );
}

TEST(test_schema, combined_and_referred_schemas_are_followed) {
    const auto all = instance_of(R"({"allOf":[
        {"type":"object","properties":{"a":{"const":1}},"required":["a"]},
        {"properties":{"b":{"const":2}},"required":["b"]}]})");
    EXPECT_EQ(all, json::parse(R"({"a":1,"b":2})"));
    EXPECT_EQ(instance_of(R"({"anyOf":[{"type":"null"},{"const":5}]})"), 5);
    EXPECT_EQ(instance_of(R"({"oneOf":[{"const":4},{"const":5}]})"), 4);
    const auto referred = instance_of(R"({"type":"object","required":["a"],
        "properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":{"const":9}}})");
    EXPECT_EQ(referred.at("a"), 9);
    EXPECT_EQ(instance_of(R"({"anyOf":[{"$ref":"#/$defs/d"}],"$defs":{"d":{"const":9}}})"), 9);
}

TEST(test_schema, endless_and_broken_schemas_come_to_an_end) {
    instance_of(R"({"$ref":"#"})");
    instance_of(R"({"type":"object","required":["a","b"],
        "properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}}})");
    EXPECT_EQ(instance_of(R"({"$ref":"#/a~2"})"), json::object());
    EXPECT_EQ(schema_instance("", {}), "{}");
    EXPECT_EQ(schema_instance("[1]", {}), "{}");
    EXPECT_EQ(schema_instance(std::string(300 << 10, ' ') + "{}", {}), "{}");
    instance_of(
        R"({"type":7,"enum":[],"properties":5,"required":"x","items":3,"allOf":{},"minimum":"a"})"
    );
    instance_of(R"({"type":"object","required":[1,null],"properties":[]})");
    instance_of(R"({"type":"array","minItems":-1,"maxItems":"x","prefixItems":9})");
    instance_of(R"({"type":"array","minItems":1000000000,"items":{"type":"string"}})");
    instance_of(R"({"type":"string","minLength":1000000000})");
}

}  // namespace
}  // namespace meta_model::upstream
