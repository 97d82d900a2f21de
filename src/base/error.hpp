// Errors that a client may see, as values. One table gives each its HTTP status, type and code (docs/errors.md).
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace meta_model::base {

// Named after the `code` of the envelope; `unknown_model` is `model_not_found` in the words of OpenAI's own type;
// `internal`, `unknown_path` and `wrong_method` and `shape` carry a null code.
enum class error_code_id {
    internal,
    unknown_path,
    wrong_method,
    shape,
    malformed_request,
    request_timeout,
    request_too_large,
    uri_too_long,
    unsupported_media_type,
    headers_too_large,
    not_implemented,
    forbidden_host,
    missing_api_key,
    invalid_api_key,
    no_upstream,
    conflicting_params,
    unsupported_v1,
    unsupported_content_part,
    invalid_request_error,
    feature_not_supported_in_v1,
    feature_disabled,
    missing_model,
    model_not_found,
    unknown_model,
    invalid_json,
    invalid_request,
    unsupported_legacy_param,
    unsupported_responses_param,
    unsupported_text_format,
    unsupported_input_part_type,
    unsupported_image_shape,
    unsupported_input_item,
    unsupported_function_call_output_part,
    unsupported_tool_choice,
    unsupported_tool,
    invalid_input,
    invalid_input_item,
    invalid_input_part,
    invalid_input_content,
    invalid_role,
    missing_call_id,
    invalid_function_call,
    invalid_function_call_output,
    invalid_tools,
    invalid_tool_choice,
    item_not_found,
    response_not_found,
    previous_response_not_found,
    response_events_evicted,
    context_length_exceeded,
    all_generators_failed,
    no_quorum_after_constraint,
    synthesis_failed,
    insufficient_drafts,
    cascade_exhausted,
    upstream_timeout,
    upstream_error,
    upstream_protocol_error,
    upstream_misconfigured,
    upstream_unreachable,
    upstream_auth_failed,
    upstream_unavailable,
    overloaded,
    server_draining,
    deadline_exceeded,
    vision_not_supported,
    video_not_supported,
    audio_not_supported,
    vision_cascade_unreachable,
    video_cascade_unreachable,
    audio_cascade_unreachable,
    vision_cascade_exhausted,
    video_cascade_exhausted,
    audio_cascade_exhausted,
    cost_limit_exceeded,
    heterogeneous_tokenizer,
    client_closed,
};

struct error_class {
    error_code_id id;
    int status;             // HTTP
    std::string_view type;  // `type` of the envelope; empty: from the status, see default_type
    std::string_view code;  // `code` of the envelope; empty: null
};

const error_class& class_of(error_code_id id);

// `type` for a status when the class names none (spec §2.2).
std::string_view default_type(int status);

enum class error_origin { gateway, downstream, upstream };

struct error {
    error_code_id id{};
    std::string message{};  // safe to show a client: no URLs, keys, paths
    std::string param{};    // the request field at fault; empty: null
    error_origin origin{error_origin::gateway};
    int status = 0;         // 0: the class's; else an upstream's own status that is passed on
    int retry_after_s = 0;  // 0: none known
    std::string detail{};   // log only

    int http_status() const { return status != 0 ? status : class_of(id).status; }
    std::string_view code() const { return class_of(id).code; }
    std::string_view type() const;
};

// An error, or none. A pointer wide, because a request's coroutines carry many of these and hardly ever use one.
class maybe_error {
public:
    maybe_error(std::nullopt_t = std::nullopt) {}
    maybe_error(error e) : error_(std::make_unique<error>(std::move(e))) {}

    explicit operator bool() const { return error_ != nullptr; }
    error& operator*() const { return *error_; }
    error* operator->() const { return error_.get(); }
    void reset() { error_.reset(); }

private:
    std::unique_ptr<error> error_;
};

// std::expected is C++23.
template <class T>
using result = boost::system::result<T, error>;

[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

error make_error(error_code_id id, std::string message, std::string param = {});

}  // namespace meta_model::base
