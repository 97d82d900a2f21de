// The endpoint that a call tries or uses: chosen, counted while it has the call, and told how that ended.
#pragma once

#include "upstream/call.hpp"
#include "upstream/registry.hpp"

#include <cstdint>

namespace meta_model::upstream {

// For one call. Of an upstream with one endpoint there is nothing to learn here that its own breaker does not know.
class endpoint_lease {
public:
    // `only`: no other one, and what comes of it is not noted (a probe has its own way); null: any.
    endpoint_lease(upstream_state& upstream, endpoint_state* only);
    ~endpoint_lease();
    endpoint_lease(const endpoint_lease&) = delete;
    endpoint_lease& operator=(const endpoint_lease&) = delete;

    // Takes the next endpoint; false when all were tried. `affinity`: see choose().
    bool take_next(std::uint64_t affinity);
    // Endpoints, by bit, that serve only when no other is left.
    void avoid(std::uint64_t endpoints) { avoided_ |= endpoints; }

    // How it ended with the endpoint that was taken last. The first word counts.
    void note(call_signal signal);
    // The same, at the call's end. What changed of the endpoints that were tried; the last change, should there be several.
    server_change note_end(call_signal signal);

    // Whether there is one that was neither tried nor is avoided, and against which nothing speaks.
    bool others_can_serve() const;

    // After take_next().
    const endpoint_state& operator*() const { return *current_; }
    const endpoint_state* operator->() const { return current_; }
    std::uint64_t tried() const { return tried_; }

private:
    bool is_noted() const { return only_ == nullptr && upstream_.endpoints.size() > 1; }
    void release();

    upstream_state& upstream_;
    endpoint_state* const only_;
    endpoint_state* current_ = nullptr;
    std::uint64_t tried_ = 0;
    std::uint64_t avoided_ = 0;
    breaker::permission permission_{};
    bool has_ended_ = true;
    server_change untold_{};
};

}  // namespace meta_model::upstream
