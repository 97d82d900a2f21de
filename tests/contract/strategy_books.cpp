#include "contract/strategy_books.hpp"

#include <algorithm>
#include <cmath>

namespace meta_model::contract {

namespace {

// Dollars for a million tokens are 1,000 nano-dollars for one.
constexpr std::int64_t nano_usd_per_price = 1000;

struct tariff {
    std::int64_t input_usd_per_mtok = 0;
    std::int64_t output_usd_per_mtok = 0;
    std::int64_t tokens_in = 0;  // of each call
    std::int64_t tokens_out = 0;
};

tariff tariff_of(const std::string& name) {
    const auto& all = booking_models::names;
    const auto place = std::find(all.begin(), all.end(), name) - all.begin();
    const auto i = static_cast<std::int64_t>(place);
    return {1 + i, 7 + 4 * i, 100 + 11 * i, 13 + 5 * i};
}

std::int64_t nano_usd(const json& usd) {
    return std::llround(usd.get<double>() * 1e9);
}

std::int64_t cost_of(const json& leg) {
    const auto price = tariff_of(leg["upstream"]);
    return (leg["tokens_in"].get<std::int64_t>() * price.input_usd_per_mtok
            + leg["tokens_out"].get<std::int64_t>() * price.output_usd_per_mtok)
           * nano_usd_per_price;
}

void expect_line(const json& leg, const booked_call& call, bool may_end_early) {
    const auto in = leg["tokens_in"].get<std::int64_t>();
    const auto out = leg["tokens_out"].get<std::int64_t>();
    const bool is_reported = leg["usage_source"] == "reported";
    EXPECT_NE(leg["state"], "running") << leg;
    if (may_end_early && leg["state"] == "cancelled" && !is_reported) {
        EXPECT_GT(in, 0) << leg;  // whatever its upstream would have said
    } else if (!call.is_charged) {
        EXPECT_EQ(in + out, 0) << leg;
        EXPECT_TRUE(is_reported) << leg;
    } else if (call.is_told && is_reported) {
        EXPECT_EQ(in, call.tokens_in) << leg;
        EXPECT_EQ(out, call.tokens_out) << leg;
    } else {
        EXPECT_FALSE(call.is_told) << leg;
        EXPECT_FALSE(is_reported) << leg;
        EXPECT_GT(in, 0) << leg;
    }
}

}  // namespace

reply booking_models::told_in(
    const std::string& name,
    std::function<script(const recorded_request&, const json& usage)> script_of
) {
    return [=, this](const recorded_request& request) {
        const auto counts = tariff_of(name);
        const json usage = {
            {"prompt_tokens", counts.tokens_in},
            {"completion_tokens", counts.tokens_out},
            {"total_tokens", counts.tokens_in + counts.tokens_out}
        };
        book(
            {.upstream = name,
             .request_id = request.header("X-Request-Id"),
             .tokens_in = counts.tokens_in,
             .tokens_out = counts.tokens_out,
             .is_charged = true,
             .is_told = !request.wants_stream() || request.wants_usage()}
        );
        return script_of(request, usage);
    };
}

reply booking_models::told_by(
    const std::string& name, std::function<answer(const recorded_request&)> answer_to
) {
    return told_in(name, [=](const recorded_request& request, const json& usage) {
        auto what = answer_to(request);
        what.usage = usage;
        return complete(what)(request);
    });
}

reply booking_models::told(const std::string& name, answer what) {
    return told_by(name, [what = std::move(what)](const recorded_request&) { return what; });
}

reply booking_models::told(const std::string& name, const std::string& text) {
    answer what;
    what.message["content"] = text;
    return told(name, std::move(what));
}

reply booking_models::untold(const std::string& name, reply inner) {
    return [=, this](const recorded_request& request) {
        book({.upstream = name, .request_id = request.header("X-Request-Id"), .is_charged = true});
        return inner(request);
    };
}

reply booking_models::free(const std::string& name, reply inner) {
    return [=, this](const recorded_request& request) {
        book({.upstream = name, .request_id = request.header("X-Request-Id")});
        return inner(request);
    };
}

std::string booking_models::pricing_of(const std::string& name) {
    const auto price = tariff_of(name);
    return "[upstreams." + name
           + ".pricing]\ninput_usd_per_mtok = " + std::to_string(price.input_usd_per_mtok)
           + ".0\noutput_usd_per_mtok = " + std::to_string(price.output_usd_per_mtok) + ".0\n";
}

void booking_models::book(booked_call call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
}

std::vector<booked_call> booking_models::calls_of(const std::string& request_id) const {
    const std::lock_guard lock(mutex_);
    std::vector<booked_call> out;
    for (const auto& call : calls_) {
        if (call.request_id == request_id) {
            out.push_back(call);
        }
    }
    return out;
}

void expect_same_books(
    const json& trace, const std::vector<booked_call>& calls, bool may_end_early
) {
    ASSERT_TRUE(trace.is_object() && trace.contains("legs")) << trace;
    auto open = calls;
    std::int64_t tokens = 0;
    std::int64_t cost = 0;
    bool is_estimated = false;
    for (const auto& leg : trace["legs"]) {
        tokens += leg["tokens_in"].get<std::int64_t>() + leg["tokens_out"].get<std::int64_t>();
        cost += cost_of(leg);
        EXPECT_EQ(nano_usd(leg["cost_usd"]), cost_of(leg)) << leg;
        is_estimated = is_estimated || leg["usage_source"] == "estimated";
        const auto call = std::find_if(open.begin(), open.end(), [&](const auto& each) {
            return each.upstream == leg["upstream"];
        });
        if (call != open.end()) {
            expect_line(leg, *call, may_end_early);
            open.erase(call);
        } else {
            // One that was ended at once may not have arrived.
            EXPECT_TRUE(
                leg["state"] == "not_started" || (may_end_early && leg["state"] == "cancelled")
            ) << "nobody was called for it: "
              << leg;
        }
    }
    EXPECT_TRUE(open.empty()) << open.front().upstream << " has no line in " << trace;
    EXPECT_EQ(trace["total_tokens"], tokens);
    EXPECT_EQ(nano_usd(trace["cost_usd"]), cost) << trace;
    EXPECT_EQ(trace["usage_source"], is_estimated ? "estimated" : "reported");
}

}  // namespace meta_model::contract
