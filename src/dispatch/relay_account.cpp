#include "dispatch/relay_account.hpp"

#include "api/json_text.hpp"
#include "api/wire_words.hpp"
#include "dispatch/draft_reply.hpp"

#include <chrono>

namespace meta_model::dispatch {

relay_account::relay_account(
    request_context& context,
    const upstream::upstream_state& upstream,
    std::int64_t sent_tokens,
    std::int64_t most_output
)
    : context_(context),
      upstream_(upstream),
      line_(context.ledger.open(upstream.config.key, leg_role::relay)),
      sent_tokens_(sent_tokens),
      most_output_(most_output) {
}

void relay_account::close(
    const std::optional<api::token_usage>& usage, std::size_t content_bytes, std::string_view state
) {
    line_.state = state;
    line_.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - context_.start
    );
    price(
        line_,
        {.reported = usage ? &*usage : nullptr,
         .was_billed = true,
         .sent_tokens = sent_tokens_,
         .received_bytes = content_bytes,
         .most_output = most_output_},
        upstream_.config.pricing
    );
}

void relay_account::close(std::string_view usage, std::size_t content_bytes) {
    api::token_usage read;
    const bool is_told =
        usage.starts_with('{') && api::read_usage_of(context_.request.shape().kind, usage, read);
    close(is_told ? std::optional(std::move(read)) : std::nullopt, content_bytes);
}

std::string relay_account::with_books(std::string_view last_event) const {
    if (!context_.request.is_chat()) {
        const auto kind = context_.request.shape().kind;
        return api::with_extension(kind, last_event, reply_extension(context_));
    }
    std::string out = R"(data: {"id":)";
    api::append_json_string(out, context_.request_id);
    out += R"(,"object":"chat.completion.chunk","created":)";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    api::append_json_number(out, std::chrono::duration_cast<std::chrono::seconds>(now).count());
    out += R"(,"model":)";
    api::append_json_string(out, context_.reply_model());
    out += R"(,"choices":[],"x_meta_model":)";
    out += reply_extension(context_);
    out += "}\n\n";
    return out += last_event;
}

}  // namespace meta_model::dispatch
