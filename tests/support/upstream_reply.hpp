// What a fake upstream does with one request: a script of sends, pauses and ends, made by small composable functions.
#pragma once

#include "support/http_message.hpp"
#include "support/tls_server.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::support {

using nlohmann::json;
using std::chrono::milliseconds;

// One request as the fake upstream saw it.
struct recorded_request {
    std::string upstream{};  // from /u/<name>/…
    std::string method{};
    std::string target{};
    header_list headers{};
    std::string body{};
    nlohmann::json json{};  // parsed body; discarded value when it is not JSON or above 8 MiB
    std::uint64_t connection = 0;  // counts from 1
    tls_facts tls{};               // of an https upstream
    std::chrono::steady_clock::time_point received{};
    std::optional<std::chrono::steady_clock::time_point> replied{};  // the script ran to its end
    std::optional<std::chrono::steady_clock::time_point> peer_closed{
    };  // the caller left before that

    std::string header(std::string_view name) const { return header_value(headers, name); }
    bool wants_stream() const;
    bool wants_usage() const;
};

// Holds scripts back until the test opens it.
class gate {
public:
    void open() { is_open_ = true; }
    bool is_open() const { return is_open_; }

private:
    std::atomic<bool> is_open_{false};
};

using shared_gate = std::shared_ptr<gate>;
inline shared_gate make_gate() {
    return std::make_shared<gate>();
}

// `cut` closes without the goodbye of TLS; `close` says it. `flood` sends its bytes again and again until the peer leaves.
enum class step_kind { send, flood, pause, hold, hang, close, cut, reset };

struct step {
    step_kind kind = step_kind::send;
    std::string bytes{};
    milliseconds duration{0};
    shared_gate until{};
};

using script = std::vector<step>;
using reply = std::function<script(const recorded_request&)>;

// ---- whole replies -------------------------------------------------------------------------------------------------

// A chat completion. Asked with `"stream":true` it comes as SSE chunks, else as JSON.
struct answer {
    nlohmann::json message = {{"role", "assistant"}, {"content", ""}};
    std::string finish = "stop";
    std::string id = "chatcmpl-upstream";
    std::string model{};  // empty: what the request named
    nlohmann::json usage = {{"prompt_tokens", 11}, {"completion_tokens", 7}, {"total_tokens", 18}};
    bool sends_done = true;
    bool always_json = false;  // even when a stream was asked for
};

reply complete(answer what);
// Several choices of one call; of a stream an event of each in turn. The rest is the first one's.
reply complete_choices(std::vector<answer> all);
reply ok(std::string text);
reply ok_as_json(std::string text);
reply calls(std::string name, std::string arguments = "{}");
reply with_reasoning(std::string text, std::string reasoning);

reply json_reply(int status, nlohmann::json body, header_list headers = {});
reply text_reply(int status, std::string content_type, std::string body, header_list headers = {});
reply html();
reply json_array();
// Complete SSE reply: each item becomes one `data:` event in its own chunk.
reply sse(std::vector<std::string> data_of_events);
// Goes on until nobody takes it any more: events with 16,000 characters each, or one JSON body.
reply endless();
reply closed_delimited(std::string content_type, std::string body);
// Exactly these bytes, then the connection is closed.
reply raw(std::string bytes);
reply garbage();
reply hang();
reply close_at_once();
reply reset_at_once();
// These bytes, then the connection ends as if a wire had been cut: for TLS without its goodbye.
reply raw_then_cut(std::string bytes);
// Answers GET …/models.
reply model_list(std::vector<std::string> ids);

// ---- changes to a reply --------------------------------------------------------------------------------------------

reply delayed(milliseconds before_head, reply inner);
reply held(shared_gate until, reply inner);
// The gate stands after the first `sends` writes (the head is one, each chunk is one).
reply held_after(std::size_t sends, shared_gate until, reply inner);
reply paced(milliseconds between_sends, reply inner);
reply in_pieces(std::size_t size, milliseconds between, reply inner);
reply cut_after(std::size_t bytes, reply inner);
reply cut_after_sends(std::size_t sends, reply inner);
reply reset_after_sends(std::size_t sends, reply inner);
reply hang_after_sends(std::size_t sends, reply inner);
// Puts these bytes before the head (1xx replies) or after the body (surplus, in the same write as its end).
reply preceded_by(std::string bytes, reply inner);
reply followed_by(std::string bytes, reply inner);

std::string http_head(int status, std::string_view content_type, const header_list& more);

}  // namespace meta_model::support
