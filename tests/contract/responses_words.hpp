// What the tests of /v1/responses share: asking, and reading a stream as a client that trusts nothing.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

// {"model": model, "input": input}
json respond_to(const std::string& model, json input = "What is it?");

request_parts response_parts(const json& body);
http_reply respond(const gateway_process& gateway, const json& body);

// A stream of events, put together again. It has checked (EXPECT) that numbers have no gaps, that names are those of the
// data, that every event belongs to an item that was announced and has not ended, that deltas add up to what is told at
// their end, and that items are what the final response holds.
struct response_stream {
    http_reply head{};
    std::vector<json> events{};
    std::vector<std::string> comments{};
    json final_response{};
    std::string final_type{};
    bool is_whole = false;

    std::vector<std::string> types() const;
    std::vector<json> of_type(const std::string& type) const;
    // The deltas of all events of a type, joined.
    std::string joined(const std::string& type) const;
};

response_stream response_stream_of(const sse_transcript& transcript);
response_stream read_response_stream(http_client& client);
response_stream respond_streamed(const gateway_process& gateway, const json& body);

// One model, `a`, behind a gateway.
struct responding_model {
    fake_upstream models{};
    gateway_process gateway;

    explicit responding_model(const reply& behaviour = ok("fine"));

    // What the model was sent for a request with these members.
    json sent(const json& more);
    json messages(const json& input) { return sent({{"input", input}})["messages"]; }
    // The reply to a request that never reaches the model.
    http_reply refused(const json& more);
    response_stream streamed(const json& more = json::object());
};

// The items of an output, without ids and status, as a client sends them back.
json items_of(const json& response);

}  // namespace meta_model::contract
