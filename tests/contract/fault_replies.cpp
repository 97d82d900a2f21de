#include "contract/fault_replies.hpp"

namespace meta_model::contract {

namespace {

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

}  // namespace

step ending(step_kind kind) {
    return {kind, {}, 0ms, nullptr};
}

step sending(std::string bytes) {
    return {step_kind::send, std::move(bytes), 0ms, nullptr};
}

std::string chunked_head(const recorded_request& request) {
    return http_head(200, type_for(request), {{"Transfer-Encoding", "chunked"}});
}

reply head_then(step_kind kind) {
    return [=](const recorded_request& request) {
        // The pause lets the head be read before a reset throws away what was not.
        return script{sending(chunked_head(request)), pausing(50ms), ending(kind)};
    };
}

reply half_then(step_kind kind) {
    return [=](const recorded_request& request) {
        auto steps = ok(fault_text)(request);
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

reply half_in_chunks(half_end end) {
    return [=](const recorded_request& request) {
        const auto payload = payload_of(ok(fault_text), request);
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

reply wrong_length(stated_length which) {
    return [=](const recorded_request& request) {
        const auto payload = payload_of(ok(fault_text), request);
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

reply drip(bool is_head_whole) {
    return [=](const recorded_request& request) {
        const auto bytes = all_bytes(ok(fault_text)(request));
        const auto start = is_head_whole ? bytes.find("\r\n\r\n") + 4 : 1;
        script out{sending(bytes.substr(0, start))};
        for (auto at = start; at < bytes.size(); ++at) {
            out.push_back(pausing(20ms));
            out.push_back(sending(bytes.substr(at, 1)));
        }
        return out;
    };
}

reply finished_but_open() {
    return [](const recorded_request& request) {
        answer what;
        what.message["content"] = fault_text;
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
    what.message["content"] = fault_text;
    what.sends_done = false;
    return complete(what);
}

std::string content_event(const std::string& content) {
    return R"({"id":"x","choices":[{"index":0,"delta":{"content":")" + content + R"("}}]})";
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

json coded_error(const std::string& code) {
    return {{"error", {{"message", "not now"}, {"type", "x"}, {"param", nullptr}, {"code", code}}}};
}

}  // namespace meta_model::contract
