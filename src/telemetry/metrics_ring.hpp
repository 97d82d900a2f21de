// The newest records of each profile. Every thread has its own rings; a reader merges them by the order of arrival.
#pragma once

#include "telemetry/request_record.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace meta_model::telemetry {

// `ring_size` of spec §9: records kept per profile.
inline constexpr std::size_t ring_size = 100;

struct numbered_record {
    std::uint64_t sequence = 0;  // over all threads, from 1
    request_record record{};
};

// One thread writes, any thread reads. The lock is the writer's own but for the moment of a scrape.
class metrics_ring {
public:
    metrics_ring() = default;
    metrics_ring(const metrics_ring&) = delete;
    metrics_ring& operator=(const metrics_ring&) = delete;

    void push(std::uint64_t sequence, request_record&& record);

    // Appends copies of this thread's records of `profile`, oldest first.
    void copy_to(std::vector<numbered_record>& out, profile_id profile) const;

private:
    // Grows up to ring_size, then the oldest is overwritten in place.
    struct slots {
        std::vector<numbered_record> records{};
        std::size_t next = 0;  // the oldest, once full
    };

    mutable std::mutex mutex_;
    std::array<std::unique_ptr<slots>, name_table::capacity> by_profile_{};
};

// The ring_size newest of `records`, which may come from several rings, oldest first.
std::vector<numbered_record> newest(std::vector<numbered_record> records);

}  // namespace meta_model::telemetry
