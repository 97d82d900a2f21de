#include "chat_request.hpp"

namespace meta_model::bench {

namespace {

constexpr std::string_view prose =
    "Could you look at the café's \"summer menu\" once more? The Größe column is off by one,\n"
    "and the naïve total says 12,50 € where I count 13,75 €. The path is C:\\menus\\2024.\n\n"
    "Thanks — and please keep the tone as it was: short, friendly, no exclamation marks.\n";

constexpr std::string_view code = R"code(static int parse_line(const char *line, record *out) {
    char name[64], kind[16];
    if (sscanf(line, "%63s\t%15s", name, kind) != 2) {
        fprintf(stderr, "bad line: \"%s\"\n", line);
        return -1;
    }
    out->name = strdup(name);
    out->is_code = !strcmp(kind, "code");
    for (const char *p = line; *p; ++p) {
        if (*p == '\\' || *p == '"')
            out->escapes++;
    }
    return 0;
}

def main(argv):
    with open(argv["path"], "r", encoding="utf-8") as file:
        for row in csv.reader(file, delimiter="\t"):
            print("%s\n" % row[0], end="")

)code";

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\t': out += "\\t"; return;
        default: out += c;
    }
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) append_escaped(out, c);
    return out;
}

std::string message(std::string_view role, std::string_view escaped_content) {
    std::string out = R"({"role":")";
    out += role;
    out += R"(","content":")";
    out += escaped_content;
    out += "\"}";
    return out;
}

// Turns of one text each, as many as fit into `room` bytes.
std::string turns(conversation_text text, std::size_t room) {
    const std::string escaped_prose = escaped(prose);
    const std::string escaped_code = escaped(code);
    std::string out;
    for (std::size_t turn = 0;; ++turn) {
        const bool is_code = text == conversation_text::code || turn % 3 == 2;
        const auto role = turn % 2 == 0 ? "user" : "assistant";
        const std::string next = message(role, is_code ? escaped_code : escaped_prose) + ',';
        if (out.size() + next.size() > room) return out;
        out += next;
    }
}

}  // namespace

std::string chat_body(const chat_request_options& options) {
    std::string head = R"({"model":")" + options.model + R"(","temperature":0.7,"messages":[)";
    head += message("system", "You are a helpful assistant.") + ',';
    std::string tail = R"(],"max_tokens":256)";
    tail += options.stream ? R"(,"stream":true})" : "}";
    const std::string shortest_question = message("user", "Go on.");

    const std::size_t frame = head.size() + tail.size() + shortest_question.size();
    const std::size_t room = options.body_bytes > frame ? options.body_bytes - frame : 0;
    const std::string history = turns(options.text, room);
    const std::string padding(room - history.size(), 'o');
    return head + history + message("user", "Go on." + padding) + tail;
}

std::string chat_request(const chat_request_options& options) {
    const std::string body = chat_body(options);
    std::string request = "POST " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    if (!options.token.empty()) request += "Authorization: Bearer " + options.token + "\r\n";
    request += options.header_lines;
    // What an official client sends along.
    request +=
        "User-Agent: OpenAI/Python 1.40.0\r\nAccept: application/json\r\n"
        "Accept-Encoding: gzip, deflate\r\nContent-Type: application/json\r\n"
        "X-Stainless-Lang: python\r\nX-Stainless-Package-Version: 1.40.0\r\nContent-Length: ";
    request += std::to_string(body.size());
    request += "\r\n\r\n";
    request += body;
    return request;
}

}  // namespace meta_model::bench
