// What prometheus_test.cpp expects. Names, labels and help texts are an interface: dashboards and alerts depend on them.
#pragma once

#include <string_view>

namespace meta_model::telemetry {

// clang-format off
inline constexpr std::string_view prometheus_golden = R"(# HELP meta_model_build_info Always 1; the version is a label.
# TYPE meta_model_build_info gauge
meta_model_build_info{version="1.2.3"} 1
# HELP meta_model_process_start_time_seconds Start of the process, Unix time.
# TYPE meta_model_process_start_time_seconds gauge
meta_model_process_start_time_seconds 1730000000
# HELP meta_model_process_cpu_seconds_total CPU time of the process, user and system.
# TYPE meta_model_process_cpu_seconds_total counter
meta_model_process_cpu_seconds_total 1.25
# HELP meta_model_process_resident_memory_bytes Resident memory of the process.
# TYPE meta_model_process_resident_memory_bytes gauge
meta_model_process_resident_memory_bytes 7340032
# HELP meta_model_process_open_fds Open file descriptors of the process.
# TYPE meta_model_process_open_fds gauge
meta_model_process_open_fds 12
# HELP meta_model_process_threads Threads of the process.
# TYPE meta_model_process_threads gauge
meta_model_process_threads 3
# HELP meta_model_requests_in_flight Requests being served.
# TYPE meta_model_requests_in_flight gauge
meta_model_requests_in_flight 0
# HELP meta_model_connections_open Client connections that are open.
# TYPE meta_model_connections_open gauge
meta_model_connections_open 1
# HELP meta_model_responses_stored Responses that are kept for later requests.
# TYPE meta_model_responses_stored gauge
meta_model_responses_stored 0
# HELP meta_model_responses_stored_bytes Memory that stored responses take.
# TYPE meta_model_responses_stored_bytes gauge
meta_model_responses_stored_bytes 0
# HELP meta_model_responses_in_background Responses being made that no client waits for.
# TYPE meta_model_responses_in_background gauge
meta_model_responses_in_background 0
# HELP meta_model_received_bytes_total Bytes received from clients.
# TYPE meta_model_received_bytes_total counter
meta_model_received_bytes_total 2048
# HELP meta_model_sent_bytes_total Bytes sent to clients.
# TYPE meta_model_sent_bytes_total counter
meta_model_sent_bytes_total 4096
# HELP meta_model_connections_accepted_total Client connections accepted.
# TYPE meta_model_connections_accepted_total counter
meta_model_connections_accepted_total 2
# HELP meta_model_connections_refused_total Client connections closed at once because of a limit.
# TYPE meta_model_connections_refused_total counter
meta_model_connections_refused_total 0
# HELP meta_model_stream_events_dropped_total Malformed events dropped from upstream streams.
# TYPE meta_model_stream_events_dropped_total counter
meta_model_stream_events_dropped_total 0
# HELP meta_model_streams_cut_total Upstream streams that ended without a finish.
# TYPE meta_model_streams_cut_total counter
meta_model_streams_cut_total 0
# HELP meta_model_log_lines_dropped_total Log lines dropped because the queue was full.
# TYPE meta_model_log_lines_dropped_total counter
meta_model_log_lines_dropped_total 0
# HELP meta_model_client_closed_total Requests whose client left before the reply was complete.
# TYPE meta_model_client_closed_total counter
meta_model_client_closed_total 0
# HELP meta_model_syntheses_spared_total Synthesizer calls that agreement of the drafts made needless.
# TYPE meta_model_syntheses_spared_total counter
meta_model_syntheses_spared_total 0
# HELP meta_model_responses_evicted_total Stored responses that gave way to others or became too old.
# TYPE meta_model_responses_evicted_total counter
meta_model_responses_evicted_total 0
# HELP meta_model_requests_total Finished requests by outcome.
# TYPE meta_model_requests_total counter
meta_model_requests_total{profile="fast.v1",strategy="passthrough",status="2xx",code="ok"} 1
meta_model_requests_total{profile="fast.v1",strategy="passthrough",status="5xx",code="upstream_error"} 1
meta_model_requests_total{profile="write.v1",strategy="moa",status="2xx",code="ok"} 0
# HELP meta_model_request_duration_seconds Time from a request's head to the end of its reply.
# TYPE meta_model_request_duration_seconds histogram
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.001"} 0
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.0025"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.005"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.01"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.025"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.05"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.1"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.25"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="0.5"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="1"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="2.5"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="5"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="10"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="30"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="60"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="120"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="300"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="600"} 1
meta_model_request_duration_seconds_bucket{profile="fast.v1",le="+Inf"} 2
meta_model_request_duration_seconds_sum{profile="fast.v1"} 700.0015
meta_model_request_duration_seconds_count{profile="fast.v1"} 2
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.001"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.0025"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.005"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.01"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.025"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.05"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.1"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.25"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="0.5"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="1"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="2.5"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="5"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="10"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="30"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="60"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="120"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="300"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="600"} 0
meta_model_request_duration_seconds_bucket{profile="write.v1",le="+Inf"} 0
meta_model_request_duration_seconds_sum{profile="write.v1"} 0
meta_model_request_duration_seconds_count{profile="write.v1"} 0
# HELP meta_model_request_first_byte_seconds Time from a request's head to the first content of its reply.
# TYPE meta_model_request_first_byte_seconds histogram
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.001"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.0025"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.005"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.01"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.025"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.05"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.1"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.25"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="0.5"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="1"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="2.5"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="5"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="10"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="30"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="60"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="120"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="300"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="600"} 1
meta_model_request_first_byte_seconds_bucket{profile="fast.v1",le="+Inf"} 1
meta_model_request_first_byte_seconds_sum{profile="fast.v1"} 0.0009
meta_model_request_first_byte_seconds_count{profile="fast.v1"} 1
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.001"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.0025"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.005"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.01"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.025"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.05"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.1"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.25"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="0.5"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="1"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="2.5"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="5"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="10"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="30"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="60"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="120"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="300"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="600"} 0
meta_model_request_first_byte_seconds_bucket{profile="write.v1",le="+Inf"} 0
meta_model_request_first_byte_seconds_sum{profile="write.v1"} 0
meta_model_request_first_byte_seconds_count{profile="write.v1"} 0
# HELP meta_model_tokens_total Tokens of the answers, as reported or estimated.
# TYPE meta_model_tokens_total counter
meta_model_tokens_total{profile="fast.v1",direction="in"} 24
meta_model_tokens_total{profile="fast.v1",direction="out"} 68
meta_model_tokens_total{profile="write.v1",direction="in"} 0
meta_model_tokens_total{profile="write.v1",direction="out"} 0
# HELP meta_model_upstream_calls_total Finished upstream calls by outcome.
# TYPE meta_model_upstream_calls_total counter
meta_model_upstream_calls_total{upstream="g1",outcome="ok"} 1
meta_model_upstream_calls_total{upstream="g1",outcome="breaker_open"} 1
# HELP meta_model_upstream_calls_in_flight Upstream calls that have begun and not ended.
# TYPE meta_model_upstream_calls_in_flight gauge
meta_model_upstream_calls_in_flight{upstream="g1"} 1
# HELP meta_model_upstream_call_duration_seconds Time of upstream calls.
# TYPE meta_model_upstream_call_duration_seconds histogram
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.001"} 0
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.0025"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.005"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.01"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.025"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.05"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.1"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.25"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="0.5"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="1"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="2.5"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="5"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="10"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="30"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="60"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="120"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="300"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="600"} 1
meta_model_upstream_call_duration_seconds_bucket{upstream="g1",le="+Inf"} 1
meta_model_upstream_call_duration_seconds_sum{upstream="g1"} 0.0014
meta_model_upstream_call_duration_seconds_count{upstream="g1"} 1
# HELP meta_model_upstream_first_byte_seconds Time until the first byte of an upstream's reply.
# TYPE meta_model_upstream_first_byte_seconds histogram
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.001"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.0025"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.005"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.01"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.025"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.05"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.1"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.25"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="0.5"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="1"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="2.5"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="5"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="10"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="30"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="60"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="120"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="300"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="600"} 1
meta_model_upstream_first_byte_seconds_bucket{upstream="g1",le="+Inf"} 1
meta_model_upstream_first_byte_seconds_sum{upstream="g1"} 0.0008
meta_model_upstream_first_byte_seconds_count{upstream="g1"} 1
)";
// clang-format on

}  // namespace meta_model::telemetry
