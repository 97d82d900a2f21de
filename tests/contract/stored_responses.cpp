#include "contract/stored_responses.hpp"

#include <thread>

namespace meta_model::contract {

http_reply ask_for(
    const gateway_process& gateway,
    const std::string& method,
    const std::string& target,
    header_list headers
) {
    return fetch(gateway.port(), {method, target, std::move(headers), ""});
}

std::string response_path(const json& response, const std::string& rest) {
    return "/v1/responses/" + response.at("id").get<std::string>() + rest;
}

json in_background(const std::string& model) {
    return with(respond_to(model), {{"background", true}});
}

json poll_to_its_end(const gateway_process& gateway, const json& response) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    for (;;) {
        auto now = get(gateway, response_path(response)).json();
        const auto status = now.value("status", "");
        if ((status != "queued" && status != "in_progress")
            || std::chrono::steady_clock::now() > until) {
            return now;
        }
        std::this_thread::sleep_for(5ms);  // until it has ended, at most 20 s
    }
}

open_stream::open_stream(const gateway_process& gateway, const request_parts& parts)
    : client_(std::make_unique<http_client>(gateway.port())), reader_(*client_) {
    client_->send(request_bytes(parts));
    head_ = client_->read_head();
}

open_stream open_stream::of_new_response(const gateway_process& gateway, const json& body) {
    return {gateway, response_parts(with(body, {{"stream", true}}))};
}

json open_stream::next() {
    const auto event = reader_.next_data();
    return event ? event->json() : json();
}

json open_stream::until(const std::string& type) {
    for (;;) {
        auto event = next();
        if (event.is_null() || event["type"] == type) {
            return event;
        }
    }
}

bool wait_for_metric(const gateway_process& gateway, const std::string& name, long value) {
    const auto line = "\nmeta_model_" + name + ' ' + std::to_string(value) + '\n';
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (get(gateway, "/metrics").body.find(line) == std::string::npos) {
        if (std::chrono::steady_clock::now() > until) {
            return false;
        }
        std::this_thread::sleep_for(5ms);  // until it is told, at most 10 s
    }
    return true;
}

}  // namespace meta_model::contract
