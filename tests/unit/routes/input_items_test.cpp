#include "routes/input_items.hpp"

#include "routes/response_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace meta_model::routes {
namespace {

using nlohmann::json;

json page(const std::vector<std::string_view>& items, const items_query& query = {}) {
    const auto made = items_page(items, "resp_0a", query);
    EXPECT_TRUE(made);
    return made ? json::parse(*made) : json();
}

TEST(input_items, short_messages_are_written_out) {
    const auto item = page({R"({"role":"user","content":"a\\u00e9\"b"})"})["data"][0];
    EXPECT_EQ(item["id"], "msg_0a_0");
    EXPECT_EQ(item["type"], "message");
    EXPECT_EQ(item["status"], "completed");
    EXPECT_EQ(item["content"][0]["type"], "input_text");
    const auto said = page({R"({"role":"assistant","content":"x"})"})["data"][0];
    EXPECT_EQ(said["content"][0]["type"], "output_text");
}

TEST(input_items, what_is_written_out_stays) {
    const std::string whole =
        R"({"id":"msg_1","type":"message","status":"incomplete","role":"user","content":[]})";
    const std::string call = R"({"id":"fc_1","type":"function_call","call_id":"c","x":{"y":[1]}})";
    const auto data = page({whole, call}, {.is_ascending = true})["data"];
    EXPECT_EQ(data[0], json::parse(whole));
    EXPECT_EQ(data[1], json::parse(call));
}

TEST(input_items, ids_say_what_they_are_of) {
    const auto data = page(
        {R"({"type":"function_call"})",
         R"({"type":"function_call_output","id":null})",
         R"({"type":"reasoning"})",
         R"({"type":"other"})",
         R"({})"},
        {.is_ascending = true}
    )["data"];
    std::vector<std::string> ids;
    for (const auto& item : data) {
        ids.push_back(item["id"]);
    }
    EXPECT_EQ(
        ids, (std::vector<std::string>{"fc_0a_0", "fco_0a_1", "rs_0a_2", "item_0a_3", "msg_0a_4"})
    );
}

TEST(input_items, pages_follow_each_other_in_both_orders) {
    const std::vector<std::string_view> items{
        R"({"id":"a"})", R"({"id":"b"})", R"({"id":"c"})", R"({"id":"d"})"
    };
    const auto up = page(items, {.limit = 2, .is_ascending = true, .after = "a"});
    EXPECT_EQ(up["first_id"], "b");
    EXPECT_EQ(up["last_id"], "c");
    EXPECT_EQ(up["has_more"], true);
    const auto down = page(items, {.limit = 2, .after = "c"});
    EXPECT_EQ(down["first_id"], "b");
    EXPECT_EQ(down["last_id"], "a");
    EXPECT_EQ(down["has_more"], false);
    const auto nothing = page(items, {.after = "a"});
    EXPECT_EQ(nothing["data"], json::array());
    EXPECT_EQ(nothing["first_id"], nullptr);
    EXPECT_FALSE(items_page(items, "resp_0a", {.after = "e"}));
}

TEST(input_items, what_was_said_twice_has_an_id_for_each) {
    const std::vector<std::string_view> items{
        R"({"id":"a","type":"message"})", R"({"id":"b"})", R"({"type":"message","id":"a"})"
    };
    const auto first = page(items, {.limit = 2, .is_ascending = true});
    EXPECT_EQ(first["last_id"], "b");
    const auto all = page(items, {.is_ascending = true})["data"];
    EXPECT_EQ(all[0]["id"], "a");
    EXPECT_EQ(all[2]["id"], "msg_0a_2");
    const auto rest = page(items, {.is_ascending = true, .after = all[2]["id"]});
    EXPECT_EQ(rest["data"], json::array()) << "pages come to an end";
}

TEST(response_json, a_status_is_replaced_in_place) {
    EXPECT_EQ(
        with_status(
            R"({"id":"a","status":"queued","output":[{"status":"x"}]})",
            store::response_status::cancelled
        ),
        R"({"id":"a","status":"cancelled","output":[{"status":"x"}]})"
    );
    EXPECT_EQ(with_status("{}", store::response_status::cancelled), "{}");
}

}  // namespace
}  // namespace meta_model::routes
