// What upstreams may do wrong, and what a client must see of it, per role that the upstream has in the answer.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

enum class outcome_kind {
    complete,  // 200 with the whole text
    fails,     // an error with this status and code, and nothing else
    breaks,    // a stream that shows some text, then one error event with this code, and no [DONE]
};

struct expected_outcome {
    outcome_kind kind = outcome_kind::complete;
    int status = 200;
    std::string code{};
};

enum class after_reply { may_reuse, must_not_reuse };  // the connection, for the next call

struct fault {
    std::string name{};
    reply serves{};  // empty: connections are refused
    expected_outcome whole{};
    expected_outcome streamed{};
    // Why a leg failed, as X-MetaModel-Failed-Generators says; more than one when the network decides. Empty: it answers.
    std::vector<std::string> leg_reasons{};
    std::string limits{};         // lines of the upstream's timeouts
    milliseconds answered_by{0};  // the configured time; 0: there is none
    after_reply connection = after_reply::must_not_reuse;
    std::string text{"alpha beta gamma"};  // of a complete answer; a cut one is its beginning
    std::string retry_after{};             // of the error
    std::size_t prompt_bytes = 100;
    bool is_early = false;            // answers before it has read the request
    bool is_callers_mistake = false;  // no other upstream is asked
};

// The same table in every call; names are unique.
const std::vector<fault>& fault_table();
const fault& fault_named(const std::string& name);

}  // namespace meta_model::contract
