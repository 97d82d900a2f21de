#include "contract/fault_table.hpp"

#include "contract/fault_replies.hpp"

#include <stdexcept>

namespace meta_model::contract {

namespace {

const std::string short_limits = "first_byte_secs = 0.3\nfirst_token_secs = 0.3\nidle_secs = 0.3";

expected_outcome fails(int status, std::string code) {
    return {outcome_kind::fails, status, std::move(code)};
}

expected_outcome breaks(std::string code) {
    return {outcome_kind::breaks, 200, std::move(code)};
}

// Faults that end the call before a client could see a byte, in every role.
fault lost(
    std::string name,
    reply serves,
    expected_outcome seen,
    std::vector<std::string> leg_reasons,
    std::string limits = {},
    milliseconds answered_by = 0ms
) {
    fault out;
    out.name = std::move(name);
    out.serves = std::move(serves);
    out.whole = out.streamed = std::move(seen);
    out.leg_reasons = std::move(leg_reasons);
    out.limits = std::move(limits);
    out.answered_by = answered_by;
    return out;
}

// Whole replies that are read to their end and refused for what they hold.
fault refused(std::string name, reply serves, expected_outcome seen, std::string leg_reason) {
    auto out = lost(std::move(name), std::move(serves), std::move(seen), {std::move(leg_reason)});
    out.connection = after_reply::may_reuse;
    return out;
}

// Faults behind the first words of a stream.
fault broken(
    std::string name,
    reply serves,
    expected_outcome whole,
    std::string streamed_code,
    std::vector<std::string> leg_reasons,
    std::string limits = {},
    milliseconds answered_by = 0ms
) {
    auto out = lost(
        std::move(name),
        std::move(serves),
        std::move(whole),
        std::move(leg_reasons),
        std::move(limits),
        answered_by
    );
    out.streamed = breaks(std::move(streamed_code));
    return out;
}

// What looks odd and must still be understood.
fault odd(std::string name, reply serves, after_reply connection, std::string shown = fault_text) {
    fault out;
    out.name = std::move(name);
    out.serves = std::move(serves);
    out.connection = connection;
    out.text = std::move(shown);
    return out;
}

// Streams whatever was asked for; who asked for none gets an error.
fault events(std::string name, std::vector<std::string> data, std::string shown) {
    auto out = odd(std::move(name), sse(std::move(data)), after_reply::may_reuse, std::move(shown));
    out.whole = fails(502, "upstream_protocol_error");
    return out;
}

void add_connection_faults(std::vector<fault>& out) {
    const auto unreachable = fails(502, "upstream_error");
    const auto late = fails(504, "upstream_timeout");
    out.push_back(lost("refuse", nullptr, unreachable, {"transport"}));
    out.push_back(lost("close_before_head", close_at_once(), unreachable, {"transport"}));
    out.push_back(lost("reset_before_head", reset_at_once(), unreachable, {"transport"}));
    out.push_back(lost("reset_after_head", head_then(step_kind::reset), unreachable, {"cut"}));
    out.push_back(lost("close_after_head", head_then(step_kind::close), unreachable, {"cut"}));
    out.push_back(broken(
        "reset_in_the_middle", half_then(step_kind::reset), unreachable, "upstream_error", {"cut"}
    ));
    out.push_back(lost("hang_before_head", hang(), late, {"timeout"}, short_limits, 300ms));
    out.push_back(
        lost("hang_after_head", head_then(step_kind::hang), late, {"timeout"}, short_limits, 350ms)
    );
    out.push_back(broken(
        "hang_in_the_middle",
        half_then(step_kind::hang),
        late,
        "upstream_timeout",
        {"timeout"},
        short_limits,
        350ms
    ));
    out.push_back(lost("drip_of_the_head", drip(false), late, {"timeout"}, short_limits, 300ms));
    out.push_back(lost("drip_of_the_body", drip(true), late, {"timeout"}, "total_secs = 0.5", 500ms)
    );
    auto early = refused("early_reply", early_refusal(), fails(413, "too_much"), "non_2xx");
    early.prompt_bytes = 6u << 20;  // more than the sockets hold
    early.is_early = true;
    early.is_callers_mistake = true;
    early.connection = after_reply::must_not_reuse;
    out.push_back(std::move(early));
}

void add_framing_faults(std::vector<fault>& out) {
    const auto unreadable = fails(502, "upstream_error");
    const auto no_completion = fails(502, "upstream_protocol_error");
    out.push_back(broken(
        "cut_inside_a_chunk",
        half_in_chunks(half_end::inside_chunk),
        unreadable,
        "upstream_error",
        {"cut"}
    ));
    out.push_back(broken(
        "cut_without_chunk_end",
        half_in_chunks(half_end::between_chunks),
        unreadable,
        "upstream_error",
        {"cut"}
    ));
    out.push_back(broken(
        "cut_with_chunk_end",
        half_in_chunks(half_end::last_chunk),
        no_completion,
        "upstream_error",
        {"cut"}
    ));
    // A stream that said [DONE] is complete, whatever its length promised.
    auto too_long =
        odd("length_too_long", wrong_length(stated_length::too_long), after_reply::must_not_reuse);
    too_long.whole = unreadable;
    out.push_back(std::move(too_long));
    out.push_back(broken(
        "length_too_short",
        wrong_length(stated_length::too_short),
        no_completion,
        "upstream_error",
        {"cut"}
    ));
    out.push_back(
        odd("surplus_bytes",
            followed_by("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ok(fault_text)),
            after_reply::must_not_reuse)
    );
    out.push_back(lost("garbage_head", garbage(), unreadable, {"transport"}));
    out.push_back(lost(
        "endless_head",
        raw("HTTP/1.1 200 OK\r\nX: " + std::string(200000, 'x')),
        unreadable,
        {"transport"}
    ));
    out.push_back(lost("http_0_9", raw(R"({"id":"x","choices":[]})"), unreadable, {"transport"}));
    out.push_back(lost(
        "two_lengths",
        raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
        unreadable,
        {"transport"}
    ));
    const auto bad_chunk = [](const recorded_request& request) {
        return script{
            sending(chunked_head(request) + "zz\r\n{}\r\n0\r\n\r\n"), ending(step_kind::close)
        };
    };
    out.push_back(lost("malformed_chunk", bad_chunk, unreadable, {"transport"}));
    const std::string hints =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n";
    out.push_back(odd("interim_replies", preceded_by(hints, ok(fault_text)), after_reply::may_reuse)
    );
    out.push_back(
        lost("endless_interim_replies", raw(repeated(hints, 100)), unreadable, {"transport"})
    );
    out.push_back(lost(
        "switching_protocols",
        raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        unreadable,
        {"transport"}
    ));
    out.push_back(
        odd("one_byte_at_a_time", in_pieces(1, 0ms, ok(fault_text)), after_reply::may_reuse)
    );
}

void add_status_faults(std::vector<fault>& out) {
    out.push_back(refused(
        "redirect",
        json_reply(307, {{"a", 1}}, {{"Location", "http://127.0.0.1:1/"}}),
        fails(502, "upstream_error"),
        "non_2xx"
    ));
    out.push_back(refused(
        "status_401",
        json_reply(401, coded_error("bad_key")),
        fails(502, "upstream_auth_failed"),
        "non_2xx"
    ));
    out.push_back(refused(
        "status_429", json_reply(429, coded_error("slow_down")), fails(429, "slow_down"), "non_2xx"
    ));
    auto patient = refused(
        "status_429_with_retry_after",
        json_reply(429, coded_error("slow_down"), {{"Retry-After", "7"}}),
        fails(429, "slow_down"),
        "non_2xx"
    );
    patient.retry_after = "7";
    out.push_back(std::move(patient));
    auto page = refused(
        "status_503_as_html",
        text_reply(503, "text/html", "<h1>"),
        fails(503, "upstream_error"),
        "non_2xx"
    );
    page.retry_after = "1";  // every 503 of the gateway's own making carries one
    out.push_back(std::move(page));
}

void add_body_faults(std::vector<fault>& out) {
    const auto no_completion = fails(502, "upstream_protocol_error");
    out.push_back(refused("gzip_unasked", encoded(1), no_completion, "non_json"));
    out.push_back(refused("gzip_bomb", encoded(40000), no_completion, "non_json"));
    out.back().connection = out[out.size() - 2].connection = after_reply::must_not_reuse;
    out.push_back(refused("html_with_200", html(), no_completion, "non_json"));
    out.push_back(refused("json_array", json_array(), no_completion, "non_json"));
    out.push_back(
        refused("empty_body", text_reply(200, "application/json", ""), no_completion, "non_json")
    );
    out.push_back(refused(
        "cut_json",
        text_reply(200, "application/json", R"({"choices":[)"),
        no_completion,
        "non_json"
    ));
    out.push_back(refused(
        "invalid_utf8",
        text_reply(
            200,
            "application/json",
            "{\"choices\":[{\"message\":{\"content\":\"a\xff\"},\"finish_reason\":\"stop\"}]}"
        ),
        no_completion,
        "non_json"
    ));
    out.push_back(refused(
        "error_object_in_200",
        json_reply(200, coded_error("no")),
        fails(502, "upstream_error"),
        "non_2xx"
    ));
    out.push_back(
        odd("line_ends_in_text",
            ok("one\r\n\r\ndata: [DONE]\r\n\r\ntwo"),
            after_reply::may_reuse,
            "one\r\n\r\ndata: [DONE]\r\n\r\ntwo")
    );
    answer named;
    named.message["content"] = fault_text;
    named.model = "m\r\nX-Injected: 1";
    named.id = "x\r\nX-Injected: 1\r\n\r\n";
    out.push_back(odd("line_ends_in_names", complete(named), after_reply::may_reuse));
}

void add_event_faults(std::vector<fault>& out) {
    const auto no_completion = fails(502, "upstream_protocol_error");
    out.push_back(lost(
        "line_of_8_megabytes",
        sse({content_event(std::string(8u << 20, 'x')), finish_event, "[DONE]"}),
        no_completion,
        {"too_large"}
    ));
    out.push_back(events(
        "malformed_event",
        {content_event("one"), "{broken", content_event(" two"), finish_event, "[DONE]"},
        "one two"
    ));
    out.push_back(events(
        "invalid_utf8_in_an_event",
        {content_event("one"),
         content_event("\xff\xfe"),
         content_event(" two"),
         finish_event,
         "[DONE]"},
        "one two"
    ));
    auto nothing =
        lost("no_valid_event", sse({"{broken", "[DONE]"}), no_completion, {"cut", "unusable"});
    nothing.streamed = fails(502, "upstream_error");
    nothing.connection = after_reply::may_reuse;
    out.push_back(std::move(nothing));
    out.push_back(odd("no_done", without_done(), after_reply::may_reuse));
    auto open = odd("no_done_and_no_end", finished_but_open(), after_reply::must_not_reuse);
    open.answered_by = 1000ms;
    out.push_back(std::move(open));
    out.push_back(broken(
        "finish_missing",
        paced(40ms, sse({content_event("one")})),
        no_completion,
        "upstream_error",
        {"cut"}
    ));
    out.back().text = "one two";
    out.back().connection = after_reply::may_reuse;
    auto first = lost(
        "error_event_first", sse({coded_error("no").dump(), "[DONE]"}), no_completion, {"non_2xx"}
    );
    first.streamed = fails(502, "upstream_error");
    first.connection = after_reply::may_reuse;
    out.push_back(std::move(first));
    out.push_back(broken(
        "error_event_behind_text",
        paced(40ms, sse({content_event("one"), coded_error("no").dump()})),
        no_completion,
        "no",
        {"non_2xx"}
    ));
    out.back().text = "one two";
    out.back().connection = after_reply::may_reuse;
}

}  // namespace

const std::vector<fault>& fault_table() {
    static const auto all = [] {
        std::vector<fault> out;
        add_connection_faults(out);
        add_framing_faults(out);
        add_status_faults(out);
        add_body_faults(out);
        add_event_faults(out);
        return out;
    }();
    return all;
}

const fault& fault_named(const std::string& name) {
    for (const auto& each : fault_table()) {
        if (each.name == name) {
            return each;
        }
    }
    throw std::invalid_argument("no such fault: " + name);
}

}  // namespace meta_model::contract
