#include "store/response_chain.hpp"

#include "store/memory_response_store.hpp"

#include <gtest/gtest.h>

namespace meta_model::store {
namespace {

shared_text text(std::string s) {
    return std::make_shared<const std::string>(std::move(s));
}

struct talk {
    memory_response_store store{{}};

    void turn(
        const std::string& id,
        const std::string& previous,
        response_status status = response_status::completed
    ) {
        stored_response r;
        r.status = status;
        r.previous_id = previous;
        r.input_items = text("input of " + id);
        r.response = text("output of " + id);
        EXPECT_TRUE(store.put({.owner = 1, .id = id}, std::move(r)));
    }
    response_chain chain(std::string_view last, const chain_limits& limits = {}) {
        return resolve_chain(store, {.owner = 1, .id = last}, limits);
    }
};

TEST(response_chain, is_told_from_its_beginning) {
    talk t;
    t.turn("a", "");
    t.turn("b", "a");
    t.turn("c", "b", response_status::incomplete);
    t.turn("fork", "a");
    const auto chain = t.chain("c");
    EXPECT_EQ(chain.fault, chain_fault::none);
    ASSERT_EQ(chain.links.size(), 3u);
    EXPECT_EQ(*chain.links[0].input_items, "input of a");
    EXPECT_EQ(*chain.links[1].response, "output of b");
    EXPECT_EQ(*chain.links[2].response, "output of c");
    EXPECT_EQ(t.chain("fork").links.size(), 2u);
}

TEST(response_chain, names_the_link_that_is_gone) {
    talk t;
    t.turn("a", "");
    t.turn("b", "a");
    t.turn("c", "b");
    t.store.erase({.owner = 1, .id = "a"});
    const auto chain = t.chain("c");
    EXPECT_EQ(chain.fault, chain_fault::missing);
    EXPECT_EQ(chain.at, "a");
    EXPECT_EQ(t.chain("never").at, "never");
    EXPECT_EQ(resolve_chain(t.store, {.owner = 2, .id = "c"}).fault, chain_fault::missing)
        << "another credential's";
}

TEST(response_chain, goes_on_only_from_answers) {
    talk t;
    for (const auto status :
         {response_status::queued,
          response_status::in_progress,
          response_status::failed,
          response_status::cancelled}) {
        const auto id = std::to_string(static_cast<int>(status));
        t.turn(id, "", status);
        EXPECT_EQ(t.chain(id).fault, chain_fault::unfinished);
        EXPECT_EQ(t.chain(id).at, id);
    }
}

TEST(response_chain, is_bounded_in_links_and_bytes) {
    talk t;
    t.turn("0", "");
    for (int i = 1; i < 10; ++i) {
        t.turn(std::to_string(i), std::to_string(i - 1));
    }
    EXPECT_EQ(t.chain("9", {.max_links = 10}).fault, chain_fault::none);
    EXPECT_EQ(t.chain("9", {.max_links = 9}).fault, chain_fault::too_long);
    EXPECT_EQ(t.chain("9", {.max_bytes = 100}).fault, chain_fault::too_long);
}

TEST(response_chain, a_cycle_comes_to_an_end) {
    talk t;
    t.turn("a", "b");
    t.turn("b", "a");
    EXPECT_EQ(t.chain("a").fault, chain_fault::too_long);
}

}  // namespace
}  // namespace meta_model::store
