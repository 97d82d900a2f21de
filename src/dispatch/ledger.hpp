// What a request cost: a line for each upstream call, its tokens and its price (design §4.7).
#pragma once

#include "api/message.hpp"
#include "base/money.hpp"
#include "config/config.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meta_model::dispatch {

enum class leg_role { generator, synthesizer, voter, judge, step, gate, describer, repair, relay };
std::string_view to_string(leg_role role);

class ledger;

struct ledger_line {
    std::string_view upstream{};  // its key
    leg_role role{};
    std::string_view state = "running";  // running, done, partial, cancelled, failed, not_started
    std::string_view reason{};           // with all but running and done
    std::chrono::microseconds elapsed{0};
    std::int64_t tokens_in = 0;
    std::int64_t cached_tokens = 0;  // of tokens_in
    std::int64_t tokens_out = 0;
    bool is_estimated = false;  // the tokens are ours, not the upstream's
    base::money cost{};
    std::size_t samples = 1;              // drafts that the call was asked for
    std::shared_ptr<const ledger> sub{};  // of a nested profile: its own calls
};

// What a call is known to have used when it is over.
struct leg_usage {
    const api::token_usage* reported = nullptr;  // null: estimated from the bytes
    bool was_billed = false;                     // it was sent and not refused
    std::int64_t sent_tokens = 0;                // estimate of its body
    std::size_t received_bytes = 0;              // of its answer's text
    std::int64_t most_output = 0;                // tokens that it could write; 0: unknown
};

// The line of a nested profile tells the sums of its calls.
void add_up(ledger_line& line, std::shared_ptr<const ledger> sub);

// Fills in the tokens and the cost. A side of which the upstream reports nothing although there was something is
// estimated.
void price(ledger_line& line, const leg_usage& usage, const config::upstream_pricing& pricing);

class ledger {
public:
    // A line stays where it is for as long as the ledger lives.
    ledger_line& open(std::string_view upstream, leg_role role, std::size_t samples = 1) {
        lines_.push_back(std::make_unique<ledger_line>(
            ledger_line{.upstream = upstream, .role = role, .samples = samples}
        ));
        return *lines_.back();
    }

    bool is_empty() const { return lines_.empty(); }
    const std::vector<std::unique_ptr<ledger_line>>& lines() const { return lines_; }

    std::int64_t total_tokens() const;
    base::money total_cost() const;
    bool is_estimated() const;

    // A call that agreement made needless; in none of the sums.
    void note_spared(const ledger_line& call) { spared_ = call; }

    // Of a call that is over, or of several. What was only estimated is not reported.
    void note_reported(const api::token_usage& usage, int reports = 1);
    // The sum of that; nothing when no call reported any. `reports`: of how many calls.
    const std::optional<api::token_usage>& reported() const { return reported_; }
    int reports() const { return reports_; }

    // The upstreams of the drafts as they were shown to who judges or fuses them.
    void note_draft_order(std::vector<std::string_view> upstreams) {
        draft_order_ = std::move(upstreams);
    }

    // X-MetaModel-Total-Tokens and -Cost-USD.
    void append_headers(std::string& lines) const;

    // The JSON member "legs":[…], the calls of nested profiles within their own.
    std::string legs() const;

    // JSON members without braces: "legs":[…],"total_tokens":…,"cost_usd":…, and where there are any "draft_order":[…],
    // "spared":{…}.
    std::string members() const;

private:
    std::vector<std::unique_ptr<ledger_line>> lines_;
    std::optional<ledger_line> spared_;
    std::optional<api::token_usage> reported_;
    int reports_ = 0;
    std::vector<std::string_view> draft_order_;
};

}  // namespace meta_model::dispatch
