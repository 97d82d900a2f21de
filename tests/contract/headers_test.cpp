// Row 170 and what else every reply carries.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

TEST(headers, moa_170_every_strategy_tells_its_prompt) {
    panel p;
    const gateway_process gateway(p.config()
                                      .passthrough("fast.v1", "a")
                                      .cascade("steps.v1", {"a", "b"})
                                      .voting("vote.v1", {"a", "b"})
                                      .raw("[features]\nvoting = true"));

    for (const char* model : {panel_name, "fast.v1", "steps.v1", "vote.v1", "a"}) {
        const auto reply = chat(gateway, say(model));
        EXPECT_EQ(reply.header("X-MetaModel-Profile"), model);
        for (const char* name :
             {"X-MetaModel-Compacted-N",
              "X-MetaModel-Prompt-Tokens-In",
              "X-MetaModel-Prompt-Tokens-Out",
              "X-MetaModel-Tools-Tokens"}) {
            ASSERT_TRUE(reply.has(name)) << model << " " << name;
            EXPECT_GE(std::stoi(reply.header(name)), 0);
        }
    }
}

TEST(headers, an_uncompacted_prompt_goes_out_as_large_as_it_came_in) {
    panel p;
    const gateway_process gateway(p.config());
    const json tool = {
        {"type", "function"}, {"function", {{"name", "f"}, {"parameters", json::object()}}}
    };

    const auto reply =
        chat(gateway, with(say(panel_name, "hello world"), {{"tools", json::array({tool})}}));

    EXPECT_GT(std::stoi(reply.header("X-MetaModel-Prompt-Tokens-In")), 0);
    EXPECT_EQ(
        reply.header("X-MetaModel-Prompt-Tokens-Out"), reply.header("X-MetaModel-Prompt-Tokens-In")
    );
    EXPECT_EQ(reply.header("X-MetaModel-Compacted-N"), "0");
    EXPECT_GT(std::stoi(reply.header("X-MetaModel-Tools-Tokens")), 64);
}

TEST(headers, failed_panels_still_name_their_profile_and_prompt) {
    panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, reset_at_once());
    }
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.status, 502);
    EXPECT_TRUE(reply.has("X-MetaModel-Prompt-Tokens-In"));
    EXPECT_TRUE(reply.has("X-MetaModel-Tools-Tokens"));
    EXPECT_TRUE(reply.has("X-MetaModel-Request-Id"));
}

TEST(headers, every_reply_has_ids_and_a_date_free_of_the_upstreams) {
    panel p;
    const gateway_process gateway(p.config());

    for (const char* path :
         {"/v1/models", "/v1/health", "/livez", "/nothing", "/v1/metrics/moa", "/metrics"}) {
        const auto reply = get(gateway, path);
        EXPECT_EQ(reply.header("X-MetaModel-Request-Id").rfind("metamodel-", 0), 0u) << path;
        EXPECT_EQ(count_headers(reply.headers, "Content-Length"), 1u) << path;
    }
}

}  // namespace

}  // namespace meta_model::contract
