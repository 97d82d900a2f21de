#include "base/error.hpp"

#include <array>
#include <stdexcept>

namespace meta_model::base {

namespace {

using id = error_code_id;

constexpr std::string_view invalid_request = "invalid_request_error";

constexpr std::array classes{
    error_class{id::internal, 500, "", ""},
    error_class{id::unknown_path, 404, "", ""},
    error_class{id::wrong_method, 405, "", ""},
    error_class{id::shape, 400, "", ""},
    error_class{id::malformed_request, 400, "", "malformed_request"},
    error_class{id::request_timeout, 408, "", "request_timeout"},
    error_class{id::request_too_large, 413, "", "request_too_large"},
    error_class{id::uri_too_long, 414, "", "uri_too_long"},
    error_class{id::unsupported_media_type, 415, "", "unsupported_media_type"},
    error_class{id::headers_too_large, 431, "", "headers_too_large"},
    error_class{id::not_implemented, 501, "", "not_implemented"},
    error_class{id::forbidden_host, 403, "", "forbidden_host"},
    error_class{id::missing_api_key, 401, invalid_request, "missing_api_key"},
    error_class{id::invalid_api_key, 401, invalid_request, "invalid_api_key"},
    error_class{id::no_upstream, 503, "", "no_upstream"},
    error_class{id::conflicting_params, 400, "", "conflicting_params"},
    error_class{id::unsupported_v1, 400, "", "unsupported_v1"},
    error_class{id::unsupported_content_part, 400, "", "unsupported_content_part"},
    error_class{id::invalid_request_error, 400, "", "invalid_request_error"},
    error_class{id::feature_not_supported_in_v1, 400, "", "feature_not_supported_in_v1"},
    error_class{id::feature_disabled, 400, "", "feature_disabled"},
    error_class{id::missing_model, 400, "", "missing_model"},
    error_class{id::model_not_found, 404, "", "model_not_found"},
    error_class{id::unknown_model, 404, invalid_request, "model_not_found"},
    error_class{id::invalid_json, 400, "", "invalid_json"},
    error_class{id::invalid_request, 400, "", "invalid_request"},
    error_class{id::unsupported_legacy_param, 501, invalid_request, "unsupported_legacy_param"},
    error_class{
        id::unsupported_responses_param, 501, invalid_request, "unsupported_responses_param"
    },
    error_class{id::unsupported_text_format, 501, invalid_request, "unsupported_text_format"},
    error_class{
        id::unsupported_input_part_type, 501, invalid_request, "unsupported_input_part_type"
    },
    error_class{id::unsupported_image_shape, 501, invalid_request, "unsupported_image_shape"},
    error_class{id::unsupported_input_item, 501, invalid_request, "unsupported_input_item"},
    error_class{
        id::unsupported_function_call_output_part,
        501,
        invalid_request,
        "unsupported_function_call_output_part"
    },
    error_class{id::unsupported_tool_choice, 501, invalid_request, "unsupported_tool_choice"},
    error_class{id::unsupported_tool, 501, invalid_request, "unsupported_tool"},
    error_class{id::invalid_input, 400, invalid_request, "invalid_input"},
    error_class{id::invalid_input_item, 400, invalid_request, "invalid_input_item"},
    error_class{id::invalid_input_part, 400, invalid_request, "invalid_input_part"},
    error_class{id::invalid_input_content, 400, invalid_request, "invalid_input_content"},
    error_class{id::invalid_role, 400, invalid_request, "invalid_role"},
    error_class{id::missing_call_id, 400, invalid_request, "missing_call_id"},
    error_class{id::invalid_function_call, 400, invalid_request, "invalid_function_call"},
    error_class{
        id::invalid_function_call_output, 400, invalid_request, "invalid_function_call_output"
    },
    error_class{id::invalid_tools, 400, invalid_request, "invalid_tools"},
    error_class{id::invalid_tool_choice, 400, invalid_request, "invalid_tool_choice"},
    error_class{id::item_not_found, 404, invalid_request, "item_not_found"},
    error_class{id::response_not_found, 404, invalid_request, "response_not_found"},
    error_class{
        id::previous_response_not_found, 404, invalid_request, "previous_response_not_found"
    },
    error_class{id::response_events_evicted, 404, invalid_request, "response_events_evicted"},
    error_class{id::context_length_exceeded, 413, "", "context_length_exceeded"},
    error_class{id::all_generators_failed, 502, "", "all_generators_failed"},
    error_class{id::no_quorum_after_constraint, 503, "", "no_quorum_after_constraint"},
    error_class{id::synthesis_failed, 502, "", "synthesis_failed"},
    error_class{id::insufficient_drafts, 502, "", "insufficient_drafts"},
    error_class{id::cascade_exhausted, 502, "", "cascade_exhausted"},
    error_class{id::upstream_timeout, 504, "", "upstream_timeout"},
    error_class{id::upstream_error, 502, "", "upstream_error"},
    error_class{id::upstream_protocol_error, 502, "", "upstream_protocol_error"},
    error_class{id::upstream_misconfigured, 502, "", "upstream_misconfigured"},
    error_class{id::upstream_unreachable, 502, "", "upstream_unreachable"},
    error_class{id::upstream_auth_failed, 502, "", "upstream_auth_failed"},
    error_class{id::upstream_unavailable, 503, "", "upstream_unavailable"},
    error_class{id::overloaded, 503, "", "overloaded"},
    error_class{id::server_draining, 503, "", "server_draining"},
    error_class{id::deadline_exceeded, 504, "", "deadline_exceeded"},
    error_class{id::vision_not_supported, 501, invalid_request, "vision_not_supported"},
    error_class{id::video_not_supported, 501, invalid_request, "video_not_supported"},
    error_class{id::audio_not_supported, 501, invalid_request, "audio_not_supported"},
    error_class{id::vision_cascade_unreachable, 502, "", "vision_cascade_unreachable"},
    error_class{id::video_cascade_unreachable, 502, "", "video_cascade_unreachable"},
    error_class{id::audio_cascade_unreachable, 502, "", "audio_cascade_unreachable"},
    error_class{id::vision_cascade_exhausted, 502, "", "vision_cascade_exhausted"},
    error_class{id::video_cascade_exhausted, 502, "", "video_cascade_exhausted"},
    error_class{id::audio_cascade_exhausted, 502, "", "audio_cascade_exhausted"},
    error_class{id::cost_limit_exceeded, 402, "insufficient_quota", "cost_limit_exceeded"},
    error_class{id::heterogeneous_tokenizer, 409, invalid_request, "heterogeneous_tokenizer"},
    error_class{id::client_closed, 499, "", "client_closed"},
};

// class_of indexes by the enum, so the table must stand in the enum's order.
constexpr bool in_enum_order() {
    for (std::size_t i = 0; i < classes.size(); ++i) {
        if (classes[i].id != static_cast<error_code_id>(i)) {
            return false;
        }
    }
    return true;
}
static_assert(in_enum_order());

}  // namespace

const error_class& class_of(error_code_id id) {
    return classes[static_cast<std::size_t>(id)];
}

std::string_view default_type(int status) {
    switch (status) {
        case 401: return "authentication_error";
        case 403: return "permission_error";
        case 404: return "not_found_error";
        case 429: return "rate_limit_error";
        case 503: return "service_unavailable_error";
        default: return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

std::string_view error::type() const {
    const auto& named = class_of(id).type;
    return named.empty() ? default_type(http_status()) : named;
}

void throw_exception_from_error(const error& e, const boost::source_location&) {
    throw std::logic_error("value() of a failed result: " + e.message);
}

error make_error(error_code_id id, std::string message, std::string param) {
    error e;
    e.id = id;
    e.message = std::move(message);
    e.param = std::move(param);
    return e;
}

}  // namespace meta_model::base
