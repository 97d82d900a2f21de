// What translating between wires costs: CPU time of a 20 KB history and of a stream's chunk, in a process of its own.
//
//     cost_of_translation
//
// Gates: 200 us for a history, 4 us for a chunk. Prints a table; exit code 0 whatever the figures are.
#include "api/anthropic_request.hpp"
#include "api/anthropic_stream.hpp"
#include "api/completions_wire.hpp"
#include "api/messages_request.hpp"
#include "api/messages_stream.hpp"
#include "api/responses_request.hpp"
#include "api/responses_stream.hpp"
#include "api/sse_events.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

namespace meta_model::api {
namespace {

constexpr double history_gate_us = 200;
constexpr double chunk_gate_us = 4;
constexpr std::size_t history_bytes = 20'000;
constexpr int chunks = 200;

double cpu_us() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// The best of several runs: what the code costs when nothing else gets in its way.
double cost_us(const std::function<std::size_t()>& translate) {
    constexpr int runs = 9;
    constexpr double run_us = 20'000;
    double best = 1e9;
    std::size_t bytes = 0;
    for (int run = 0; run < runs; ++run) {
        const auto begin = cpu_us();
        int times = 0;
        do {
            bytes += translate();
            ++times;
        } while (cpu_us() - begin < run_us);
        best = std::min(best, (cpu_us() - begin) / times);
    }
    return bytes == 0 ? -1 : best;  // what was written must not be optimised away
}

void show(const char* name, double us, double gate_us) {
    std::printf(
        "%-48s %8.2f us  gate %5.0f us  %s\n", name, us, gate_us, us <= gate_us ? "met" : "over"
    );
}

// --- What is translated

// Code as models write it: an escape every dozen bytes.
constexpr std::string_view text =
    R"(for (int i = 0; i < n; ++i) {\n    std::cout << \"line \" << i << '\\n';\n}\n\nThat is all there is to it. )";

// Messages of a conversation with calls, `history_bytes` long.
std::string chat_messages() {
    std::string out;
    for (int turn = 0; out.size() < history_bytes; ++turn) {
        const auto id = std::to_string(turn);
        out += out.empty() ? "" : ",";
        out.append(R"({"role":"user","content":")").append(text).append(text).append("\"},");
        out.append(R"({"role":"assistant","content":")")
            .append(text)
            .append(R"(","tool_calls":[{"id":"call_)");
        out.append(id).append(
            R"(","type":"function","function":{"name":"read","arguments":"{\"path\":\"a.cpp\"}"}}]},)"
        );
        out.append(R"({"role":"tool","tool_call_id":"call_)").append(id).append(R"(","content":")");
        out.append(text).append("\"}");
    }
    return out;
}

std::string chat_body() {
    return R"({"model":"m","stream":true,"max_tokens":500,"messages":[)" + chat_messages()
           + R"(],"tools":[{"type":"function","function":{"name":"read","parameters":{"type":"object"}}}]})";
}

std::string messages_body() {
    std::string out =
        R"({"model":"m","max_tokens":500,"tools":[{"name":"read","input_schema":{"type":"object"}}],"messages":[)";
    out.append(R"({"role":"user","content":")").append(text).append("\"}");
    for (int turn = 0; out.size() < history_bytes; ++turn) {
        const auto id = std::to_string(turn);
        out.append(R"(,{"role":"assistant","content":[{"type":"thinking","thinking":")")
            .append(text);
        out.append(R"(","signature":"c2lnbmF0dXJl"},{"type":"tool_use","id":"t)").append(id);
        out.append(
            R"(","name":"read","input":{"path":"a.cpp"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t)"
        );
        out.append(id).append(R"(","content":")").append(text).append(text).append("\"}]}");
    }
    return out + "]}";
}

std::string responses_body() {
    std::string out =
        R"({"model":"m","tools":[{"type":"function","name":"read","parameters":{"type":"object"}}],"input":[)";
    out.append(R"({"role":"user","content":")").append(text).append("\"}");
    for (int turn = 0; out.size() < history_bytes; ++turn) {
        const auto id = std::to_string(turn);
        out.append(
               R"(,{"type":"message","role":"assistant","content":[{"type":"output_text","text":")"
        )
            .append(text);
        out.append(R"("}]},{"type":"function_call","call_id":"c)").append(id);
        out.append(
            R"(","name":"read","arguments":"{\"path\":\"a.cpp\"}"},{"type":"function_call_output","call_id":"c)"
        );
        out.append(id).append(R"(","output":")").append(text).append(text).append("\"}");
    }
    return out + "]}";
}

std::string completion_body() {
    std::string out = R"({"model":"m","max_tokens":500,"prompt":")";
    while (out.size() < history_bytes) {
        out += text;
    }
    return out + "\"}";
}

std::vector<std::string> chat_events() {
    std::vector<std::string> out;
    for (int i = 0; i < chunks; ++i) {
        out.push_back(
            R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"content":" word)"
            + std::to_string(i) + "\"},\"finish_reason\":null}]}\n\n"
        );
    }
    return out;
}

std::string messages_stream() {
    std::string out =
        "event: message_start\ndata: "
        R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":9,"output_tokens":1}}})"
        "\n\nevent: content_block_start\ndata: "
        R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
        "\n\n";
    for (int i = 0; i < chunks; ++i) {
        out +=
            "event: content_block_delta\ndata: "
            R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word)"
            + std::to_string(i) + "\"}}\n\n";
    }
    return out;
}

// --- The translations

void measure_histories() {
    const auto chat = chat_body();
    messages_options options;
    options.max_output = 4096;
    show(
        "chat to Messages, history of 20 KB",
        cost_us([&] {
            std::string out;
            messages_request facts;
            write_messages_request(chat, options, out, facts);
            return out.size();
        }),
        history_gate_us
    );
    const auto completion = completion_body();
    show(
        "completion to chat, prompt of 20 KB",
        cost_us([&] { return chat_of_completion(completion, 64)->size(); }),
        history_gate_us
    );
    const auto messages = messages_body();
    show(
        "Messages to chat, history of 20 KB",
        cost_us([&] { return chat_of_messages(messages, 64)->size(); }),
        history_gate_us
    );
    const auto response = responses_body();
    show(
        "response to chat, history of 20 KB",
        cost_us([&] {
            responses_request request;
            const bool is_read = static_cast<bool>(request.parse(response, 64));
            return is_read ? request.chat(response_history{})->size() + request.facts().id.size()
                           : 0;
        }),
        history_gate_us
    );
}

// Of a chat's stream, by what the client's wire translates it with.
void measure_replies(
    const char* name, const std::function<std::unique_ptr<reply_translator>()>& make
) {
    const auto events = chat_events();
    const auto us = cost_us([&] {
        const auto replies = make();
        std::string out;
        for (const auto& event : events) {
            out.clear();
            replies->take_event(event, out);
        }
        return out.size();
    });
    show(name, us / chunks, chunk_gate_us);
}

void measure_chunks() {
    const auto stream = messages_stream();
    const auto us = cost_us([&] {
        anthropic_stream reader("m", 5, true);
        std::string out;
        reader.feed(stream, out);
        return out.size();
    });
    show("Messages stream to chat, each event", us / chunks, chunk_gate_us);
    measure_replies("chat stream to completions, each event", [] {
        return std::make_unique<completion_translator>();
    });
    measure_replies("chat stream to Messages, each event", [] {
        return std::make_unique<messages_translator>("request");
    });
    measure_replies("chat stream to responses, each event", [] {
        return std::make_unique<response_translator>(response_facts{});
    });
}

}  // namespace
}  // namespace meta_model::api

int main() {
    meta_model::api::measure_histories();
    meta_model::api::measure_chunks();
}
