#include "api/json_schema.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

namespace {

struct example {
    std::string schema;
    std::vector<std::string> valid;
    std::vector<std::string> invalid;
};

schema_result check_schema(std::string_view schema, std::string_view instance) {
    return json_schema(schema).check(instance);
}

const std::vector<example> examples{
    {R"({"type":"object"})", {"{}", R"({"a":1})"}, {"[]", "null", "1", "not json", "{} {}", ""}},
    {R"({"type":["string","null"]})", {R"("a")", "null"}, {"1", "{}"}},
    {R"({"type":"integer"})", {"1", "-3", "2.0"}, {"1.5", R"("1")"}},
    {R"({"type":"number"})", {"1", "1.5"}, {"true"}},
    {R"({"enum":["a",1,{"b":[2]}]})", {R"("a")", "1", "1.0", R"({"b":[2]})"}, {R"("b")", "2"}},
    {R"({"const":{"a":1}})", {R"({ "a" : 1 })"}, {R"({"a":2})"}},
    {R"({"minimum":2,"exclusiveMaximum":4})", {"2", "3.9", R"("text")"}, {"1.9", "4"}},
    {R"({"multipleOf":0.1})", {"0.3", "12"}, {"0.35"}},
    {R"({"multipleOf":3})", {"9", "-9", "0"}, {"10"}},
    {R"({"minLength":2,"maxLength":3})", {R"("ab")", R"("äöü")", "7"}, {R"("a")", R"("äöüß")"}},
    {R"({"pattern":"^a+$"})", {R"("aaa")", "1"}, {R"("ab")"}},
    {R"x({"pattern":"(?=lookahead)"})x", {R"("whatever")"}, {}},
    {R"({"minItems":1,"maxItems":2})", {"[1]", "[1,2]"}, {"[]", "[1,2,3]"}},
    {R"({"minProperties":1})", {R"({"a":1})"}, {"{}"}},
    {R"({"properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})",
     {R"({"a":"x"})"},
     {"{}", R"({"a":1})", R"({"a":"x","b":1})"}},
    {R"({"properties":{"a":{}},"additionalProperties":{"type":"number"}})",
     {R"({"a":"any","b":1})"},
     {R"({"b":"text"})"}},
    {R"({"items":{"type":"boolean"}})", {"[]", "[true,false]"}, {"[true,1]"}},
    {R"({"prefixItems":[{"type":"string"}],"items":false})", {R"(["a"])"}, {R"(["a",1])", "[1]"}},
    {R"({"uniqueItems":true})", {"[1,2,[1]]"}, {"[1,2,1.0]", R"([{"a":1},{"a":1}])"}},
    {R"({"anyOf":[{"type":"string"},{"minimum":5}]})", {R"("a")", "5"}, {"4"}},
    {R"({"oneOf":[{"minimum":0},{"maximum":10}]})", {"-1", "11"}, {"5"}},
    {R"({"allOf":[{"minimum":0},{"maximum":10}]})", {"5"}, {"-1", "11"}},
    {R"({"not":{"type":"null"}})", {"1"}, {"null"}},
    {R"({"$defs":{"leaf":{"type":"integer"}},"items":{"$ref":"#/$defs/leaf"}})", {"[1]"}, {"[1.5]"}
    },
    {R"({"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false})",
     {R"({"next":{"next":{}}})"},
     {R"({"next":{"last":{}}})"}},
    {"true", {"1"}, {"nothing"}},
    {"false", {}, {"1"}},
    {R"({"unknown":"keyword","title":"a","format":"email"})", {"1"}, {}},
};

TEST(json_schema, keywords_hold_for_what_they_allow_and_for_nothing_else) {
    for (const auto& each : examples) {
        const json_schema schema(each.schema);  // one for all instances
        for (const auto& instance : each.valid) {
            EXPECT_EQ(schema.check(instance).verdict, schema_verdict::valid)
                << each.schema << " : " << instance;
        }
        for (const auto& instance : each.invalid) {
            EXPECT_EQ(schema.check(instance).verdict, schema_verdict::invalid)
                << each.schema << " : " << instance;
        }
    }
}

TEST(json_schema, the_problem_names_the_place_and_the_keyword) {
    const std::string schema =
        R"({"properties":{"list":{"items":{"type":"object","required":["id"]}}}})";

    EXPECT_EQ(check_schema(schema, R"({"list":[{"id":1},{}]})").problem, "/list/1: required");
    EXPECT_EQ(check_schema(schema, R"({"list":[3]})").problem, "/list/0: type");
    EXPECT_EQ(check_schema(schema, "so").problem, "no JSON");
    EXPECT_EQ(
        check_schema(R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "1").problem, ": anyOf"
    );
}

TEST(json_schema, what_is_no_schema_or_points_elsewhere_decides_nothing) {
    for (const std::string schema :
         {"",
          "{",
          "7",
          R"("text")",
          R"({"$ref":"https://example.org/schema"})",
          R"({"$ref":"#/$defs/none"})",
          R"({"$ref":"#$%"})",
          R"({"properties":{"a":7}})"}) {
        EXPECT_EQ(check_schema(schema, R"({"a":1})").verdict, schema_verdict::undecided) << schema;
    }
}

TEST(json_schema, numbers_beyond_64_bits_with_a_sign_are_no_trap) {
    const std::string huge = R"({"multipleOf":18446744073709551615})";
    EXPECT_EQ(check_schema(huge, "-9223372036854775808").verdict, schema_verdict::invalid);
    EXPECT_EQ(check_schema(huge, "18446744073709551615").verdict, schema_verdict::valid);
    EXPECT_EQ(
        check_schema(R"({"multipleOf":5})", "18446744073709551615").verdict, schema_verdict::valid
    );
    EXPECT_EQ(check_schema(R"({"multipleOf":3})", "-9").verdict, schema_verdict::valid);
    EXPECT_EQ(check_schema(R"({"multipleOf":0})", "7").verdict, schema_verdict::valid);
}

TEST(json_schema, what_costs_nothing_to_write_is_counted_too) {
    std::string truths = "true";
    for (int i = 0; i < 40'000; ++i) {
        truths += ",true";
    }
    EXPECT_EQ(
        check_schema(R"({"allOf":[)" + truths + "]}", "0").verdict, schema_verdict::undecided
    );
    const auto long_text = '"' + std::string(200'000, 'x') + '"';
    std::string lengths = R"({"allOf":[{"minLength":1})";
    for (int i = 0; i < 100; ++i) {
        lengths += R"(,{"minLength":1})";
    }
    EXPECT_EQ(check_schema(lengths + "]}", long_text).verdict, schema_verdict::undecided);
    EXPECT_EQ(check_schema(R"({"pattern":"x$"})", long_text).verdict, schema_verdict::valid);
}

TEST(json_schema, work_is_bounded) {
    EXPECT_EQ(check_schema(R"({"$ref":"#"})", "1").verdict, schema_verdict::undecided);
    // Each level asks the next one twice.
    std::string doubling = R"({"$defs":{"l0":{"type":"integer"})";
    for (int i = 1; i <= 40; ++i) {
        const auto below = R"({"$ref":"#/$defs/l)" + std::to_string(i - 1) + R"("})";
        doubling += R"(,"l)" + std::to_string(i) + R"(":{"anyOf":[)" + below + ',' + below + "]}";
    }
    doubling += R"(},"$ref":"#/$defs/l40"})";
    EXPECT_EQ(check_schema(doubling, "1").verdict, schema_verdict::undecided);
    const auto deep = std::string(5000, '[') + std::string(5000, ']');
    EXPECT_EQ(check_schema("{}", deep).verdict, schema_verdict::invalid);
    EXPECT_EQ(
        check_schema(R"({"items":{"type":"string"}})", '[' + std::string(400'000, ' ') + ']')
            .verdict,
        schema_verdict::undecided
    );
}

}  // namespace

}  // namespace meta_model::api
