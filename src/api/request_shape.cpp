#include "api/request_shape.hpp"

#include <algorithm>

namespace meta_model::api {

namespace {

constexpr unsigned nullable = type_bit(json_type::null);
constexpr unsigned text = type_bit(json_type::string);
constexpr unsigned list = type_bit(json_type::array);
constexpr unsigned object = type_bit(json_type::object);
constexpr unsigned number = type_bit(json_type::number);
constexpr unsigned boolean = type_bit(json_type::boolean);

constexpr field_rule model_field{"model", text, range_rule::not_empty, "a non-empty string", true};
constexpr field_rule envelope_field{
    "x_meta_model", object | nullable, range_rule::none, "an object"
};

// Spec §2.4, and what OpenAI's API has besides: of that the types only, as other servers have ranges and words of their own.
// Members that are not here are carried untouched; `seed`, `logit_bias` and `user` are, as the spec says, whatever they are.
constexpr std::array chat_fields{
    model_field,
    field_rule{"messages", list, range_rule::none, "a non-empty list", true},
    field_rule{"stream", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{"stream_options", object | nullable, range_rule::none, "an object"},
    envelope_field,
    field_rule{"tools", list | nullable, range_rule::none, "a list of objects"},
    field_rule{"functions", list | nullable, range_rule::none, "a list of objects"},
    field_rule{"tool_choice", text | object | nullable, range_rule::none, "a string or an object"},
    field_rule{
        "function_call", text | object | nullable, range_rule::none, "a string or an object"
    },
    field_rule{"parallel_tool_calls", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{"max_tokens", number | nullable, range_rule::positive_integer, "a positive integer"},
    field_rule{
        "max_completion_tokens",
        number | nullable,
        range_rule::positive_integer,
        "a positive integer"
    },
    field_rule{"temperature", number | nullable, range_rule::zero_to_two, "a number from 0 to 2"},
    field_rule{"top_p", number | nullable, range_rule::zero_to_one, "a number from 0 to 1"},
    field_rule{"stop", text | list | nullable, range_rule::none, "a string or a list of strings"},
    field_rule{"response_format", object | nullable, range_rule::none, "an object"},
    field_rule{"n", number | nullable, range_rule::at_least_one, "an integer of at least 1"},
    field_rule{"top_logprobs", number | nullable, range_rule::none, "a number"},
    field_rule{"frequency_penalty", number | nullable, range_rule::none, "a number"},
    field_rule{"presence_penalty", number | nullable, range_rule::none, "a number"},
    field_rule{"safety_identifier", text | nullable, range_rule::none, "a string"},
    field_rule{"prompt_cache_key", text | nullable, range_rule::none, "a string"},
    field_rule{"metadata", object | nullable, range_rule::none, "an object"},
    field_rule{"store", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{"service_tier", text | nullable, range_rule::none, "a string"},
    field_rule{"verbosity", text | nullable, range_rule::none, "a string"},
    field_rule{"modalities", list | nullable, range_rule::none, "a list of strings"},
    field_rule{"audio", object | nullable, range_rule::none, "an object"},
    field_rule{"prediction", object | nullable, range_rule::none, "an object"},
    field_rule{"web_search_options", object | nullable, range_rule::none, "an object"},
};

// What else a completion has is judged by api/completions_wire, and by the chat it becomes.
constexpr std::array completions_fields{
    model_field,
    field_rule{"prompt", text | list | nullable, range_rule::none, "a string"},
    field_rule{"n", number | nullable, range_rule::none, "an integer"},
    field_rule{"seed", number | nullable, range_rule::none, "a number"},
    field_rule{"logit_bias", object | nullable, range_rule::none, "an object"},
    field_rule{"user", text | nullable, range_rule::none, "a string"},
    field_rule{"stream", boolean | nullable, range_rule::none, "a boolean"},
    envelope_field,
};

// One or the other has to be there; what a list of prompts holds is the tokenizer's to judge.
constexpr std::array tokenize_fields{
    model_field,
    field_rule{"prompt", text | list | nullable, range_rule::none, "a string"},
    field_rule{"messages", list | nullable, range_rule::none, "a non-empty list"},
    envelope_field,
};

// Some servers embed a conversation, given as `messages`.
constexpr std::array embeddings_fields{
    model_field,
    field_rule{"input", text | list, range_rule::none, "a string or a list", true, "messages"},
    field_rule{"dimensions", number | nullable, range_rule::positive_integer, "a positive integer"},
    field_rule{"encoding_format", text | nullable, range_rule::none, "a string"},
    field_rule{"user", text | nullable, range_rule::none, "a string"},
    envelope_field,
};

// As Jina, Cohere and vLLM take it; queries and documents may be objects with other things than text.
constexpr std::array rerank_fields{
    model_field,
    field_rule{"query", text | object, range_rule::none, "a string", true},
    field_rule{"documents", list | object, range_rule::none, "a list", true},
    field_rule{"top_n", number | nullable, range_rule::positive_integer, "a positive integer"},
    field_rule{"return_documents", boolean | nullable, range_rule::none, "a boolean"},
    envelope_field,
};

constexpr std::array moderations_fields{
    model_field,
    field_rule{"input", text | list, range_rule::none, "a string or a list", true},
    envelope_field,
};

// What else a response has goes to the chat that it becomes. Lists and objects are judged by api/responses_request.
constexpr std::array responses_fields{
    model_field,
    field_rule{"input", text | list | nullable, range_rule::none, "a string or a list"},
    field_rule{"instructions", text | nullable, range_rule::none, "a string"},
    field_rule{"stream", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{"stream_options", object | nullable, range_rule::none, "an object"},
    envelope_field,
    field_rule{"previous_response_id", text | nullable, range_rule::none, "a string"},
    field_rule{"conversation", text | object | nullable, range_rule::none, "a string or an object"},
    field_rule{"background", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{"store", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{"include", list | nullable, range_rule::none, "a list of strings"},
    field_rule{"metadata", object | nullable, range_rule::none, "an object"},
    field_rule{"tools", list | nullable, range_rule::none, "a list of objects"},
    field_rule{"tool_choice", text | object | nullable, range_rule::none, "a string or an object"},
    field_rule{"parallel_tool_calls", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{
        "max_tool_calls", number | nullable, range_rule::positive_integer, "a positive integer"
    },
    field_rule{
        "max_output_tokens", number | nullable, range_rule::positive_integer, "a positive integer"
    },
    field_rule{"temperature", number | nullable, range_rule::zero_to_two, "a number from 0 to 2"},
    field_rule{"top_p", number | nullable, range_rule::zero_to_one, "a number from 0 to 1"},
    field_rule{
        "top_logprobs", number | nullable, range_rule::zero_to_twenty, "an integer from 0 to 20"
    },
    field_rule{"text", object | nullable, range_rule::none, "an object"},
    field_rule{"reasoning", object | nullable, range_rule::none, "an object"},
    field_rule{"truncation", text | nullable, range_rule::none, "\"auto\" or \"disabled\""},
    field_rule{"prompt", object | nullable, range_rule::none, "an object"},
    field_rule{"user", text | nullable, range_rule::none, "a string"},
    field_rule{"safety_identifier", text | nullable, range_rule::none, "a string"},
    field_rule{"prompt_cache_key", text | nullable, range_rule::none, "a string"},
    field_rule{"service_tier", text | nullable, range_rule::none, "a string"},
    field_rule{"context_management", list | nullable, range_rule::none, "a list of objects"},
    field_rule{"prompt_cache_retention", text | nullable, range_rule::none, "a string"},
    // Of chats, which take them as they are.
    field_rule{"n", number | nullable, range_rule::at_least_one, "an integer of at least 1"},
    field_rule{"seed", number | nullable, range_rule::none, "a number"},
    field_rule{"stop", text | list | nullable, range_rule::none, "a string or a list of strings"},
    field_rule{
        "frequency_penalty",
        number | nullable,
        range_rule::minus_two_to_two,
        "a number from -2 to 2"
    },
    field_rule{
        "presence_penalty", number | nullable, range_rule::minus_two_to_two, "a number from -2 to 2"
    },
    field_rule{"logit_bias", object | nullable, range_rule::none, "an object"},
    field_rule{"modalities", list | nullable, range_rule::none, "a list of strings"},
    field_rule{"audio", object | nullable, range_rule::none, "an object"},
    field_rule{"prediction", object | nullable, range_rule::none, "an object"},
    field_rule{"web_search_options", object | nullable, range_rule::none, "an object"},
};

// The rest of a Messages request, and what is inside of these, is judged by api/messages_request.
constexpr field_rule system_field{
    "system", text | list | nullable, range_rule::none, "a string or a list"
};
constexpr field_rule turns_field{"messages", list, range_rule::none, "a non-empty list", true};
constexpr field_rule choice_field{"tool_choice", object | nullable, range_rule::none, "an object"};
constexpr field_rule thinking_field{"thinking", object | nullable, range_rule::none, "an object"};
constexpr field_rule config_field{
    "output_config", object | nullable, range_rule::none, "an object"
};
constexpr field_rule format_field{
    "output_format", object | nullable, range_rule::none, "an object"
};
constexpr field_rule cache_field{"cache_control", object | nullable, range_rule::none, "an object"};
constexpr field_rule context_field{
    "context_management", object | nullable, range_rule::none, "an object"
};
constexpr field_rule tools_field{"tools", list | nullable, range_rule::none, "a list of objects"};

constexpr std::array messages_fields{
    model_field,
    turns_field,
    field_rule{"max_tokens", number, range_rule::positive_integer, "a positive integer", true},
    system_field,
    field_rule{"stream", boolean | nullable, range_rule::none, "a boolean"},
    field_rule{"temperature", number | nullable, range_rule::zero_to_one, "a number from 0 to 1"},
    field_rule{"top_p", number | nullable, range_rule::zero_to_one, "a number from 0 to 1"},
    field_rule{"top_k", number | nullable, range_rule::integer, "an integer"},
    field_rule{"stop_sequences", list | nullable, range_rule::none, "a list of strings"},
    field_rule{"metadata", object | nullable, range_rule::none, "an object"},
    tools_field,
    choice_field,
    thinking_field,
    config_field,
    format_field,
    cache_field,
    context_field,
    field_rule{"service_tier", text | nullable, range_rule::none, "a string"},
    field_rule{"speed", text | nullable, range_rule::none, "a string"},
    envelope_field,
};

constexpr std::array count_tokens_fields{
    model_field,
    turns_field,
    system_field,
    tools_field,
    choice_field,
    thinking_field,
    config_field,
    format_field,
    cache_field,
    context_field,
    envelope_field,
};

// In the order of request_kind.
constexpr std::array shapes{
    request_shape{
        request_kind::chat, "/v1/chat/completions", "/chat/completions", chat_fields, {"messages"}
    },
    request_shape{request_kind::completions, "/v1/completions", "", completions_fields, {"prompt"}},
    request_shape{
        request_kind::embeddings,
        "/v1/embeddings",
        "/embeddings",
        embeddings_fields,
        {"input", "messages"}
    },
    request_shape{
        request_kind::rerank, "/v1/rerank", "/rerank", rerank_fields, {"query", "documents"}
    },
    request_shape{
        request_kind::moderations, "/v1/moderations", "/moderations", moderations_fields, {"input"}
    },
    request_shape{
        request_kind::tokenize, "/tokenize", "/tokenize", tokenize_fields, {"prompt", "messages"}
    },
    request_shape{
        request_kind::responses,
        "/v1/responses",
        "/responses",
        responses_fields,
        {"input", "instructions"}
    },
    request_shape{
        request_kind::messages, "/v1/messages", "/messages", messages_fields, {"messages", "system"}
    },
    request_shape{
        request_kind::count_tokens,
        "/v1/messages/count_tokens",
        "/messages/count_tokens",
        count_tokens_fields,
        {"messages", "system"}
    },
    request_shape{
        request_kind::input_tokens,
        "/v1/responses/input_tokens",
        "/responses/input_tokens",
        responses_fields,
        {"input", "instructions"}
    },
};

}  // namespace

const field_rule* request_shape::rule_for(std::string_view member) const {
    const auto it = std::ranges::find(fields, member, &field_rule::name);
    return it == fields.end() ? nullptr : &*it;
}

const request_shape& shape_of(request_kind kind) {
    return shapes[static_cast<std::size_t>(kind)];
}

std::span<const request_shape> request_shapes() {
    return shapes;
}

bool is_in_range(range_rule rule, std::string_view raw) {
    std::int64_t integer = 0;
    double real = 0;
    switch (rule) {
        case range_rule::none: return true;
        case range_rule::not_empty: return raw.size() > 2;
        case range_rule::integer: return to_int64(raw, integer);
        case range_rule::positive_integer:
        case range_rule::at_least_one: return to_int64(raw, integer) && integer >= 1;
        case range_rule::zero_to_one: return to_double(raw, real) && real >= 0 && real <= 1;
        case range_rule::zero_to_two: return to_double(raw, real) && real >= 0 && real <= 2;
        case range_rule::zero_to_twenty:
            return to_int64(raw, integer) && integer >= 0 && integer <= 20;
        case range_rule::minus_two_to_two: return to_double(raw, real) && real >= -2 && real <= 2;
    }
    return true;
}

}  // namespace meta_model::api
