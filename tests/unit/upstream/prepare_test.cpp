#include "upstream/prepare.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace meta_model::upstream {
namespace {

using nlohmann::json;

constexpr std::string_view messages = R"("messages":[{"role":"user","content":"hi"}])";

config::upstream upstream_with(config::openai_options options = {}) {
    config::upstream u;
    u.model_id = "real";
    u.openai = std::move(options);
    return u;
}

std::string prepared(
    const std::string& body, const config::upstream& u, const body_changes& changes = {}
) {
    api::chat_request request;
    EXPECT_TRUE(request.parse(body, 64)) << body;
    prepared_body out;
    out.prepare(request, u, changes);
    std::string text;
    for (const auto piece : out.pieces()) {
        text += piece;
    }
    EXPECT_TRUE(json::accept(text)) << text;
    return text;
}

std::string request_with(std::string_view members) {
    return R"({"model":"m",)" + std::string(messages) + ',' + std::string(members) + '}';
}

TEST(prepare, only_the_model_changes_without_settings) {
    EXPECT_EQ(
        prepared(
            R"({ "model" : "m", )" + std::string(messages) + R"(, "x":1.500 } )", upstream_with()
        ),
        R"({ "model" : "real", )" + std::string(messages) + R"(, "x":1.500 } )"
    );
}

TEST(prepare, members_go_with_their_commas) {
    for (const auto* body :
         {R"({"x_meta_model":{},"model":"m",M})",
          R"({"model":"m","x_meta_model":null,M})",
          R"({"model":"m",M , "x_meta_model":{} , "chat_template_kwargs":{} })"}) {
        std::string text = body;
        text.replace(text.find('M'), 1, messages);
        const auto sent = json::parse(prepared(text, upstream_with()), nullptr, false);
        EXPECT_EQ(sent.size(), 2u) << body;
        EXPECT_EQ(sent.at("model"), "real") << body;
    }
}

TEST(prepare, a_renamed_budget_is_given_once_and_null_gives_way) {
    const auto u =
        upstream_with({.max_tokens_param = config::max_tokens_name::max_completion_tokens});
    for (const auto* members :
         {R"("max_tokens":5)",
          R"("max_tokens":5,"max_completion_tokens":null)",
          R"("max_completion_tokens":null,"max_tokens":5)",
          R"("max_tokens":null,"max_completion_tokens":5)",
          R"("max_completion_tokens":5,"max_tokens":null)",
          R"("max_completion_tokens":5)"}) {
        const auto text = prepared(request_with(members), u);
        const auto sent = json::parse(text, nullptr, false);
        EXPECT_EQ(sent.at("max_completion_tokens"), 5) << text;
        EXPECT_EQ(text.find("max_completion_tokens"), text.rfind("max_completion_tokens")) << text;
        EXPECT_FALSE(sent.contains("max_tokens")) << text;
    }
}

TEST(prepare, an_override_replaces_every_copy_of_a_member) {
    auto u = upstream_with();
    u.request_overrides = {{"seed", "7"}, {"user", R"({"a":1})"}};
    const auto text = prepared(request_with(R"("seed":1,"top_p":1,"seed":2)"), u);
    EXPECT_EQ(text, request_with(R"("seed":7,"top_p":1,"user":{"a":1})").replace(10, 1, "real"));
}

}  // namespace
}  // namespace meta_model::upstream
