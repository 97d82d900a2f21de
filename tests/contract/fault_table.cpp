#include "contract/fault_table.hpp"

#include <stdexcept>

namespace meta_model::contract {

namespace {

const std::string text = "alpha beta gamma";
const std::string short_limits = "first_byte_secs = 0.3\nfirst_token_secs = 0.3\nidle_secs = 0.3";

expected_outcome fails(int status, std::string code) {
    return {outcome_kind::fails, status, std::move(code)};
}

expected_outcome breaks(std::string code) {
    return {outcome_kind::breaks, 200, std::move(code)};
}

step ending(step_kind kind) {
    return {kind, {}, 0ms, nullptr};
}

step sending(std::string bytes) {
    return {step_kind::send, std::move(bytes), 0ms, nullptr};
}

step pausing(milliseconds duration) {
    return {step_kind::pause, {}, duration, nullptr};
}

std::string all_bytes(const script& steps) {
    std::string out;
    for (const auto& each : steps) {
        out += each.bytes;
    }
    return out;
}

// A reply's body without its framing.
std::string payload_of(const reply& inner, const recorded_request& request) {
    auto bytes = all_bytes(inner(request));
    const auto head = take_head(bytes);
    if (!has_header(head->headers, "Transfer-Encoding")) {
        return bytes;
    }
    chunk_reader chunks;
    return chunks.take(bytes);
}

std::string type_for(const recorded_request& request) {
    return request.wants_stream() ? "text/event-stream" : "application/json";
}

std::string chunked_head(const recorded_request& request) {
    return http_head(200, type_for(request), {{"Transfer-Encoding", "chunked"}});
}

// The head, then `kind`.
reply head_then(step_kind kind) {
    return [=](const recorded_request& request) {
        // The pause lets the head be read before a reset throws away what was not.
        return script{sending(chunked_head(request)), pausing(50ms), ending(kind)};
    };
}

// About half of the answer, then `kind`.
reply half_then(step_kind kind) {
    return [=](const recorded_request& request) {
        auto steps = ok(text)(request);
        if (steps.size() == 1) {
            steps.front().bytes.resize(steps.front().bytes.size() - 40);
        } else {
            steps.resize(3);  // head, role, "alpha"
        }
        steps.push_back(pausing(50ms));
        steps.push_back(ending(kind));
        return steps;
    };
}

enum class half_end { inside_chunk, between_chunks, last_chunk };

// Half of the answer in chunks, then the end of the connection.
reply half_in_chunks(half_end end) {
    return [=](const recorded_request& request) {
        const auto payload = payload_of(ok(text), request);
        // Behind the event with the first word, or in the middle of the JSON.
        const auto half = request.wants_stream() ? payload.find("\n\n", payload.find("alpha")) + 2
                                                 : payload.size() / 2;
        auto bytes = chunked_head(request) + as_chunk(payload.substr(0, half));
        if (end == half_end::inside_chunk) {
            bytes += "40\r\ndata: {";
        } else if (end == half_end::last_chunk) {
            bytes += last_chunk;
        }
        return script{sending(bytes), ending(step_kind::close)};
    };
}

enum class stated_length { too_long, too_short };

reply wrong_length(stated_length which) {
    return [=](const recorded_request& request) {
        const auto payload = payload_of(ok(text), request);
        const bool is_long = which == stated_length::too_long;
        const auto half = request.wants_stream() ? payload.find("\n\n", payload.find("alpha")) + 2
                                                 : payload.size() / 2;
        const auto length = is_long ? payload.size() + 50 : half;
        script out{sending(
            http_head(200, type_for(request), {{"Content-Length", std::to_string(length)}})
            + payload
        )};
        if (is_long) {
            out.push_back(ending(step_kind::close));
        }
        return out;
    };
}

// One byte each 20 ms, from the beginning or from behind the head.
reply drip(bool is_head_whole) {
    return [=](const recorded_request& request) {
        const auto bytes = all_bytes(ok(text)(request));
        const auto start = is_head_whole ? bytes.find("\r\n\r\n") + 4 : 1;
        script out{sending(bytes.substr(0, start))};
        for (auto at = start; at < bytes.size(); ++at) {
            out.push_back(pausing(20ms));
            out.push_back(sending(bytes.substr(at, 1)));
        }
        return out;
    };
}

// A finished answer without [DONE], and with no end of the body either.
reply finished_but_open() {
    return [](const recorded_request& request) {
        answer what;
        what.message["content"] = text;
        what.sends_done = false;
        auto steps = complete(what)(request);
        if (request.wants_stream()) {
            steps.pop_back();
        }
        steps.push_back(ending(request.wants_stream() ? step_kind::hang : step_kind::close));
        return steps;
    };
}

reply without_done() {
    answer what;
    what.message["content"] = text;
    what.sends_done = false;
    return complete(what);
}

std::string content_event(const std::string& content) {
    return R"({"id":"x","choices":[{"index":0,"delta":{"content":")" + content + R"("}}]})";
}

const std::string finish_event =
    R"({"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";

// Deflate's fixed code: one byte, then `repeats` times "258 bytes from one byte back". 13 bits make 258 bytes.
std::string gzip_bomb(std::size_t repeats) {
    std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    unsigned used = 0;
    const auto add_bit = [&](unsigned bit) {
        if (used % 8 == 0) {
            out += '\0';
        }
        out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) | bit << used % 8);
        ++used;
    };
    const auto add_code = [&](unsigned code, int length) {  // highest bit first
        for (int i = length - 1; i >= 0; --i) {
            add_bit(code >> i & 1u);
        }
    };
    add_bit(1);              // the last block
    add_bit(1), add_bit(0);  // fixed codes
    add_code(0x30 + '{', 8);
    for (std::size_t i = 0; i < repeats; ++i) {
        add_code(0xc5, 8);
        add_code(0, 5);
    }
    add_code(0, 7);
    return out + std::string(8, '\0');
}

reply encoded(std::size_t repeats) {
    return [=](const recorded_request& request) {
        const auto body = gzip_bomb(repeats);
        return script{sending(
            http_head(
                200,
                type_for(request),
                {{"Content-Encoding", "gzip"}, {"Content-Length", std::to_string(body.size())}}
            )
            + body
        )};
    };
}

reply early_refusal() {
    return [](const recorded_request& request) {
        auto steps =
            json_reply(413, {{"error", {{"message", "too much"}, {"code", "too_much"}}}})(request);
        steps.push_back(ending(step_kind::hang));
        return steps;
    };
}

std::string repeated(const std::string& bytes, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) {
        out += bytes;
    }
    return out;
}

json refusal(const std::string& code) {
    return {{"error", {{"message", "not now"}, {"type", "x"}, {"param", nullptr}, {"code", code}}}};
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
fault odd(std::string name, reply serves, after_reply connection, std::string shown = text) {
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
            followed_by("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ok(text)),
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
    out.push_back(odd("interim_replies", preceded_by(hints, ok(text)), after_reply::may_reuse));
    out.push_back(
        lost("endless_interim_replies", raw(repeated(hints, 100)), unreadable, {"transport"})
    );
    out.push_back(lost(
        "switching_protocols",
        raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        unreadable,
        {"transport"}
    ));
    out.push_back(odd("one_byte_at_a_time", in_pieces(1, 0ms, ok(text)), after_reply::may_reuse));
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
        json_reply(401, refusal("bad_key")),
        fails(502, "upstream_auth_failed"),
        "non_2xx"
    ));
    out.push_back(refused(
        "status_429", json_reply(429, refusal("slow_down")), fails(429, "slow_down"), "non_2xx"
    ));
    auto patient = refused(
        "status_429_with_retry_after",
        json_reply(429, refusal("slow_down"), {{"Retry-After", "7"}}),
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
        json_reply(200, refusal("no")),
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
    named.message["content"] = text;
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
    out.push_back(odd("no_done", without_done(), after_reply::may_reuse));
    auto open = odd("no_done_and_no_end", finished_but_open(), after_reply::must_not_reuse);
    open.answered_by = 1000ms;
    out.push_back(std::move(open));
    out.push_back(broken(
        "finish_missing", sse({content_event("one")}), no_completion, "upstream_error", {"cut"}
    ));
    out.back().connection = after_reply::may_reuse;
    auto first = lost(
        "error_event_first", sse({refusal("no").dump(), "[DONE]"}), no_completion, {"non_2xx"}
    );
    first.streamed = fails(502, "upstream_error");
    first.connection = after_reply::may_reuse;
    out.push_back(std::move(first));
    out.push_back(broken(
        "error_event_behind_text",
        sse({content_event("one"), refusal("no").dump()}),
        no_completion,
        "no",
        {"non_2xx"}
    ));
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
