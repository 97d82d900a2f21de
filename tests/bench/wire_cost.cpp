// What translations between wires cost: CPU time of a request with a history of about 20 KB, and of one chunk of a stream. To
// be built with optimisation; the figures are the least of many rounds.
#include "api/anthropic_request.hpp"
#include "api/completions_wire.hpp"
#include "api/messages_request.hpp"
#include "api/messages_stream.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace {

using namespace meta_model::api;

double cpu_us() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

template <class F>
double least_us(int rounds, F f) {
    double least = 1e9;
    for (int i = 0; i < rounds; ++i) {
        const auto start = cpu_us();
        f();
        least = std::min(least, cpu_us() - start);
    }
    return least;
}

// Source code as models see it: an escape every few bytes.
std::string code(std::size_t bytes) {
    constexpr std::string_view line = R"(    if (x == \"a\") {\n\treturn y[0] + 1;\n    }\n)";
    std::string out;
    while (out.size() < bytes) {
        out += line;
    }
    return out;
}

std::string history() {
    std::string out =
        R"({"model":"m","max_tokens":1000,"stream":true,"system":"Be brief.","tools":[{"name":"read","input_schema":{"type":"object","properties":{"path":{"type":"string"}}}}],"messages":[{"role":"user","content":"Start."})";
    for (int i = 0; i < 10; ++i) {
        const auto id = std::to_string(i);
        out +=
            R"(,{"role":"assistant","content":[{"type":"thinking","thinking":")" + code(300)
            + R"(","signature":"c2lnbmF0dXJl"},{"type":"text","text":"Reading."},{"type":"tool_use","id":"t)"
            + id + R"(","name":"read","input":{"path":"src/a.cpp"}}]})";
        out += R"(,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t)" + id
               + R"(","content":")" + code(1400) + R"("}]})";
    }
    return out + "]}";
}

std::vector<std::string> chunks(int count) {
    const std::string head =
        R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":)";
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) {
        out.push_back(
            head + R"({"content":" token)" + std::to_string(i) + R"("},"finish_reason":null}]})"
            + "\n\n"
        );
    }
    return out;
}

template <class Translator>
double per_chunk(Translator make) {
    constexpr int count = 1000;
    const auto stream = chunks(count);
    return least_us(
               50,
               [&] {
                   auto replies = make();
                   std::string out;
                   for (const auto& one : stream) {
                       out.clear();
                       replies.take_event(one, out);
                   }
               }
           )
           / count;
}

}  // namespace

int main() {
    const auto body = history();
    const auto chat = chat_of_messages(body, 128);
    if (!chat) {
        std::fprintf(stderr, "%s\n", chat.error().message.c_str());
        return 1;
    }
    const messages_options options{.max_output = 4000};
    std::printf("history_bytes %zu\n", body.size());
    std::printf("messages_to_chat_us %.1f\n", least_us(500, [&] {
                    static_cast<void>(chat_of_messages(body, 128));
                }));
    std::printf("chat_to_anthropic_us %.1f\n", least_us(500, [&] {
                    std::string out;
                    messages_request facts;
                    write_messages_request(*chat, options, out, facts);
                }));
    std::printf("messages_chunk_us %.2f\n", per_chunk([] {
                    return messages_translator("request");
                }));
    std::printf("completions_chunk_us %.2f\n", per_chunk([] { return completion_translator(); }));
    return 0;
}
