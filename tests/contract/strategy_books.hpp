// Upstreams that keep books of their own, and what a reply's ledger must say beside them.
#pragma once

#include "contract/contract_test.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace meta_model::contract {

// One call as its upstream counted it.
struct booked_call {
    std::string upstream{};
    std::string request_id{};  // of the gateway's request
    std::int64_t tokens_in = 0;
    std::int64_t tokens_out = 0;
    bool is_charged = false;
    bool is_told = false;  // the reply says what was charged
};

// Upstreams a, b, c, d and s. Each has prices and token counts of its own, so that no sum comes out right by chance.
class booking_models {
public:
    static inline const std::vector<std::string> names{"a", "b", "c", "d", "s"};

    // Answers, and tells its tokens wherever the call asks for them.
    reply told(const std::string& name, answer what);
    reply told(const std::string& name, const std::string& text);
    reply told_by(
        const std::string& name, std::function<answer(const recorded_request&)> answer_to
    );
    // `script_of` gets the usage that the reply has to tell.
    reply told_in(
        const std::string& name,
        std::function<script(const recorded_request&, const json& usage)> script_of
    );
    // Did its work and never tells.
    reply untold(const std::string& name, reply inner);
    // Charges nothing.
    reply free(const std::string& name, reply inner);

    // [upstreams.NAME.pricing]
    static std::string pricing_of(const std::string& name);

    std::vector<booked_call> calls_of(const std::string& request_id) const;

private:
    void book(booked_call call);

    mutable std::mutex mutex_;  // guards what follows
    std::vector<booked_call> calls_;

public:
    fake_upstream models{};  // the last, so that its threads end before what they write to
};

// Every call has its line, every line its call; what was told is in the ledger to the token and the nano-dollar, what was not
// is marked as an estimate, and the sums are those of the lines. `may_end_early`: calls may be ended before they have told.
void expect_same_books(
    const json& trace, const std::vector<booked_call>& calls, bool may_end_early
);

}  // namespace meta_model::contract
