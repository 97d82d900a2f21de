#include "dispatch/conversation.hpp"

#include "api/json_text.hpp"

#include <map>

namespace meta_model::dispatch {

namespace {

using api::role;

constexpr std::string_view placeholder_text = "The result of this call is not available.";
constexpr std::size_t none = std::string_view::npos;

bool is_system(role r) {
    return r == role::system || r == role::developer;
}

// What a raw JSON string, with its quotes, stands for; itself where that is no Unicode text.
std::string text_of(std::string_view raw) {
    std::string text;
    return api::append_unescaped(text, raw.substr(1, raw.size() - 2)) ? text : std::string(raw);
}

class reader {
public:
    reader(const api::chat_request& request, media_set hidden)
        : source_(request.messages()), hidden_(hidden) {}

    conversation read() {
        measure();
        match_results();
        strip_end();
        build_chunks();
        return std::move(out_);
    }

private:
    void measure() {
        out_.messages.resize(source_.size());
        for (std::size_t i = 0; i < source_.size(); ++i) {
            auto& m = out_.messages[i];
            m.shape = shape_of(source_[i], hidden_);
            m.tokens = estimate_message_tokens(m.shape);
            out_.tokens_in += m.tokens;
        }
    }

    // Finds the calls that each result belongs to; what belongs to none goes.
    void match_results() {
        group_.assign(source_.size(), none);
        std::size_t caller = none;
        for (std::size_t i = 0; i < source_.size(); ++i) {
            const auto r = source_[i].role;
            if (r == role::tool) {
                if (caller != none && answer(out_.messages[i].shape.result_of)) {
                    group_[i] = caller;
                } else {
                    remove(i);
                }
                continue;
            }
            if (r == role::function && caller != none
                && out_.messages[caller].shape.has_function_call) {
                group_[i] = caller;
                continue;
            }
            add_placeholders(caller);
            caller = none;
            if (r == role::assistant && !out_.messages[i].shape.calls.empty()) {
                caller = i;
                expect_results(out_.messages[i].shape.calls);
            }
        }
        add_placeholders(caller);
    }

    void expect_results(const std::vector<call_shape>& calls) {
        is_answered_.clear();
        for (const auto& call : calls) {
            if (!call.id.empty()) {
                is_answered_.emplace(text_of(call.id), false);
            }
        }
    }

    bool answer(std::string_view id) {
        const auto call = id.empty() ? is_answered_.end() : is_answered_.find(text_of(id));
        if (call == is_answered_.end()) {
            return false;
        }
        call->second = true;
        return true;
    }

    void add_placeholders(std::size_t caller) {
        if (caller == none) {
            return;
        }
        auto& m = out_.messages[caller];
        for (const auto& call : m.shape.calls) {
            if (call.id.empty() || is_answered_[text_of(call.id)]) {
                continue;
            }
            auto& json = m.placeholders;
            json.append(R"(,{"role":"tool","tool_call_id":)").append(call.id);
            if (!call.name.empty()) {
                json.append(R"(,"name":)").append(call.name);
            }
            json.append(R"(,"content":")").append(placeholder_text).append("\"}");
            m.placeholder_tokens += estimate_plain_message(4, placeholder_text.size());
            out_.is_clean = false;
        }
    }

    void remove(std::size_t i) {
        out_.messages[i].is_removed = true;
        out_.is_clean = false;
    }

    // An assistant's text at the end would have to be continued, which several models cannot do together.
    void strip_end() {
        for (auto i = source_.size(); i-- > 0;) {
            if (out_.messages[i].is_removed) {
                continue;
            }
            if (source_[i].role != role::assistant || !out_.messages[i].shape.calls.empty()) {
                break;
            }
            remove(i);
        }
    }

    void build_chunks() {
        bool is_start = true;
        bool has_essential = false;
        for (std::size_t i = 0; i < source_.size(); ++i) {
            const auto& m = out_.messages[i];
            if (m.is_removed) {
                continue;
            }
            const auto tokens = m.tokens + m.placeholder_tokens;
            out_.tokens += tokens;
            if (group_[i] != none) {
                out_.chunks.back().tokens += tokens;
                out_.chunks.back().last = i + 1;
                continue;
            }
            const bool system = is_system(source_[i].role);
            conversation::chunk c{.first = i, .last = i + 1, .tokens = tokens};
            c.is_essential = system && (is_start || !has_essential);
            c.is_user = source_[i].role == role::user;
            has_essential = has_essential || system;
            is_start = is_start && system;
            out_.chunks.push_back(c);
        }
    }

    const std::vector<api::request_message>& source_;
    const media_set hidden_;
    conversation out_;
    std::vector<std::size_t> group_;           // of a result: the message with its call
    std::map<std::string, bool> is_answered_;  // by id, of the calls that are being looked at
};

}  // namespace

conversation read_conversation(const api::chat_request& request, media_set hidden) {
    return reader(request, hidden).read();
}

std::optional<std::int64_t> estimate_simple_conversation(const api::chat_request& request) {
    const auto& messages = request.messages();
    if (messages.empty() || messages.back().role == role::assistant) {
        return std::nullopt;
    }
    std::int64_t tokens = 0;
    for (const auto& m : messages) {
        const bool may_be_part_of_a_call = m.role == role::tool || m.role == role::function
                                           || (m.role == role::assistant && !is_plain(m));
        if (may_be_part_of_a_call) {
            return std::nullopt;
        }
        tokens += estimate_message_tokens(shape_of(m));
    }
    return tokens;
}

}  // namespace meta_model::dispatch
