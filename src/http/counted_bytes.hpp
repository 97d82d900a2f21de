// A share of the bytes that all requests may hold together, given back at its end.
#pragma once

#include "http/service.hpp"

namespace meta_model::http {

class counted_bytes {
public:
    // `s` outlives it. Counts without a limit: whoever takes more from then on is refused.
    counted_bytes(service& s, std::size_t bytes)
        : service_(s), bytes_(static_cast<std::int64_t>(bytes)) {
        service_.in_flight_bytes.fetch_add(bytes_, std::memory_order_relaxed);
    }
    ~counted_bytes() { service_.in_flight_bytes.fetch_sub(bytes_, std::memory_order_relaxed); }
    counted_bytes(const counted_bytes&) = delete;
    counted_bytes& operator=(const counted_bytes&) = delete;

private:
    service& service_;
    std::int64_t bytes_;
};

}  // namespace meta_model::http
