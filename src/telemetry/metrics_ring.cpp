#include "telemetry/metrics_ring.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::telemetry {

void metrics_ring::push(std::uint64_t sequence, request_record&& record) {
    const std::lock_guard lock(mutex_);
    auto& ring = by_profile_[static_cast<std::size_t>(record.profile)];
    if (!ring) {
        ring = std::make_unique<slots>();
    }
    if (ring->records.size() < ring_size) {
        ring->records.push_back({sequence, std::move(record)});
        return;
    }
    auto& slot = ring->records[ring->next];
    slot.sequence = sequence;
    slot.record = std::move(record);
    ring->next = (ring->next + 1) % ring_size;
}

void metrics_ring::copy_to(std::vector<numbered_record>& out, profile_id profile) const {
    const std::lock_guard lock(mutex_);
    const auto& ring = by_profile_[static_cast<std::size_t>(profile)];
    if (!ring) {
        return;
    }
    const auto oldest = ring->records.begin() + static_cast<std::ptrdiff_t>(ring->next);
    out.insert(out.end(), oldest, ring->records.end());
    out.insert(out.end(), ring->records.begin(), oldest);
}

std::vector<numbered_record> newest(std::vector<numbered_record> records) {
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) {
        return a.sequence < b.sequence;
    });
    if (records.size() > ring_size) {
        records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(ring_size));
    }
    return records;
}

}  // namespace meta_model::telemetry
