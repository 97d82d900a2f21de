#include "routes/stored_history.hpp"

#include "routes/response_writer.hpp"
#include "store/memory_response_store.hpp"

#include <gtest/gtest.h>

namespace meta_model::routes {
namespace {

constexpr std::size_t max_bytes = 1u << 20;

using base::error_code_id;

struct kept {
    store::memory_response_store store{{}};

    void put(const std::string& id, const std::string& previous, const std::string& output) {
        api::response_facts facts;
        facts.id = id;
        facts.previous_response_id = previous;
        const std::string input = R"([{"role":"user","content":"to )" + id + R"("}])";
        response_writer writer(store, 1, facts, input, response_writer::keeping::result);
        writer.on_final(
            api::response_status::completed, R"({"status":"completed","output":)" + output + "}"
        );
    }
};

TEST(stored_history, is_the_items_of_all_turns_in_their_order) {
    kept k;
    k.put("resp_1", "", R"([{"id":"rs_1"},{"id":"msg_1","t":"hi"}])");
    k.put("resp_2", "resp_1", R"([{"id":"msg_2"}])");
    stored_history history(k.store, 1, max_bytes);
    ASSERT_TRUE(history.load("resp_2"));
    const auto items = history.earlier_items();
    ASSERT_EQ(items.size(), 5u);
    EXPECT_EQ(items[0], R"({"role":"user","content":"to resp_1"})");
    EXPECT_EQ(items[2], R"({"id":"msg_1","t":"hi"})");
    EXPECT_EQ(items[4], R"({"id":"msg_2"})");
}

TEST(stored_history, items_are_found_in_any_response_of_the_client) {
    kept k;
    k.put("resp_1", "", R"([{"id":"msg_1"}])");
    k.put("resp_2", "", R"([{"id":"msg_2"},{"id":"msg_3"}])");
    stored_history history(k.store, 1, max_bytes);
    ASSERT_TRUE(history.load("resp_1"));
    EXPECT_EQ(history.find_item("msg_1"), R"({"id":"msg_1"})");
    EXPECT_EQ(history.find_item("msg_3"), R"({"id":"msg_3"})");
    EXPECT_EQ(history.find_item("msg_2"), R"({"id":"msg_2"})");
    EXPECT_EQ(history.find_item("msg_4"), "");
    EXPECT_EQ(stored_history(k.store, 2, max_bytes).find_item("msg_1"), "") << "of another client";
}

TEST(stored_history, what_is_missing_is_an_error_of_its_field) {
    kept k;
    k.put("resp_2", "resp_1", "[]");
    stored_history history(k.store, 1, max_bytes);
    const auto loaded = history.load("resp_2");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().id, error_code_id::previous_response_not_found);
    EXPECT_EQ(loaded.error().param, "previous_response_id");
    EXPECT_NE(loaded.error().message.find("resp_1"), std::string::npos);
    EXPECT_TRUE(history.load("")) << "there is none";
}

}  // namespace
}  // namespace meta_model::routes
