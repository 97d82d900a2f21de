// A request to a model that goes on without its client: a response in the background.
#pragma once

#include "routes/detached_sink.hpp"
#include "routes/model_requests.hpp"
#include "routes/response_services.hpp"
#include "routes/response_writer.hpp"
#include "routes/translated_sink.hpp"
#include "telemetry/request_record.hpp"

#include <memory>
#include <string>

namespace meta_model::routes {

// What it takes over of the connection's request.
struct detached_parts {
    std::string request_id{};
    std::string upstream_header_lines{};
    base::steady_time start{};
    const dispatch::target* target = nullptr;
    std::unique_ptr<response_writer> writer{};
    std::unique_ptr<translated_sink> translated{};
};

// Confined to its loop's thread. Holds a place among the requests in flight and among the runs in the background.
class detached_request {
public:
    detached_request(
        const model_services& services,
        net::event_loop& loop,
        telemetry::thread_shard& shard,
        detached_parts parts
    );
    ~detached_request();
    detached_request(const detached_request&) = delete;
    detached_request& operator=(const detached_request&) = delete;

    // Whether it may run; then `response` is what its client is told at once. To be asked once, before start().
    base::maybe_error admit(std::string& response);

    // Runs on its loop until the request's end, its deadline, or until background_runs cancels it.
    static void start(std::unique_ptr<detached_request> request);

private:
    static net::task<> serve(std::unique_ptr<detached_request> request);
    net::task<> run();
    void begin();
    api::response_failure failure_of(const base::maybe_error& error) const;
    void write_log_line(const telemetry::request_record& record) const;

    const model_services& services_;
    const response_services& responses_;
    net::event_loop& loop_;
    telemetry::thread_shard& shard_;
    std::string request_id_;
    std::string upstream_header_lines_;
    base::steady_time start_;
    const dispatch::target& target_;
    std::unique_ptr<response_writer> writer_;
    std::unique_ptr<translated_sink> translated_;
    std::shared_ptr<base::cancel_source> cancel_ = std::make_shared<base::cancel_source>();
    detached_sink sink_;
    api::chat_request request_;
    telemetry::request_record record_;
    http::counted_bytes held_;
    bool is_begun_ = false;  // it is in the store and among the runs
};

}  // namespace meta_model::routes
