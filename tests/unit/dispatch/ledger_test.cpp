#include "dispatch/ledger.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {

namespace {

config::upstream_pricing prices() {
    return {
        .input = base::per_token(1),
        .cached_input = base::per_token(0.5),
        .output = base::per_token(4)
    };
}

api::token_usage used(std::int64_t in, std::int64_t out, std::int64_t cached = 0) {
    return {.prompt_tokens = in, .completion_tokens = out, .cached_tokens = cached};
}

TEST(ledger, cached_tokens_have_their_own_price) {
    ledger_line line;
    const auto usage = used(1000, 100, 400);

    price(line, {.reported = &usage}, prices());

    EXPECT_EQ(base::to_usd(line.cost), "0.001200000");  // 600 × 1 + 400 × 0.5 + 100 × 4 per million
    EXPECT_FALSE(line.is_estimated);
}

TEST(ledger, tokens_that_are_written_to_a_cache_have_their_own_price) {
    ledger_line line;
    auto usage = used(1000, 100, 400);
    usage.cache_write_tokens = 200;
    auto pricing = prices();
    ledger_line plain;
    price(plain, {.reported = &usage}, pricing);
    pricing.cache_write = base::per_token(1.25);

    price(line, {.reported = &usage}, pricing);

    EXPECT_EQ(
        base::to_usd(line.cost), "0.001250000"
    );  // 400 × 1 + 400 × 0.5 + 200 × 1.25 + 100 × 4
    EXPECT_EQ(base::to_usd(plain.cost), "0.001200000");
}

TEST(ledger, without_a_cached_price_they_cost_what_others_do) {
    ledger_line line;
    const auto usage = used(1000, 0, 400);
    auto pricing = prices();
    pricing.cached_input.reset();

    price(line, {.reported = &usage}, pricing);

    EXPECT_EQ(base::to_usd(line.cost), "0.001000000");
}

TEST(ledger, a_lying_usage_is_bounded) {
    ledger_line line;
    const auto usage = used(-5, -7, 400);

    price(line, {.reported = &usage}, prices());

    EXPECT_EQ(line.cost, base::money{});
}

TEST(ledger, what_was_sent_without_a_report_is_estimated) {
    ledger_line sent;
    ledger_line refused;

    price(sent, {.was_billed = true, .sent_tokens = 1000, .received_bytes = 28}, prices());
    price(refused, {.was_billed = false, .sent_tokens = 1000}, prices());

    EXPECT_TRUE(sent.is_estimated);
    EXPECT_EQ(sent.tokens_in, 1000);
    EXPECT_EQ(sent.tokens_out, 10);
    EXPECT_EQ(base::to_usd(sent.cost), "0.001040000");
    EXPECT_FALSE(refused.is_estimated);
    EXPECT_EQ(refused.tokens_in, 0);
    EXPECT_EQ(refused.cost, base::money{});
}

TEST(ledger, a_side_that_is_not_reported_is_estimated) {
    ledger_line line;
    const auto usage = used(100, 0);

    price(
        line,
        {.reported = &usage, .was_billed = true, .sent_tokens = 70, .received_bytes = 280},
        prices()
    );

    EXPECT_EQ(line.tokens_in, 100);
    EXPECT_EQ(line.tokens_out, 100);
    EXPECT_TRUE(line.is_estimated);
}

TEST(ledger, no_answer_is_estimated_longer_than_it_could_be) {
    ledger_line line;

    price(line, {.was_billed = true, .received_bytes = 2800, .most_output = 50}, prices());

    EXPECT_EQ(line.tokens_out, 50);
}

TEST(ledger, totals_are_the_sums_of_the_lines) {
    ledger books;
    const auto usage = used(100, 10);
    price(books.open("a", leg_role::generator), {.reported = &usage}, prices());
    price(
        books.open("b", leg_role::synthesizer), {.was_billed = true, .sent_tokens = 10}, prices()
    );
    std::string headers;
    books.append_headers(headers);

    EXPECT_EQ(books.total_tokens(), 120);
    EXPECT_TRUE(books.is_estimated());
    EXPECT_EQ(headers, "X-MetaModel-Total-Tokens: 120\r\nX-MetaModel-Cost-USD: 0.000150000\r\n");
    EXPECT_EQ(
        books.members(),
        R"("legs":[{"upstream":"a","role":"generator","state":"running","elapsed_ms":0,"tokens_in":100,)"
        R"("cached_tokens":0,"tokens_out":10,"usage_source":"reported","cost_usd":0.000140000},)"
        R"({"upstream":"b","role":"synthesizer","state":"running","elapsed_ms":0,"tokens_in":10,)"
        R"("cached_tokens":0,"tokens_out":0,"usage_source":"estimated","cost_usd":0.000010000}],)"
        R"("total_tokens":120,"cost_usd":0.000150000,"usage_source":"estimated")"
    );
}

}  // namespace

}  // namespace meta_model::dispatch
