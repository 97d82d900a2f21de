#include "dispatch/ledger.hpp"

#include "api/json_text.hpp"
#include "api/usage_json.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/token_estimate.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

void append_text_member(std::string& out, std::string_view key, std::string_view value) {
    out += ",\"";
    out += key;
    out += "\":";
    api::append_json_string(out, value);
}

void append_number_member(std::string& out, std::string_view key, std::int64_t value) {
    out += ",\"";
    out += key;
    out += "\":";
    api::append_json_number(out, value);
}

void append_tokens_and_cost(std::string& out, const ledger_line& line) {
    append_number_member(out, "tokens_in", line.tokens_in);
    append_number_member(out, "cached_tokens", line.cached_tokens);
    append_number_member(out, "tokens_out", line.tokens_out);
    append_text_member(out, "usage_source", line.is_estimated ? "estimated" : "reported");
    out += ",\"cost_usd\":";
    out += base::to_usd(line.cost);
}

void append_line(std::string& out, const ledger_line& line) {
    out += R"({"upstream":)";
    api::append_json_string(out, line.upstream);
    append_text_member(out, "role", to_string(line.role));
    if (line.samples > 1) {
        append_number_member(out, "samples", static_cast<std::int64_t>(line.samples));
    }
    append_text_member(out, "state", line.state);
    if (!line.reason.empty()) {
        append_text_member(out, "reason", line.reason);
    }
    append_number_member(out, "elapsed_ms", line.elapsed.count() / 1000);
    append_tokens_and_cost(out, line);
    if (line.sub != nullptr) {
        out += ',';
        out += line.sub->legs();
    }
    out += '}';
}

void append_list(std::string& out, const std::vector<std::string_view>& texts) {
    out += '[';
    for (const auto text : texts) {
        out += out.back() == '[' ? "" : ",";
        api::append_json_string(out, text);
    }
    out += ']';
}

}  // namespace

std::string_view to_string(leg_role role) {
    switch (role) {
        case leg_role::generator: return "generator";
        case leg_role::synthesizer: return "synthesizer";
        case leg_role::voter: return "voter";
        case leg_role::judge: return "judge";
        case leg_role::step: return "step";
        case leg_role::gate: return "gate";
        case leg_role::describer: return "describer";
        case leg_role::repair: return "repair";
        case leg_role::relay: return "relay";
    }
    return "";
}

void price(ledger_line& line, const leg_usage& usage, const config::upstream_pricing& pricing) {
    std::int64_t written = 0;  // to the cache, of tokens_in
    if (usage.reported != nullptr) {
        line.tokens_in = std::max<std::int64_t>(0, usage.reported->prompt_tokens);
        line.tokens_out = std::max<std::int64_t>(0, usage.reported->completion_tokens);
        line.cached_tokens =
            std::clamp<std::int64_t>(usage.reported->cached_tokens, 0, line.tokens_in);
        written = std::clamp<std::int64_t>(
            usage.reported->cache_write_tokens, 0, line.tokens_in - line.cached_tokens
        );
    }
    if (usage.was_billed && line.tokens_in == 0 && usage.sent_tokens > 0) {
        line.is_estimated = true;
        line.tokens_in = usage.sent_tokens;
    }
    if (usage.was_billed && line.tokens_out == 0 && usage.received_bytes > 0) {
        line.is_estimated = true;
        line.tokens_out = estimate_text_tokens(usage.received_bytes);
        if (usage.most_output > 0) {
            line.tokens_out = std::min(line.tokens_out, usage.most_output);
        }
    }
    line.cost = base::times(pricing.input, line.tokens_in - line.cached_tokens - written);
    line.cost += base::times(pricing.cache_write.value_or(pricing.input), written);
    line.cost += base::times(pricing.cached_input.value_or(pricing.input), line.cached_tokens);
    line.cost += base::times(pricing.output, line.tokens_out);
}

void add_up(ledger_line& line, std::shared_ptr<const ledger> sub) {
    for (const auto& call : sub->lines()) {
        line.tokens_in += call->tokens_in;
        line.cached_tokens += call->cached_tokens;
        line.tokens_out += call->tokens_out;
        line.cost += call->cost;
    }
    line.is_estimated = sub->is_estimated();
    line.sub = std::move(sub);
}

std::int64_t ledger::total_tokens() const {
    std::int64_t total = 0;
    for (const auto& line : lines_) {
        total += line->tokens_in + line->tokens_out;
    }
    return total;
}

base::money ledger::total_cost() const {
    base::money total;
    for (const auto& line : lines_) {
        total += line->cost;
    }
    return total;
}

bool ledger::is_estimated() const {
    // What still runs has not told anything yet.
    return std::ranges::any_of(lines_, [](const auto& line) {
        return line->is_estimated || line->state == "running";
    });
}

void ledger::note_reported(const api::token_usage& usage, int reports) {
    api::add_usage(reported_ ? *reported_ : reported_.emplace(), usage);
    reports_ += reports;
}

void ledger::append_headers(std::string& lines) const {
    append_header(lines, "X-MetaModel-Total-Tokens", total_tokens());
    append_header(lines, "X-MetaModel-Cost-USD", base::to_usd(total_cost()));
}

std::string ledger::legs() const {
    std::string out = R"("legs":[)";
    for (const auto& line : lines_) {
        if (line != lines_.front()) {
            out += ',';
        }
        append_line(out, *line);
    }
    out += ']';
    return out;
}

std::string ledger::members() const {
    auto out = legs();
    append_number_member(out, "total_tokens", total_tokens());
    out += ",\"cost_usd\":";
    out += base::to_usd(total_cost());
    append_text_member(out, "usage_source", is_estimated() ? "estimated" : "reported");
    if (!draft_order_.empty()) {
        out += R"(,"draft_order":)";
        append_list(out, draft_order_);
    }
    if (spared_) {
        out += R"(,"spared":{"upstream":)";
        api::append_json_string(out, spared_->upstream);
        append_text_member(out, "role", to_string(spared_->role));
        append_tokens_and_cost(out, *spared_);
        out += '}';
    }
    return out;
}

}  // namespace meta_model::dispatch
