// A request that is served as another target, or with another body, than it came with. What happens to it happens to the
// outer one.
#pragma once

#include "dispatch/request_context.hpp"

namespace meta_model::dispatch {

class nested_request {
public:
    // All three outlive this object. Until it goes, the outer request has neither ledger nor header lines.
    nested_request(request_context& outer, const target& target, api::chat_request& request);
    ~nested_request();
    nested_request(const nested_request&) = delete;
    nested_request& operator=(const nested_request&) = delete;

    request_context& context() { return inner_; }

private:
    request_context& outer_;
    request_context inner_;
};

}  // namespace meta_model::dispatch
