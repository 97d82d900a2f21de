// Keeps a client's stream alive while nothing is to be sent: commits to the stream after a while, then writes a heartbeat
// whenever the line was silent for too long. Runs on the tick; stops when destroyed.
#pragma once

#include "dispatch/request_context.hpp"

namespace meta_model::dispatch {

class stream_keepalive final : private base::deadline_node {
public:
    // For a stream request. Other requests get no early head: construct it with `is_active` false.
    stream_keepalive(request_context& context, bool is_active);

    // The head that an early commit writes. Facts in context.header_lines at that moment are part of it.
    static answer_head stream_head(const request_context& context, std::string& storage);

private:
    void on_deadline() override;

    request_context& context_;
};

}  // namespace meta_model::dispatch
