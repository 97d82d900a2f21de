// What Anthropic's Messages API answers, for tests whose upstream speaks it.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

inline constexpr auto anthropic_lines = "protocol = \"anthropic\"\napi_key = \"sk-ant-1\"\n";

json text_block(const std::string& text);
json tool_use(const std::string& id, const std::string& name, const json& input = json::object());

struct anthropic_message {
    json content = json::array();
    std::string stop_reason = "end_turn";
    json usage = {{"input_tokens", 11}, {"output_tokens", 7}};
    json stop_details = nullptr;
};

// The message as JSON, or, asked with `"stream":true`, as the events that the API writes.
reply anthropic_answer(anthropic_message what);
reply anthropic_text(const std::string& text);

// These events, each under its own name, in one body.
reply anthropic_events(const std::vector<json>& events);
std::vector<json> events_of(const anthropic_message& what);

reply anthropic_error(
    int status, const std::string& type, const std::string& message, header_list headers = {}
);

json call_of(const std::string& id, const std::string& name, const std::string& arguments);
json weather_tool();
// A body for upstream `a`.
json ask(const json& messages, const json& more = json::object());

// Upstream `a` speaks the Messages API and says "hello".
class anthropic_upstream : public testing::Test {
protected:
    fake_upstream models{};

    config_text config(const std::string& block = "", const std::string& lines = "") {
        config_text out(models);
        const auto table = block.empty() ? "" : "[upstreams.a.anthropic]\n" + block;
        out.upstream("a", anthropic_lines + lines + table);
        return out;
    }

    // What the upstream was sent for `body`.
    json sent(const gateway_process& gateway, const json& body) {
        const auto reply = chat(gateway, body);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return models.last_request("a").json;
    }

    void SetUp() override { models.on("a", anthropic_text("hello")); }
};

}  // namespace meta_model::contract
