// What the tests of stored responses share: asking for them, waiting for their ends, reading their streams.
#pragma once

#include "contract/contract_test.hpp"
#include "contract/responses_words.hpp"

#include <memory>
#include <string>

namespace meta_model::contract {

http_reply ask_for(
    const gateway_process& gateway,
    const std::string& method,
    const std::string& target,
    header_list headers = {}
);

// "/v1/responses/ID" with what stands behind it.
std::string response_path(const json& response, const std::string& rest = "");

json in_background(const std::string& model);

// Asks again and again until the response has ended.
json poll_to_its_end(const gateway_process& gateway, const json& response);

// The text of a stream from a connection that stays open: a request sent, its events read one by one.
class open_stream {
public:
    open_stream(const gateway_process& gateway, const request_parts& parts);
    static open_stream of_new_response(const gateway_process& gateway, const json& body);

    int status() const { return head_.status; }
    // The next event that is no comment, as JSON; null at the end.
    json next();
    // Events until one of this type; null when the stream ends before.
    json until(const std::string& type);
    bool ended_whole() const { return reader_.ended_whole(); }
    void leave() { client_->close(); }

private:
    std::unique_ptr<http_client> client_;
    http_reply head_;
    sse_reader reader_;
};

// Waits until /metrics tells this value of a series without labels.
bool wait_for_metric(const gateway_process& gateway, const std::string& name, long value);

}  // namespace meta_model::contract
