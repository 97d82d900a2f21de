#include "api/json_text.hpp"
#include "dispatch/plan_report.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

// Text columns begin at the left, numbers end at the right; what is wider than its column moves the rest.
void append_left(std::string& out, std::string_view text, std::size_t width) {
    out += text;
    out.append(width - std::min(width, text.size()), ' ');
    out += "  ";
}

void append_right(std::string& out, std::string_view text, std::size_t width) {
    out.append(width - std::min(width, text.size()), ' ');
    out += text;
    out += "  ";
}

constexpr std::size_t role_width = 11;
constexpr std::size_t name_width = 20;
constexpr std::size_t count_width = 9;
constexpr std::size_t price_width = 13;

std::string seconds(std::chrono::milliseconds time) {
    return std::to_string(time.count() / 1000) + '.' + std::to_string(time.count() % 1000 / 100);
}

void append_line(std::string& out, const planned_call& call, std::size_t depth) {
    append_left(out, std::string(2 * depth, ' ').append(to_string(call.role)), role_width);
    append_left(out, call.upstream, name_width);
    append_right(out, std::to_string(call.prompt_tokens), count_width);
    append_right(out, std::to_string(call.output_tokens), count_width);
    append_right(out, std::to_string(call.window), count_width);
    append_right(out, seconds(call.time), count_width);
    append_right(out, base::to_usd(call.ceiling), price_width);
    out += call.is_started ? call.when : "not started";
    if (call.samples > 1) {
        out += ", " + std::to_string(call.samples) + " answers by one call";
    }
    out += call.reason.empty() ? "" : ": " + std::string(call.reason);
    if (call.sub == nullptr) {
        out += '\n';
        return;
    }
    out.append("; a profile (").append(call.sub->strategy).append(")");
    out += call.sub->limit ? ", may cost " + base::to_usd(*call.sub->limit) + " USD\n" : "\n";
    for (const auto& inner : call.sub->calls) {
        append_line(out, inner, depth + 1);
    }
}

void append_plan(std::string& out, const plan_report& plan);

void append_call(std::string& out, const planned_call& call) {
    out += R"({"upstream":)";
    api::append_json_string(out, call.upstream);
    out += R"(,"role":)";
    api::append_json_string(out, to_string(call.role));
    if (call.samples > 1) {
        out += R"(,"samples":)";
        api::append_json_number(out, static_cast<std::int64_t>(call.samples));
    }
    out += R"(,"when":)";
    api::append_json_string(out, call.when);
    out += R"(,"window_tokens":)";
    api::append_json_number(out, call.window);
    out += R"(,"prompt_tokens":)";
    api::append_json_number(out, call.prompt_tokens);
    out += R"(,"output_tokens":)";
    api::append_json_number(out, call.output_tokens);
    out += R"(,"time_ms":)";
    api::append_json_number(out, call.time.count());
    out += R"(,"ceiling_usd":)" + base::to_usd(call.ceiling);
    out += call.is_started ? R"(,"state":"planned")" : R"(,"state":"not_started")";
    if (!call.reason.empty()) {
        out += R"(,"reason":)";
        api::append_json_string(out, call.reason);
    }
    if (call.sub != nullptr) {
        out += R"(,"plan":)";
        append_plan(out, *call.sub);
    }
    out += '}';
}

void append_route_line(std::string& out, const plan_report& plan) {
    out.append("media: [").append(plan.route).append("] asks");
    for (const auto endpoint : plan.endpoints) {
        out.append(endpoint == plan.endpoints.front() ? " " : ", then ").append(endpoint);
    }
    out += plan.is_described_first ? "; before that its upstreams describe the images, and the "
                                     "profile answers with the description\n\n"
                                   : "\n\n";
}

void append_route(std::string& out, const plan_report& plan) {
    out += R"(,"route":{"table":)";
    api::append_json_string(out, plan.route);
    out += R"(,"endpoints":[)";
    for (const auto endpoint : plan.endpoints) {
        out += out.back() == '[' ? "" : ",";
        api::append_json_string(out, endpoint);
    }
    out += plan.is_described_first ? R"(],"two_stage":true})" : R"(],"two_stage":false})";
}

void append_plan(std::string& out, const plan_report& plan) {
    out += R"({"profile":)";
    api::append_json_string(out, plan.profile);
    out += R"(,"strategy":)";
    api::append_json_string(out, plan.strategy);
    out += R"(,"estimated_tokens":)";
    api::append_json_number(out, plan.estimated_tokens);
    out += R"(,"max_cost_usd":)" + (plan.limit ? base::to_usd(*plan.limit) : std::string("null"));
    if (!plan.route.empty()) {
        append_route(out, plan);
    }
    out += R"(,"calls":[)";
    for (const auto& call : plan.calls) {
        out += &call == &plan.calls.front() ? "" : ",";
        append_call(out, call);
    }
    out += R"(],"ceiling_usd":)" + base::to_usd(plan.ceiling) + R"(,"refusal":)";
    if (plan.refusal) {
        out += R"({"status":)";
        api::append_json_number(out, plan.refusal->http_status());
        out += R"(,"code":)";
        api::append_json_string(out, plan.refusal->code());
        out += R"(,"message":)";
        api::append_json_string(out, plan.refusal->message);
        out += '}';
    } else {
        out += "null";
    }
    out += '}';
}

}  // namespace

std::string to_json(const plan_report& plan) {
    std::string out;
    append_plan(out, plan);
    return out + '\n';
}

std::string to_text(const plan_report& plan) {
    std::string out(plan.profile);
    out.append(" (").append(plan.strategy).append("), a request of about ");
    out += std::to_string(plan.estimated_tokens) + " tokens";
    out +=
        plan.limit ? ", max_cost_usd " + base::to_usd(*plan.limit) + "\n\n" : ", no cost limit\n\n";
    if (!plan.route.empty()) {
        append_route_line(out, plan);
    }
    append_left(out, "role", role_width);
    append_left(out, "upstream", name_width);
    for (const auto* title : {"prompt", "answer", "window", "seconds"}) {
        append_right(out, title, count_width);
    }
    append_right(out, "USD at most", price_width);
    out += '\n';
    for (const auto& call : plan.calls) {
        append_line(out, call, 0);
    }
    out += "\nall together cost at most " + base::to_usd(plan.ceiling) + " USD\n";
    if (plan.refusal) {
        out += "refused: " + std::to_string(plan.refusal->http_status()) + ' ';
        out.append(plan.refusal->code()).append(": ").append(plan.refusal->message).append("\n");
    }
    return out;
}

}  // namespace meta_model::dispatch
