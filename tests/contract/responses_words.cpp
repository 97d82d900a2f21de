#include "contract/responses_words.hpp"

#include <algorithm>
#include <map>

namespace meta_model::contract {

namespace {

const std::vector<std::string> final_types{
    "response.completed", "response.incomplete", "response.failed"
};

class grammar {
public:
    explicit grammar(response_stream& out) : out_(out) {}

    void take(const sse_event& event) {
        const auto data = event.json();
        const auto type = data.value("type", "");
        EXPECT_EQ(event.type, type);
        EXPECT_EQ(data.value("sequence_number", 0u), out_.events.size() + 1) << data;
        EXPECT_TRUE(out_.final_type.empty()) << "after the end: " << data;
        if (data.contains("response")) {
            take_response(type, data["response"]);
        } else if (type == "response.output_item.added") {
            EXPECT_EQ(data["output_index"], items_.size()) << data;
            EXPECT_EQ(data["item"]["status"], "in_progress");
            items_.push_back({data["item"]["id"], {}, {}, false});
        } else if (type == "response.output_item.done") {
            auto& item = at(data);
            EXPECT_EQ(data["item"]["id"], item.id);
            EXPECT_NE(data["item"]["status"], "in_progress");
            item.is_done = true;
            item.last = data["item"];
        } else {
            take_inner(type, data);
        }
        out_.events.push_back(data);
    }

    void end() {
        EXPECT_FALSE(out_.final_type.empty()) << "no final event";
        if (out_.final_type == "response.failed" || out_.final_type.empty()) {
            return;
        }
        const auto& output = out_.final_response["output"];
        ASSERT_EQ(output.size(), items_.size());
        for (std::size_t i = 0; i < items_.size(); ++i) {
            EXPECT_TRUE(items_[i].is_done) << output[i];
            EXPECT_EQ(items_[i].last, output[i]);
        }
    }

private:
    struct seen_item {
        std::string id;
        json last;
        std::map<std::string, std::string> texts;  // by the event's family and index
        bool is_done;
    };

    seen_item& at(const json& data) {
        const auto index = data.value("output_index", std::size_t{999});
        if (index >= items_.size()) {
            ADD_FAILURE() << "no such item: " << data;
            items_.resize(index + 1);
        }
        EXPECT_FALSE(items_[index].is_done) << "after its item's end: " << data;
        return items_[index];
    }

    void take_response(const std::string& type, const json& response) {
        if (response_id_.empty()) {
            response_id_ = response.value("id", "");
        }
        EXPECT_EQ(response["id"], response_id_);
        if (std::ranges::find(final_types, type) != final_types.end()) {
            out_.final_type = type;
            out_.final_response = response;
            EXPECT_EQ(type, "response." + response.value("status", ""));
        } else {
            EXPECT_EQ(response["output"], json::array());
            EXPECT_EQ(response["usage"], nullptr);
            EXPECT_EQ(response["incomplete_details"], nullptr);
        }
    }

    void take_inner(const std::string& type, const json& data) {
        auto& item = at(data);
        EXPECT_EQ(data["item_id"], item.id) << data;
        const auto dot = type.rfind('.');
        const auto family = type.substr(0, dot);
        const auto key =
            family + json(data.value("content_index", data.value("summary_index", 0))).dump();
        if (type.ends_with(".delta")) {
            item.texts[key] += data["delta"].get<std::string>();
        } else if (type.ends_with(".done") && !data.contains("part")) {
            for (const auto* name : {"text", "refusal", "arguments", "input"}) {
                if (data.contains(name)) {
                    EXPECT_EQ(data[name], item.texts[key]) << data;
                }
            }
        }
    }

    response_stream& out_;
    std::string response_id_;
    std::vector<seen_item> items_;
};

}  // namespace

json respond_to(const std::string& model, json input) {
    return {{"model", model}, {"input", std::move(input)}};
}

request_parts response_parts(const json& body) {
    return {"POST", "/v1/responses", {{"Content-Type", "application/json"}}, body.dump()};
}

http_reply respond(const gateway_process& gateway, const json& body) {
    return fetch(gateway.port(), response_parts(body));
}

std::vector<std::string> response_stream::types() const {
    std::vector<std::string> out;
    for (const auto& event : events) {
        out.push_back(event.value("type", ""));
    }
    return out;
}

std::vector<json> response_stream::of_type(const std::string& type) const {
    std::vector<json> out;
    std::ranges::copy_if(events, std::back_inserter(out), [&](const json& event) {
        return event["type"] == type;
    });
    return out;
}

std::string response_stream::joined(const std::string& type) const {
    std::string out;
    for (const auto& event : of_type(type)) {
        out += event["delta"].get<std::string>();
    }
    return out;
}

response_stream response_stream_of(const sse_transcript& transcript) {
    response_stream out;
    out.head = transcript.head;
    out.is_whole = transcript.is_whole;
    for (const auto& comment : transcript.comments) {
        out.comments.push_back(comment.comment);
    }
    if (!transcript.is_stream()) {
        return out;
    }
    grammar rules(out);
    for (const auto& event : transcript.events) {
        EXPECT_FALSE(event.is_done()) << "this wire has no [DONE]";
        rules.take(event);
    }
    rules.end();
    return out;
}

response_stream read_response_stream(http_client& client) {
    return response_stream_of(read_transcript(client));
}

response_stream respond_streamed(const gateway_process& gateway, const json& body) {
    http_client client(gateway.port());
    client.send(request_bytes(response_parts(with(body, {{"stream", true}}))));
    return read_response_stream(client);
}

responding_model::responding_model(const reply& behaviour)
    : gateway((models.on("a", behaviour), config_text(models).upstream("a").text())) {
}

json responding_model::sent(const json& more) {
    const auto reply = respond(gateway, with(respond_to("a"), more));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return models.last_request("a").json;
}

http_reply responding_model::refused(const json& more) {
    auto reply = respond(gateway, with(respond_to("a"), more));
    EXPECT_EQ(models.call_count("a"), 0u) << more;
    return reply;
}

response_stream responding_model::streamed(const json& more) {
    return respond_streamed(gateway, with(respond_to("a"), more));
}

json items_of(const json& response) {
    auto out = response["output"];
    for (auto& item : out) {
        item.erase("id");
        item.erase("status");
    }
    return out;
}

}  // namespace meta_model::contract
