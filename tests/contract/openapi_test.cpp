// The OpenAPI document says what live replies are like, and what requests are taken.
#include "contract/contract_test.hpp"

#include <algorithm>
#include <cmath>
#include <regex>

namespace meta_model::contract {

namespace {

struct call {
    std::string method;
    std::string path;  // as in the document
    std::string target;
    json body{};
};

// The part of JSON Schema that the document uses.
class checker {
public:
    explicit checker(const json& document) : document_(document) {}

    bool fits(const json& schema, const json& value) const {
        for (const auto& [word, rule] : schema.items()) {
            if (!holds(word, rule, schema, value)) {
                return false;
            }
        }
        return true;
    }

private:
    static bool is_of(const std::string& type, const json& value) {
        const bool is_whole = value.is_number() && value == std::floor(value.get<double>());
        return (type == "object" && value.is_object()) || (type == "array" && value.is_array())
               || (type == "string" && value.is_string()) || (type == "null" && value.is_null())
               || (type == "boolean" && value.is_boolean())
               || (type == "number" && value.is_number()) || (type == "integer" && is_whole);
    }

    bool has_members(const json& rules, const json& value) const {
        for (const auto& [name, rule] : rules.items()) {
            if (value.is_object() && value.contains(name) && !fits(rule, value[name])) {
                return false;
            }
        }
        return true;
    }

    bool holds(const std::string& word, const json& rule, const json& schema, const json& value)
        const {
        const auto any = [](const json& list, const auto& is) {
            return std::any_of(list.begin(), list.end(), is);
        };
        if (word == "$ref") {
            return fits(document_.at(json::json_pointer(rule.get<std::string>().substr(1))), value);
        }
        if (word == "type") {
            const auto types = rule.is_array() ? rule : json::array({rule});
            return any(types, [&](const json& type) { return is_of(type, value); });
        }
        if (word == "properties") {
            return has_members(rule, value);
        }
        if (word == "required") {
            return !value.is_object() || !any(rule, [&](const json& name) {
                return !value.contains(name.get<std::string>());
            });
        }
        if (word == "items") {
            return !value.is_array()
                   || !any(value, [&](const json& item) { return !fits(rule, item); });
        }
        if (word == "anyOf") {
            return any(rule, [&](const json& one) { return fits(one, value); });
        }
        if (word == "enum") {
            return any(rule, [&](const json& one) { return one == value; });
        }
        if (word == "pattern") {
            return !value.is_string()
                   || std::regex_search(
                       value.get<std::string>(), std::regex(rule.get<std::string>())
                   );
        }
        if (word == "minLength") {
            return !value.is_string() || value.get<std::string>().size() >= rule.get<std::size_t>();
        }
        if (word == "const") {
            return value == rule;
        }
        if (word == "minimum" || word == "maximum") {
            return !value.is_number() || (word == "minimum" ? value >= rule : value <= rule);
        }
        if (word != "additionalProperties") {
            ADD_FAILURE() << "a word that this checker does not know: " << word << schema;
            return false;
        }
        return rule == true || !any(value, [&](const json& one) { return !fits(rule, one); });
    }

    const json& document_;
};

const std::vector<call> calls_to_all{
    {"post", "/v1/chat/completions", "/v1/chat/completions", say("sim")},
    {"post", "/v1/completions", "/v1/completions", {{"model", "sim"}, {"prompt", "Once"}}},
    {"post", "/v1/responses", "/v1/responses", {{"model", "sim"}, {"input", "Once"}}},
    {"post",
     "/v1/responses/input_tokens",
     "/v1/responses/input_tokens",
     {{"model", "sim"}, {"input", "Once"}}},
    {"post", "/v1/embeddings", "/v1/embeddings", {{"model", "sim"}, {"input", {"a", "b"}}}},
    {"post",
     "/v1/rerank",
     "/v1/rerank",
     {{"model", "sim"}, {"query", "a"}, {"documents", {"a", "b"}}, {"top_n", 1}}},
    {"post", "/v1/moderations", "/v1/moderations", {{"model", "sim"}, {"input", "a"}}},
    {"post", "/tokenize", "/tokenize", {{"model", "sim"}, {"prompt", "a"}}},
    {"post",
     "/v1/messages",
     "/v1/messages",
     {{"model", "sim"}, {"max_tokens", 9}, {"messages", {{{"role", "user"}, {"content", "a"}}}}}},
    {"post",
     "/v1/messages/count_tokens",
     "/v1/messages/count_tokens",
     {{"model", "sim"}, {"messages", {{{"role", "user"}, {"content", "a"}}}}}},
    {"get", "/v1/models", "/v1/models"},
    {"get", "/v1/models/{id}", "/v1/models/sim"},
    {"get", "/v1/health", "/v1/health"},
    {"get", "/health", "/health"},
    {"get", "/livez", "/livez"},
};

class openapi : public testing::Test {
protected:
    http_reply ask(const call& c, const json& body) const {
        return c.method == "get"
                   ? get(gateway, c.target)
                   : fetch(
                         gateway.port(),
                         {"POST", c.target, {{"Content-Type", "application/json"}}, body.dump()}
                     );
    }

    json operation(const call& c) const { return document["paths"][c.path][c.method]; }

    bool fits(const json& schema, const json& instance) const {
        return checker(document).fits(schema, instance);
    }

    json reply_schema(const call& c, const std::string& status) const {
        return operation(c)["responses"][status]["content"]["application/json"]["schema"];
    }

    config_text simulated() const {
        config_text out(models);
        out.raw(
            "[upstreams.sim]\nprotocol = \"test\"\nmodel_id = \"sim\"\ncontext = 8192\n"
            "max_output = 512\n[upstreams.sim.test]\nfirst_token_ms = 1\nchunk_ms = 1\n"
        );
        return out;
    }

    fake_upstream models;
    gateway_process gateway{simulated()};
    json document = get(gateway, "/openapi.json").json();
};

TEST_F(openapi, it_lists_what_is_served) {
    EXPECT_EQ(document["openapi"], "3.1.0");
    for (const auto& c : calls_to_all) {
        EXPECT_TRUE(operation(c).is_object()) << c.path;
    }
    EXPECT_EQ(operation(calls_to_all.back())["security"], json::array());
    EXPECT_FALSE(operation(calls_to_all.front()).contains("security"));
}

TEST_F(openapi, live_replies_are_as_it_says) {
    for (const auto& c : calls_to_all) {
        const auto reply = ask(c, c.body);
        EXPECT_EQ(reply.status, 200) << c.path << reply.body;
        EXPECT_TRUE(fits(reply_schema(c, "200"), reply.json())) << c.path << reply.body;
        const json nothing = {{"tokens", "none of it"}};
        EXPECT_FALSE(fits(reply_schema(c, "200"), nothing)) << c.path;
        if (c.method == "post") {
            const auto refused = ask(c, json::object());
            EXPECT_EQ(refused.status, 400) << c.path;
            EXPECT_TRUE(fits(reply_schema(c, "default"), refused.json())) << refused.body;
        }
    }
}

TEST_F(openapi, chunks_of_a_chat_are_as_it_says) {
    const auto content = operation(calls_to_all.front())["responses"]["200"]["content"];
    const auto schema = content["text/event-stream"]["x-event-schema"];
    const json wishes = {
        {"stream_options", {{"include_usage", true}}}, {"x_meta_model", {{"trace", true}}}
    };

    const auto streamed = stream(gateway, with(say_streamed("sim"), wishes));

    ASSERT_TRUE(streamed.has_done()) << streamed.head.body;
    const auto chunks = streamed.chunks();
    ASSERT_GT(chunks.size(), 3u);
    for (const auto& chunk : chunks) {
        EXPECT_TRUE(fits(schema, chunk)) << chunk;
    }
    EXPECT_FALSE(fits(schema, chat(gateway, say("sim")).json()));
    EXPECT_FALSE(fits(schema, with(chunks[0], {{"choices", {{{"index", 0}}}}})));
}

TEST_F(openapi, what_anthropic_clients_are_shown_is_as_it_says) {
    for (const call& c :
         {call{"get", "/v1/models", "/v1/models"}, call{"get", "/v1/models/{id}", "/v1/models/sim"}
         }) {
        const auto reply = get(gateway, c.target, {{"anthropic-version", "2023-06-01"}});
        EXPECT_EQ(reply.status, 200);
        const auto schemas = reply_schema(c, "200")["anyOf"];
        ASSERT_EQ(schemas.size(), 2u);
        EXPECT_FALSE(fits(schemas[0], reply.json())) << reply.body;
        EXPECT_TRUE(fits(schemas[1], reply.json())) << reply.body;
        EXPECT_FALSE(fits(schemas[1], get(gateway, c.target).json()));
        const auto errors = reply_schema(c, "default")["anyOf"];
        const auto unknown =
            get(gateway, "/v1/models/none", {{"anthropic-version", "2023-06-01"}}).json();
        EXPECT_FALSE(fits(errors[0], unknown)) << unknown;
        EXPECT_TRUE(fits(errors[1], unknown)) << unknown;
    }
}

TEST_F(openapi, the_books_of_profiles_are_as_it_says) {
    const call c{"get", "/v1/metrics/moa", "/v1/metrics/moa"};
    const auto schema = reply_schema(c, "200");
    const gateway_process with_profile(simulated().cascade("steps.v1", {"sim"}));
    EXPECT_TRUE(fits(schema, get(with_profile, c.target).json())) << "nothing was served yet";
    EXPECT_EQ(chat(with_profile, say("steps.v1")).status, 200);

    const auto books = get(with_profile, c.target).json();

    EXPECT_TRUE(fits(schema, books)) << books;
    ASSERT_TRUE(books["profiles"].contains("steps.v1")) << books;
    auto broken = books;
    broken["profiles"]["steps.v1"].erase("calls");
    EXPECT_FALSE(fits(schema, broken)) << "each profile is looked at";
}

TEST_F(openapi, stored_responses_are_as_it_says) {
    const json body = {{"model", "sim"}, {"input", "Once"}, {"background", true}};
    const call create{"post", "/v1/responses", "/v1/responses", body};
    const auto begun = ask(create, body);
    EXPECT_TRUE(fits(reply_schema(create, "200"), begun.json())) << begun.body;
    const auto target = "/v1/responses/" + begun.json()["id"].get<std::string>();
    for (const auto& [method, rest, status] :
         {std::tuple{"POST", "/cancel", 200},
          std::tuple{"GET", "", 200},
          std::tuple{"GET", "/input_items", 200},
          std::tuple{"DELETE", "", 200},
          std::tuple{"GET", "/input_items", 404}}) {
        const call c{support::lower_case(method), "/v1/responses/{id}" + std::string(rest), {}};
        const auto reply = fetch(gateway.port(), {method, target + rest, {}, ""});
        // One that has ended before it could be cancelled is an error of the same document.
        const bool is_late = reply.status == 400 && method == std::string_view("POST");
        EXPECT_TRUE(reply.status == status || is_late) << reply.body;
        const auto schema = reply_schema(c, reply.status == 200 ? "200" : "default");
        EXPECT_TRUE(fits(schema, reply.json())) << c.path << reply.body;
        EXPECT_FALSE(fits(schema, json::object())) << c.path;
        EXPECT_EQ(operation(c)["parameters"][0]["name"], "id");
    }
}

TEST_F(openapi, requests_are_refused_as_it_says) {
    const std::vector<json> changes{
        {{"model", 5}},
        {{"model", ""}},
        {{"stream", "yes"}},
        {{"temperature", 3}},
        {{"top_p", -1}},
        {{"max_tokens", 0}},
        {{"n", 1.5}},
        {{"input", 5}},
        {{"dimensions", 0}},
        {{"query", nullptr}},
        {{"documents", "a"}},
        {{"top_n", 0}},
        {{"top_logprobs", 21}},
        {{"max_output_tokens", 0}},
        {{"instructions", 5}},
        {{"reasoning", "high"}},
        {{"prompt", 5}},
        {{"x_meta_model", "a"}},
        {{"unknown", 5}},
    };
    int refused = 0;
    for (const auto& c : calls_to_all) {
        if (c.method == "get") {
            continue;
        }
        const auto schema = operation(c)["requestBody"]["content"]["application/json"]["schema"];
        EXPECT_TRUE(fits(schema, c.body)) << c.path;
        for (const auto& change : changes) {
            const auto body = with(c.body, change);
            if (!fits(schema, body)) {
                EXPECT_EQ(ask(c, body).status, 400) << c.path << body;
                ++refused;
            } else if (c.path != "/v1/completions" && !c.path.starts_with("/v1/responses")) {
                EXPECT_EQ(ask(c, body).status, 200) << c.path << body;
            }
        }
    }
    EXPECT_GT(refused, 20);
}

}  // namespace

}  // namespace meta_model::contract
