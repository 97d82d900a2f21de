#include "telemetry/moa_metrics.hpp"

#include "telemetry/metrics_ring.hpp"
#include "telemetry/number_text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

namespace meta_model::telemetry {

namespace {

constexpr std::array<std::string_view, leg_state_count> leg_states{
    "done",
    "partial",
    "failed",
    "cancelled",
    "skipped",
};

using tally = std::map<std::string, std::uint64_t, std::less<>>;

void count(tally& counts, std::string_view name) {
    ++counts.try_emplace(std::string(name), 0).first->second;
}

struct length_stats {
    std::uint64_t min = 0;
    std::uint64_t max = 0;
    std::uint64_t sum = 0;
    std::uint64_t samples = 0;

    void add(std::uint64_t bytes) {
        min = samples == 0 ? bytes : std::min(min, bytes);
        max = std::max(max, bytes);
        sum += bytes;
        ++samples;
    }
};

struct leg_stats {
    std::uint64_t calls = 0;
    tally states{};
    std::vector<double> first_byte_ms{};
    std::vector<double> total_ms{};
    std::int64_t tokens_in = 0;
    std::int64_t tokens_out = 0;
};

double in_ms(std::chrono::microseconds duration) {
    return static_cast<double>(duration.count()) / 1000.0;
}

// Everything that is known of one profile, before it becomes text.
struct profile_stats {
    std::uint64_t calls = 0;
    std::uint64_t successes = 0;
    std::uint64_t quorum = 0;
    std::uint64_t degraded = 0;
    std::uint64_t with_tool_calls = 0;
    std::uint64_t content_chars = 0;
    std::vector<double> elapsed_ms{};
    tally decisions{};
    tally outcomes{};
    tally failures{};
    std::vector<length_stats> length_by_position{};
    std::map<std::string, length_stats> length_by_upstream{};
    std::map<std::string, tally> failures_by_upstream{};
    std::map<std::string, leg_stats> legs{};
    std::int64_t newest_ts_ms = 0;
    std::int64_t oldest_ts_ms = 0;
};

class gatherer {
public:
    explicit gatherer(std::span<const std::string> upstreams) : upstreams_(upstreams) {}

    profile_stats gather(const std::vector<request_record>& records) const {
        profile_stats stats;
        for (const auto& record : records) {
            add_request(stats, record);
            add_panel(stats, record);
            add_legs(stats, record);
        }
        std::sort(stats.elapsed_ms.begin(), stats.elapsed_ms.end());
        for (auto& [name, leg] : stats.legs) {
            std::sort(leg.first_byte_ms.begin(), leg.first_byte_ms.end());
            std::sort(leg.total_ms.begin(), leg.total_ms.end());
        }
        stats.oldest_ts_ms = records.front().timestamp_ms;
        stats.newest_ts_ms = records.back().timestamp_ms;
        return stats;
    }

private:
    static void add_request(profile_stats& stats, const request_record& record) {
        ++stats.calls;
        count(stats.outcomes, to_string(record.outcome));
        stats.elapsed_ms.push_back(in_ms(record.elapsed));
        stats.with_tool_calls += record.final_tool_call_count > 0 ? 1 : 0;
        if (record.outcome == outcome_code::ok) {
            ++stats.successes;
            stats.content_chars += record.final_content_chars;
        }
    }

    void add_panel(profile_stats& stats, const request_record& record) const {
        stats.quorum += record.quorum;
        stats.degraded += record.quorum < record.generators ? 1 : 0;
        // The other strategies decide nothing that has a label.
        if (!record.synth_decision.empty()) {
            count(stats.decisions, record.synth_decision.view());
        } else if (record.strategy == strategy::moa) {
            count(stats.decisions, "unknown");
        }
        for (std::size_t i = 0; i < record.drafts.size(); ++i) {
            const auto& draft = record.drafts[i];
            if (stats.length_by_position.size() <= i) {
                stats.length_by_position.emplace_back();
            }
            stats.length_by_position[i].add(draft.bytes);
            stats.length_by_upstream[name_of(draft.upstream)].add(draft.bytes);
        }
        for (std::size_t i = 0; i < record.failures.size(); ++i) {
            const auto& failure = record.failures[i];
            count(stats.failures, to_string(failure.reason));
            count(stats.failures_by_upstream[name_of(failure.upstream)], to_string(failure.reason));
        }
    }

    void add_legs(profile_stats& stats, const request_record& record) const {
        for (std::size_t i = 0; i < record.legs.size(); ++i) {
            const auto& leg = record.legs[i];
            auto& sums = stats.legs[name_of(leg.upstream)];
            ++sums.calls;
            count(sums.states, leg_states[static_cast<std::size_t>(leg.state)]);
            if (leg.first_byte != not_reached) {
                sums.first_byte_ms.push_back(in_ms(leg.first_byte));
            }
            sums.total_ms.push_back(in_ms(leg.total));
            sums.tokens_in += leg.tokens_in;
            sums.tokens_out += leg.tokens_out;
        }
    }

    std::string name_of(upstream_id id) const {
        const auto index = static_cast<std::size_t>(id);
        return index < upstreams_.size() ? upstreams_[index] : "other";
    }

    std::span<const std::string> upstreams_;
};

// Writes the members of one object after another; the caller opens and closes.
class object_writer {
public:
    explicit object_writer(std::string& out) : out_(out) { out_.push_back('{'); }
    object_writer(const object_writer&) = delete;
    object_writer& operator=(const object_writer&) = delete;

    void key(std::string_view name) {
        if (!is_first_) {
            out_.push_back(',');
        }
        is_first_ = false;
        append_quoted(out_, name);
        out_.push_back(':');
    }
    void integer(std::string_view name, std::uint64_t value) {
        key(name);
        append_integer(out_, value);
    }
    void integer(std::string_view name, std::int64_t value) {
        key(name);
        append_integer(out_, value);
    }
    void rounded(std::string_view name, double value, int decimals) {
        key(name);
        append_rounded(out_, value, decimals);
    }
    void counts(std::string_view name, const tally& values) {
        key(name);
        object_writer inner(out_);
        for (const auto& [label, number] : values) {
            inner.integer(label, number);
        }
        inner.close();
    }
    void close() { out_.push_back('}'); }

private:
    std::string& out_;
    bool is_first_ = true;
};

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

double mean(const std::vector<double>& values) {
    double sum = 0.0;
    for (const double value : values) {
        sum += value;
    }
    return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

// Nearest rank: the smallest value that `percent` of all do not exceed. `sorted` ascending.
double percentile(const std::vector<double>& sorted, std::size_t percent) {
    if (sorted.empty()) {
        return 0.0;
    }
    const auto rank = (sorted.size() * percent + 99) / 100;
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void append_percentiles(
    object_writer& to, const std::string& prefix, const std::vector<double>& sorted
) {
    to.rounded(prefix + "_p50", percentile(sorted, 50), 2);
    to.rounded(prefix + "_p90", percentile(sorted, 90), 2);
    to.rounded(prefix + "_p99", percentile(sorted, 99), 2);
}

void append_length(std::string& out, const length_stats& stats) {
    object_writer object(out);
    object.integer("min", stats.min);
    object.integer("max", stats.max);
    object.rounded("avg", share(stats.sum, stats.samples), 2);
    object.integer("samples", stats.samples);
    object.close();
}

void append_lengths(std::string& out, const profile_stats& stats) {
    object_writer object(out);
    for (std::size_t i = 0; i < stats.length_by_position.size(); ++i) {
        object.key("gen" + std::to_string(i));
        append_length(out, stats.length_by_position[i]);
    }
    object.close();
}

void append_leg(std::string& out, const leg_stats& stats) {
    object_writer object(out);
    object.integer("calls", stats.calls);
    object.counts("states", stats.states);
    append_percentiles(object, "first_byte_ms", stats.first_byte_ms);
    append_percentiles(object, "total_ms", stats.total_ms);
    object.integer("tokens_in", stats.tokens_in);
    object.integer("tokens_out", stats.tokens_out);
    object.close();
}

void append_upstream_members(std::string& out, object_writer& object, const profile_stats& stats) {
    object.key("draft_length_by_upstream");
    object_writer lengths(out);
    for (const auto& [name, length] : stats.length_by_upstream) {
        lengths.key(name);
        append_length(out, length);
    }
    lengths.close();

    object.key("failures_by_upstream");
    object_writer failures(out);
    for (const auto& [name, reasons] : stats.failures_by_upstream) {
        failures.counts(name, reasons);
    }
    failures.close();

    object.key("legs");
    object_writer legs(out);
    for (const auto& [name, leg] : stats.legs) {
        legs.key(name);
        append_leg(out, leg);
    }
    legs.close();
}

void append_profile(std::string& out, const profile_stats& stats) {
    object_writer object(out);
    object.integer("calls", stats.calls);
    object.rounded("quorum_avg", share(stats.quorum, stats.calls), 3);
    object.rounded("degraded_rate", share(stats.degraded, stats.calls), 3);
    object.counts("synth_decisions", stats.decisions);
    object.rounded("tool_call_rate", share(stats.with_tool_calls, stats.calls), 3);
    object.rounded("elapsed_ms_avg", mean(stats.elapsed_ms), 2);
    object.key("draft_length");
    append_lengths(out, stats);
    object.counts("failure_breakdown", stats.failures);
    object.integer("newest_ts_ms", stats.newest_ts_ms);
    object.integer("oldest_ts_ms", stats.oldest_ts_ms);
    append_percentiles(object, "elapsed_ms", stats.elapsed_ms);
    object.counts("outcomes", stats.outcomes);
    object.rounded("final_content_chars_avg", share(stats.content_chars, stats.successes), 2);
    append_upstream_members(out, object, stats);
    object.close();
}

}  // namespace

std::string moa_metrics_json(
    std::span<const profile_history> profiles, std::span<const std::string> upstreams
) {
    const gatherer gather_from(upstreams);
    std::string out;
    object_writer root(out);
    root.integer("ring_size", std::uint64_t{ring_size});
    root.key("profiles");
    object_writer by_name(out);
    for (const auto& [name, records] : profiles) {
        if (records.empty()) {
            continue;
        }
        by_name.key(name);
        append_profile(out, gather_from.gather(records));
    }
    by_name.close();
    root.close();
    return out;
}

}  // namespace meta_model::telemetry
