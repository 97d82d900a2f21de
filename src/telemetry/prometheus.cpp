#include "telemetry/prometheus.hpp"

#include "telemetry/number_text.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace meta_model::telemetry {

namespace {

constexpr std::string_view prefix = "meta_model_";

struct family {
    std::string_view name;
    std::string_view help;
};

// In the order of the enumerations.
constexpr std::array<family, counter_count> counter_families{{
    {"received_bytes_total", "Bytes received from clients."},
    {"sent_bytes_total", "Bytes sent to clients."},
    {"connections_accepted_total", "Client connections accepted."},
    {"connections_refused_total", "Client connections closed at once because of a limit."},
    {"stream_events_dropped_total", "Malformed events dropped from upstream streams."},
    {"streams_cut_total", "Upstream streams that ended without a finish."},
    {"log_lines_dropped_total", "Log lines dropped because the queue was full."},
    {"client_closed_total", "Requests whose client left before the reply was complete."},
    {"syntheses_spared_total", "Synthesizer calls that agreement of the drafts made needless."},
    {"responses_evicted_total", "Stored responses that gave way to others or became too old."},
}};

constexpr std::array<family, gauge_count> gauge_families{{
    {"requests_in_flight", "Requests being served."},
    {"connections_open", "Client connections that are open."},
    {"responses_stored", "Responses that are kept for later requests."},
    {"responses_stored_bytes", "Memory that stored responses take."},
    {"responses_in_background", "Responses being made that no client waits for."},
}};

constexpr std::array<std::string_view, status_class_count> status_classes{
    "none",
    "1xx",
    "2xx",
    "3xx",
    "4xx",
    "5xx",
};
constexpr std::size_t status_2xx = 2;

using label = std::pair<std::string_view, std::string_view>;

// Backslash, quote and line feed are what the format escapes in label values.
void append_label_value(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            out.append("\\n");
            continue;
        }
        if (c == '\\' || c == '"') {
            out.push_back('\\');
        }
        out.push_back(c);
    }
}

class exposition {
public:
    void begin(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        out_.append("# HELP ").append(prefix).append(name).append(1, ' ').append(help);
        out_.append("\n# TYPE ").append(prefix).append(name).append(1, ' ').append(type);
        out_.push_back('\n');
    }

    template <class Integer>
    void sample(std::initializer_list<label> labels, Integer value, std::string_view suffix = {}) {
        series(labels, suffix);
        append_integer(out_, value);
        out_.push_back('\n');
    }

    void sample_seconds(
        std::initializer_list<label> labels,
        std::uint64_t microseconds,
        std::string_view suffix = {}
    ) {
        series(labels, suffix);
        append_seconds(out_, microseconds);
        out_.push_back('\n');
    }

    void durations(label of, const histogram_sum& sum) {
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < duration_bounds.size(); ++i) {
            below += sum.buckets[i];
            std::string bound;
            append_seconds(bound, static_cast<std::uint64_t>(duration_bounds[i].count()));
            sample({of, {"le", bound}}, below, "_bucket");
        }
        const auto count = sum.count();
        sample({of, {"le", "+Inf"}}, count, "_bucket");
        sample_seconds({of}, sum.sum_us, "_sum");
        sample({of}, count, "_count");
    }

    std::string take() { return std::move(out_); }

private:
    void series(std::initializer_list<label> labels, std::string_view suffix) {
        out_.append(prefix).append(name_).append(suffix);
        if (labels.size() > 0) {
            char separator = '{';
            for (const auto& [name, value] : labels) {
                out_.append(1, separator).append(name).append("=\"");
                append_label_value(out_, value);
                out_.push_back('"');
                separator = ',';
            }
            out_.push_back('}');
        }
        out_.push_back(' ');
    }

    std::string out_;
    std::string_view name_;
};

const roster::profile* declared_as(const metric_names& names, std::string_view profile) {
    const auto found =
        std::find_if(names.declared.begin(), names.declared.end(), [&](const auto& candidate) {
            return candidate.name == profile;
        });
    return found == names.declared.end() ? nullptr : &*found;
}

void append_requests(exposition& to, const counters_sum& sums, const metric_names& names) {
    to.begin("requests_total", "counter", "Finished requests by outcome.");
    for (std::size_t i = 0; i < sums.profiles.size(); ++i) {
        auto requests = sums.profiles[i].requests;
        // A rate needs the zero before the first request.
        if (const auto* profile = declared_as(names, names.profiles[i])) {
            requests.try_emplace({profile->strategy, status_2xx, outcome_code::ok}, 0);
        }
        for (const auto& [key, count] : requests) {
            const auto& [strategy, status, code] = key;
            to.sample(
                {{"profile", names.profiles[i]},
                 {"strategy", to_string(strategy)},
                 {"status", status_classes[status]},
                 {"code", to_string(code)}},
                count
            );
        }
    }
}

void append_profile_durations(
    exposition& to,
    const counters_sum& sums,
    const metric_names& names,
    const family& which,
    histogram_sum profile_sum::* durations
) {
    to.begin(which.name, "histogram", which.help);
    for (std::size_t i = 0; i < sums.profiles.size(); ++i) {
        const auto& sum = sums.profiles[i].*durations;
        if (sum.count() > 0 || declared_as(names, names.profiles[i]) != nullptr) {
            to.durations({"profile", names.profiles[i]}, sum);
        }
    }
}

void append_tokens(exposition& to, const counters_sum& sums, const metric_names& names) {
    to.begin("tokens_total", "counter", "Tokens of the answers, as reported or estimated.");
    for (std::size_t i = 0; i < sums.profiles.size(); ++i) {
        const auto& sum = sums.profiles[i];
        if (sum.tokens_in + sum.tokens_out > 0
            || declared_as(names, names.profiles[i]) != nullptr) {
            to.sample({{"profile", names.profiles[i]}, {"direction", "in"}}, sum.tokens_in);
            to.sample({{"profile", names.profiles[i]}, {"direction", "out"}}, sum.tokens_out);
        }
    }
}

void append_upstream_calls(exposition& to, const counters_sum& sums, const metric_names& names) {
    to.begin("upstream_calls_total", "counter", "Finished upstream calls by outcome.");
    for (std::size_t i = 0; i < sums.upstreams.size(); ++i) {
        for (std::size_t outcome = 0; outcome < call_outcome_count; ++outcome) {
            const auto calls = sums.upstreams[i].calls[outcome];
            const auto name = static_cast<call_outcome>(outcome);
            const bool is_named_success = i > 0 && name == call_outcome::ok;
            if (calls > 0 || is_named_success) {
                to.sample({{"upstream", names.upstreams[i]}, {"outcome", to_string(name)}}, calls);
            }
        }
    }
    to.begin("upstream_calls_in_flight", "gauge", "Upstream calls that have begun and not ended.");
    for (std::size_t i = 1; i < sums.upstreams.size(); ++i) {
        to.sample({{"upstream", names.upstreams[i]}}, sums.upstreams[i].in_flight);
    }
}

void append_upstream_durations(
    exposition& to,
    const counters_sum& sums,
    const metric_names& names,
    const family& which,
    histogram_sum upstream_sum::* durations
) {
    to.begin(which.name, "histogram", which.help);
    for (std::size_t i = 0; i < sums.upstreams.size(); ++i) {
        const auto& sum = sums.upstreams[i].*durations;
        if (sum.count() > 0) {
            to.durations({"upstream", names.upstreams[i]}, sum);
        }
    }
}

void append_process(exposition& to, const process_stats& process) {
    to.begin("build_info", "gauge", "Always 1; the version is a label.");
    to.sample({{"version", process.version}}, std::uint64_t{1});
    to.begin("process_start_time_seconds", "gauge", "Start of the process, Unix time.");
    to.sample({}, process.start_time_s);
    to.begin("process_cpu_seconds_total", "counter", "CPU time of the process, user and system.");
    to.sample_seconds({}, process.cpu_us);
    to.begin("process_resident_memory_bytes", "gauge", "Resident memory of the process.");
    to.sample({}, process.resident_bytes);
    to.begin("process_open_fds", "gauge", "Open file descriptors of the process.");
    to.sample({}, process.open_fds);
    to.begin("process_threads", "gauge", "Threads of the process.");
    to.sample({}, process.threads);
}

}  // namespace

std::string prometheus_text(
    const counters_sum& sums, const metric_names& names, const process_stats& process
) {
    exposition to;
    append_process(to, process);
    for (std::size_t i = 0; i < gauge_count; ++i) {
        to.begin(gauge_families[i].name, "gauge", gauge_families[i].help);
        to.sample({}, sums.gauges[i]);
    }
    for (std::size_t i = 0; i < counter_count; ++i) {
        to.begin(counter_families[i].name, "counter", counter_families[i].help);
        to.sample({}, sums.counters[i]);
    }
    append_requests(to, sums, names);
    append_profile_durations(
        to,
        sums,
        names,
        {"request_duration_seconds", "Time from a request's head to the end of its reply."},
        &profile_sum::duration
    );
    append_profile_durations(
        to,
        sums,
        names,
        {"request_first_byte_seconds",
         "Time from a request's head to the first content of its reply."},
        &profile_sum::first_byte
    );
    append_tokens(to, sums, names);
    append_upstream_calls(to, sums, names);
    append_upstream_durations(
        to,
        sums,
        names,
        {"upstream_call_duration_seconds", "Time of upstream calls."},
        &upstream_sum::duration
    );
    append_upstream_durations(
        to,
        sums,
        names,
        {"upstream_first_byte_seconds", "Time until the first byte of an upstream's reply."},
        &upstream_sum::first_byte
    );
    return to.take();
}

}  // namespace meta_model::telemetry
