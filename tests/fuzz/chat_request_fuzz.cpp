// The walk over a chat request accepts only JSON, sees in it what a JSON library sees, and the body that goes upstream
// is the request with exactly the changes that the configuration asks for (spec §7.5, §7.6).
#include "api/chat_request.hpp"
#include "api/tool_fields.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"
#include "upstream/prepare.hpp"

#include <array>

namespace meta_model::upstream {
namespace {

using fuzz::expect;
using fuzz::json;
using fuzz::opinion;

constexpr int max_depth = 128;
constexpr std::array<std::string_view, 6> role_names{
    "system", "user", "assistant", "tool", "developer", "function"
};

config::upstream plain_upstream() {
    config::upstream u;
    u.model_id = "org/mod\"el\n";
    return u;
}

config::upstream openai_upstream() {
    auto u = plain_upstream();
    u.request_overrides = {{"seed", "7"}, {"user", R"({"a":[1,2]})"}, {"temperature", "0.5"}};
    u.openai.emplace();
    u.openai->reasoning_effort = "low";
    u.openai->max_tokens_param = config::max_tokens_name::max_completion_tokens;
    u.openai->drop_params = {"top_p", "temperature", "stop"};
    return u;
}

config::upstream system_first_upstream() {
    auto u = plain_upstream();
    u.requires_leading_system_only = true;
    u.supports_thinking = true;
    u.chat_template_kwargs = R"({"enable_thinking":true})";
    return u;
}

body_changes ensemble_changes() {
    body_changes changes;
    changes.members = {
        {"stream", "true"}, {"n", std::nullopt}, {"tools", std::nullopt}, {"temperature", "0.25"}
    };
    changes.leading_message = R"({"role":"system","content":"lead"})";
    changes.trailing_message = R"({"role":"user","content":"trail"})";
    return changes;
}

bool is_text(const json& value, std::string_view text) {
    return value.is_string() && value.get_ref<const std::string&>() == text;
}

void demote(json& message) {
    const std::string mark = "[SYSTEM]: ";
    const json bare = "[SYSTEM]:";
    message["role"] = "user";
    auto& content = message["content"];
    if (content.is_null()) {
        content = bare;
    } else if (content.is_string()) {
        content = mark + content.get<std::string>();
    } else {
        const auto first = std::ranges::find_if(content, [](const json& part) {
            return part.value("type", json()) == "text" && part.value("text", json()).is_string();
        });
        if (first == content.end()) {
            content.insert(content.begin(), json{{"type", "text"}, {"text", bare}});
        } else {
            (*first)["text"] = mark + (*first)["text"].get<std::string>();
        }
    }
}

bool is_empty_list(const json& value) {
    return value.is_array() && value.empty();
}

// Legacy fields take their successors' place, and empty lists go. Null is the same as nothing.
void modernise_tools(json& body) {
    for (const auto* key : {"tools", "functions"}) {
        if (is_empty_list(body.value(key, json()))) {
            body.erase(key);
        }
    }
    if (body.value("functions", json()).is_array()) {
        json tools = json::array();
        for (const auto& function : body["functions"]) {
            tools.push_back({{"type", "function"}, {"function", function}});
        }
        body.erase("functions");
        body["tools"] = tools;
    }
    if (const auto call = body.value("function_call", json()); !call.is_null()) {
        body.erase("function_call");
        const json forced = {{"name", call.is_object() ? call.value("name", json()) : json()}};
        body["tool_choice"] =
            call.is_object() ? json{{"type", "function"}, {"function", forced}} : call;
    }
}

// What prepared_body promises, done to the document.
json changed(json body, const config::upstream& u, const body_changes& changes) {
    body.erase("x_meta_model");
    modernise_tools(body);
    for (const auto& [key, value] : changes.members) {
        body.erase(std::string(key));
        if (value) {
            body[std::string(key)] = fuzz::document_of(*value);
        }
    }
    for (const auto& [key, value] : u.request_overrides) {
        body[key] = fuzz::document_of(value);
    }
    if (u.openai) {
        body["reasoning_effort"] = u.openai->reasoning_effort;
        if (body.contains("max_tokens")) {
            // One of the two may be null: then it is the one that gives way.
            if (body.value("max_completion_tokens", json()).is_null()) {
                body["max_completion_tokens"] = body["max_tokens"];
            }
            body.erase("max_tokens");
        }
        for (const auto& name : u.openai->drop_params) {
            body.erase(name);
        }
    }
    body.erase("chat_template_kwargs");
    if (!u.chat_template_kwargs.empty()) {
        body["chat_template_kwargs"] = fuzz::document_of(u.chat_template_kwargs);
    }
    body["model"] = u.model_id;
    auto& messages = body["messages"];
    for (std::size_t i = 0; u.requires_leading_system_only && i < messages.size(); ++i) {
        const bool may_lead = i == 0 && changes.leading_message.empty();
        if (messages[i]["role"] == "system" && !may_lead) {
            demote(messages[i]);
        }
    }
    if (!changes.leading_message.empty()) {
        messages.insert(messages.begin(), fuzz::document_of(changes.leading_message));
    }
    if (!changes.trailing_message.empty()) {
        messages.push_back(fuzz::document_of(changes.trailing_message));
    }
    return body;
}

void check_prepared(
    const api::chat_request& request,
    const json& body,
    const config::upstream& u,
    const body_changes& changes
) {
    prepared_body prepared;
    prepared.prepare(request, u, changes);
    std::string text;
    for (const auto piece : prepared.pieces()) {
        text += piece;
    }
    expect(text.size() == api::total_size(prepared.pieces()), "the size is that of the pieces");
    const auto sent = fuzz::document_of(text);
    expect(!sent.is_discarded(), "what is sent is JSON");
    expect(
        sent == changed(body, u, changes),
        "what is sent is the request with the changes that were asked for"
    );
}

void check_view(const api::chat_request& request, const json& body) {
    expect(body.is_object(), "a request is an object");
    expect(is_text(body.at("model"), request.model()), "the model is read");
    expect(request.stream() == (body.value("stream", json()) == true), "stream is read");
    const auto options = body.value("stream_options", json());
    const bool wants_usage = options.is_object() && options.value("include_usage", json()) == true;
    expect(request.include_usage() == wants_usage, "include_usage is read");
    const auto envelope = body.value("x_meta_model", json());
    if (envelope.is_object()) {
        const auto profile = envelope.value("profile", json());
        expect(
            is_text(profile.is_string() ? profile : json(""), request.envelope().profile),
            "the profile is read"
        );
        expect(
            request.envelope().trace == (envelope.value("trace", json()) == true), "trace is read"
        );
        expect(
            request.envelope().progress == (envelope.value("progress", json()) == true),
            "progress is read"
        );
    }
    const auto& messages = body.at("messages");
    expect(request.messages().size() == messages.size(), "every message is seen");
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const auto& m = request.messages()[i];
        expect(fuzz::document_of(m.raw) == messages[i], "a message is where it stands");
        expect(
            is_text(messages[i].at("role"), role_names.at(static_cast<std::size_t>(m.role))),
            "a role is read"
        );
        const auto content = messages[i].value("content", json());
        expect(
            content.is_null() || fuzz::document_of(m.content) == content,
            "the content is where it stands"
        );
    }
    for (const auto& m : request.members()) {
        const auto* const found = request.find_any(m.key);
        expect(found != nullptr && body.contains(std::string(m.key)), "a member can be found");
    }
}

void check_refusal(std::string_view text, const base::error& e) {
    const bool is_about_json = e.id == base::error_code_id::invalid_json;
    const bool is_unusual = e.message.find("deep") != std::string::npos || !e.param.empty();
    if (!is_about_json || is_unusual) {
        return;
    }
    const auto verdict = fuzz::judge_json(text);
    const bool is_object = verdict == opinion::valid && fuzz::document_of(text).is_object();
    expect(!is_object, "a JSON object is not called invalid");
}

void run(std::string_view text) {
    api::chat_request request;
    const auto parsed = request.parse(text, max_depth);
    if (!parsed) {
        check_refusal(text, parsed.error());
        return;
    }
    const auto verdict = fuzz::judge_json(text);
    expect(verdict != opinion::invalid, "what is accepted is JSON");
    const auto body = verdict == opinion::valid ? fuzz::document_of(text) : json();
    if (verdict == opinion::valid) {
        check_view(request, body);
    }
    if (verdict == opinion::valid && api::judge_legacy_tools(request)) {
        const auto ensemble = ensemble_changes();
        for (const auto& u : {plain_upstream(), openai_upstream(), system_first_upstream()}) {
            check_prepared(request, body, u, {});
            check_prepared(request, body, u, ensemble);
        }
    }
    const std::string name(request.requested_name());
    request.release();
    expect(request.requested_name() == name, "the name outlives the body");
}

}  // namespace
}  // namespace meta_model::upstream

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::upstream::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
