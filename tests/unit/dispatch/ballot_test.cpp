#include "dispatch/ballot.hpp"

#include "dispatch/final_answer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace meta_model::dispatch {
namespace {

using config::ballot_kind;

api::draft said(std::string text, std::string finish = "stop") {
    api::draft d;
    d.content = std::move(text);
    d.finish_reason = std::move(finish);
    return d;
}

// What the text is read as; "-" for no ballot.
std::string read(const std::string& text, const ballot_rules& rules, std::string finish = "stop") {
    const auto found = read_ballot(said(text, std::move(finish)), rules);
    return found ? found->text : "-";
}

std::string yes_no(const std::string& text) {
    return read(text, {.kind = ballot_kind::yes_no});
}

std::string number(const std::string& text, std::string finish = "stop") {
    return read(text, {.kind = ballot_kind::number}, std::move(finish));
}

TEST(yes_no_ballot, the_first_word_decides) {
    for (const char* text :
         {"yes", "Yes.", " YES\n", "**Yes**, it is", "\"yes\"", "yes — no doubt", "✅ Yes"}) {
        EXPECT_EQ(yes_no(text), "yes") << text;
    }
    for (const char* text : {"no", "No, that is unsafe", "NO!", "No. Saying yes would be wrong."}) {
        EXPECT_EQ(yes_no(text), "no") << text;
    }
}

TEST(yes_no_ballot, only_whole_words_count) {
    for (const char* text :
         {"unknown",
          "cannot tell",
          "Nothing wrong",
          "yesterday",
          "No-one knows",
          "nope",
          "not sure",
          "наno",
          "yes_no",
          "I know",
          "",
          "  \n"}) {
        EXPECT_EQ(yes_no(text), "-") << text;
    }
    EXPECT_EQ(yes_no("Not safe: yes"), "yes");
    EXPECT_EQ(yes_no("I know: yes"), "yes");
    EXPECT_EQ(yes_no("The answer: no"), "no");
}

TEST(yes_no_ballot, both_words_are_no_vote) {
    for (const char* text : {"yes or no", "Yes/No", "It is yes and no", "hard: no, or yes"}) {
        EXPECT_EQ(yes_no(text), "-") << text;
    }
}

TEST(yes_no_ballot, is_searched_at_the_beginning_or_behind_a_mark) {
    const std::string padding(40, 'x');
    EXPECT_EQ(yes_no(padding + " yes"), "-");
    EXPECT_EQ(yes_no(padding + " there is no way\nAnswer: yes"), "yes");
    EXPECT_EQ(yes_no(std::string(27, 'x') + " yes"), "yes");
}

TEST(label_ballot, is_found_by_whole_words_in_any_case) {
    const ballot_rules rules{
        .kind = ballot_kind::label,
        .labels = {"approve", "approve with changes", "Reject", "не знаю"}
    };
    EXPECT_EQ(read("APPROVE", rules), "approve");
    EXPECT_EQ(read("Approve with changes: the name", rules), "approve with changes");
    EXPECT_EQ(read("I would reject it.", rules), "Reject");
    EXPECT_EQ(read("не знаю", rules), "не знаю");
    EXPECT_EQ(read("approved", rules), "-");
    EXPECT_EQ(read("Some approve, some reject.", rules), "-");
    EXPECT_EQ(read("Some approve, some reject.\nAnswer: **reject**", rules), "Reject");
    EXPECT_EQ(read("I think we should reject", rules, "length"), "-") << "it was cut off";
    EXPECT_EQ(read("reject because", rules, "length"), "Reject");
}

TEST(number_ballot, reads_the_answer_in_one_spelling) {
    const std::pair<const char*, const char*> cases[] = {
        {"42", "42"},
        {"The answer is 42.", "42"},
        {"First 3, then 4, so 12.", "12"},
        {"1,234.50", "1234.5"},
        {"-7", "-7"},
        {"x = \u22127", "-7"},
        {"5%", "5"},
        {"5 km", "5 km"},
        {"$5", "$5"},
        {"007", "7"},
        {"0.50", "0.5"},
        {".5", "0.5"},
        {"3/4", "0.75"},
        {"\\boxed{\\frac{3}{4}}", "0.75"},
        {"We get 10 apples.\nAnswer: 6 of 10", "6"},
        {"so \\boxed{12} and not 13", "12"},
        {"1e3", "1000"},
        {"12-5", "5"},
    };
    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(number(text), expected) << text;
    }
}

TEST(number_ballot, is_none_without_a_number) {
    for (const char* text : {"none", "H2O", "\\boxed{\\sqrt{2}}", "1e999", "answer is unknown"}) {
        EXPECT_EQ(number(text), "-") << text;
    }
    EXPECT_EQ(number("first 3, then", "length"), "-") << "an answer that was cut off";
}

TEST(number_ballot, fractions_agree_within_a_tolerance_and_units_count) {
    const auto agree = [](const char* a, const char* b) {
        const ballot_rules rules{.kind = ballot_kind::number};
        return agrees(*read_ballot(said(a), rules), *read_ballot(said(b), rules));
    };
    EXPECT_TRUE(agree("0.3333333333333", "1/3"));
    EXPECT_TRUE(agree("42.0", "42"));
    EXPECT_TRUE(agree("1,000", "1e3"));
    EXPECT_TRUE(agree("5%", "5"));
    EXPECT_FALSE(agree("0.333", "1/3"));
    EXPECT_FALSE(agree("10000000001", "10000000002"));
    EXPECT_FALSE(agree("5 km", "5 miles"));
    EXPECT_FALSE(agree("5", "-5"));
}

TEST(json_ballot, is_the_value_not_its_spelling) {
    const ballot_rules rules{.kind = ballot_kind::json};
    const auto key = [&](const char* text) {
        const auto b = read_ballot(said(text), rules);
        return b ? b->key : "-";
    };
    EXPECT_EQ(key(R"({"b":1, "a":"\u0041"})"), key(R"({"a":"A","b":1})"));
    EXPECT_EQ(key("Here:\n```json\n[1]\n```\n"), "[1]");
    EXPECT_EQ(key("not json"), "-");
    EXPECT_EQ(key("{\"a\":1"), "-");
}

TEST(tool_call_ballot, is_names_and_canonical_arguments) {
    const ballot_rules rules{.kind = ballot_kind::tool_call, .tools = {"f"}};
    const auto call = [](std::string name, std::string arguments) {
        api::draft d;
        d.tool_calls.push_back(
            {.id = "x", .name = std::move(name), .arguments = std::move(arguments)}
        );
        return d;
    };
    const auto a = read_ballot(call("f", R"({"x":1,"y":2})"), rules);
    const auto b = read_ballot(call("f", R"({"y": 2, "x": 1})"), rules);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->key, b->key);
    EXPECT_NE(a->key, read_ballot(call("f", "{}"), rules)->key);
    EXPECT_FALSE(read_ballot(call("g", "{}"), rules)) << "g was not offered";
    EXPECT_FALSE(read_ballot(call("f", "{"), rules));
    EXPECT_EQ(read_ballot(said("done"), rules)->key, "");
    EXPECT_FALSE(read_ballot({}, rules));
}

TEST(text_ballot, white_space_and_case_of_one_line_do_not_count) {
    const ballot_rules rules{.kind = ballot_kind::text};
    const auto key = [&](const char* text) { return read_ballot(said(text), rules)->key; };
    EXPECT_EQ(key("Paris."), key(" **paris** "));
    EXPECT_EQ(key("It lies on the Seine. The answer is Paris."), "paris");
    EXPECT_NE(key("a\nb"), key("A\nb"));
    EXPECT_EQ(read("Long story. Answer: Paris", rules), "Long story. Answer: Paris");
    EXPECT_EQ(read("Long sto", rules, "length"), "-");
}

TEST(marked_answer, is_the_last_one) {
    EXPECT_EQ(marked_answer("Answer: a\nAnswer: b"), "b");
    EXPECT_EQ(marked_answer("ANSWER:\n\n  c\n"), "c");
    EXPECT_EQ(marked_answer("\\boxed{x^{2}} Answer: d"), "x^{2}");
    EXPECT_EQ(marked_answer("the answer island"), std::nullopt);
    EXPECT_EQ(marked_answer("Answer:"), std::nullopt);
    EXPECT_EQ(marked_answer("\\boxed{open"), std::nullopt);
}

}  // namespace
}  // namespace meta_model::dispatch
