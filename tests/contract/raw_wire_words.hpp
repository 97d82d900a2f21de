// Requests in a wire of their own, and upstreams that write the events of one, byte for byte.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

inline constexpr auto messages_path = "/v1/messages";
inline constexpr auto responses_path = "/v1/responses";

request_parts post_parts(
    const std::string& path, const std::string& body, header_list headers = {}
);
http_reply post(
    const gateway_process& gateway,
    const std::string& path,
    const std::string& body,
    header_list headers = {}
);

// `event: <type>`, `data: <data>` and a blank line.
std::string event_text(const std::string& type, const std::string& data);
std::string joined(const std::vector<std::string>& parts);

// A stream with these events, each in a chunk of its own: the first write is the head.
reply raw_events(std::vector<std::string> events);

// What is left of a stream when the comments, and pings with their event lines, are taken out.
std::string without_heartbeats(std::string body);

}  // namespace meta_model::contract
