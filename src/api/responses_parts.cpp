#include "api/responses_parts.hpp"

#include "api/json_walk.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace meta_model::api {

namespace {

using base::error_code_id;

base::error bad(error_code_id id, const std::string& place, std::string_view what) {
    return base::make_error(id, place + ' ' + std::string(what) + '.', "input");
}

// The key of a member of `object` as it is written there, quotes included. `value`: the member's, a view into `object`.
std::string_view raw_key_of(std::string_view object, std::string_view value) {
    const auto before = object.substr(0, static_cast<std::size_t>(value.data() - object.data()));
    const auto end = before.rfind('"');
    auto begin = end;
    bool is_quote = false;
    while (!is_quote) {
        begin = before.rfind('"', begin - 1);
        const auto other = before.find_last_not_of('\\', begin - 1);
        is_quote = (begin - other) % 2 == 1;  // behind an even number of backslashes
    }
    return before.substr(begin, end + 1 - begin);
}

}  // namespace

struct response_parts::part_fields {
    std::string_view type{};
    std::string_view text{};
    std::string_view refusal{};
    std::string_view image_url{};
    std::string_view video_url{};
    std::string_view audio{};
    std::string_view detail{};
    std::string_view file_id{};
    std::string_view file_data{};
    std::string_view file_url{};
    std::string_view filename{};
    std::string more{};  // members that mean nothing here, `,"name":value` each

    bool read(std::string_view part);
};

bool response_parts::part_fields::read(std::string_view part) {
    const std::array known{
        std::pair{std::string_view("type"), &type},
        std::pair{std::string_view("text"), &text},
        std::pair{std::string_view("refusal"), &refusal},
        std::pair{std::string_view("image_url"), &image_url},
        std::pair{std::string_view("video_url"), &video_url},
        std::pair{std::string_view("input_audio"), &audio},
        std::pair{std::string_view("detail"), &detail},
        std::pair{std::string_view("file_id"), &file_id},
        std::pair{std::string_view("file_data"), &file_data},
        std::pair{std::string_view("file_url"), &file_url},
        std::pair{std::string_view("filename"), &filename},
    };
    return walk_object(part, [&](std::string_view key, std::string_view value) {
        for (const auto& [name, member] : known) {
            if (key == name) {
                *member = value;
                return;
            }
        }
        // What a reply says of its text is no part of the text.
        if (key == "annotations" || key == "logprobs" || !is_given(value)) {
            return;
        }
        more += ',';
        more += raw_key_of(part, value);
        more += ':';
        more += value;
    });
}

base::error response_parts::unsupported(std::string_view type, const std::string& place) const {
    return bad(
        owner_ == part_owner::call_output ? error_code_id::unsupported_function_call_output_part
                                          : error_code_id::unsupported_input_part_type,
        place,
        "is a part of the type '" + base::clip(string_body(type), 64)
            + "', which is not supported on /v1/responses"
    );
}

base::result<void> response_parts::add(std::string_view content, const std::string& place) {
    if (!is_given(content)) {
        return {};
    }
    if (is_json_string(content)) {
        add_text(content, {});
        return {};
    }
    if (!is_json_list(content)) {
        return bad(
            owner_ == part_owner::call_output ? error_code_id::invalid_function_call_output
                                              : error_code_id::invalid_input_content,
            place,
            "must be a string or a list of parts"
        );
    }
    base::result<void> judged;
    std::size_t i = 0;
    walk_list(content, [&](std::string_view part) {
        if (judged) {
            judged = add_part(part, place + '[' + std::to_string(i) + ']');
        }
        ++i;
    });
    return judged;
}

void response_parts::begin_part() {
    out_ += count_ == 0 ? '[' : ',';
    ++count_;
}

void response_parts::add_text(std::string_view raw, std::string_view more) {
    begin_part();
    out_ += R"({"type":"text","text":)";
    out_ += raw;
    out_ += more;
    out_ += '}';
    if (more.empty()) {
        ++plain_count_;
        texts_ += string_body(raw);
    }
}

base::result<void> response_parts::add_part(std::string_view part, const std::string& place) {
    part_fields f;
    if (is_json_string(part)) {
        add_text(part, {});
        return {};
    }
    if (!is_json_object(part) || !f.read(part) || !is_json_string(f.type)) {
        return bad(error_code_id::invalid_input_part, place, "must be an object with a 'type'");
    }
    constexpr std::array<std::string_view, 3> texts{"input_text", "output_text", "text"};
    if (std::ranges::any_of(texts, [&](auto t) { return is_string(f.type, t); })) {
        if (!is_json_string(f.text)) {
            return bad(error_code_id::invalid_input_part, place + ".text", "must be a string");
        }
        add_text(f.text, f.more);
        return {};
    }
    if (is_string(f.type, "refusal") && owner_ == part_owner::assistant) {
        if (!is_json_string(f.refusal)) {
            return bad(error_code_id::invalid_input_part, place + ".refusal", "must be a string");
        }
        refusal_ += string_body(f.refusal);
        return {};
    }
    return add_media(f, place);
}

base::result<void> response_parts::add_media(const part_fields& f, const std::string& place) {
    if (is_string(f.type, "input_image")) {
        return add_image(f, place);
    }
    if (is_string(f.type, "input_file")) {
        return add_file(f, place);
    }
    const bool is_audio = is_string(f.type, "input_audio");
    if (!is_audio && !is_string(f.type, "input_video")) {
        return unsupported(f.type, place);
    }
    const auto media = is_audio ? f.audio : f.video_url;
    if (!is_json_object(media) && (is_audio || !is_json_string(media))) {
        return bad(
            error_code_id::invalid_input_part,
            place + (is_audio ? ".input_audio" : ".video_url"),
            "must be an object"
        );
    }
    begin_part();
    out_ += is_audio ? R"({"type":"input_audio","input_audio":)"
                     : R"({"type":"video_url","video_url":)";
    out_ += is_json_string(media) ? R"({"url":)" : "";
    out_ += media;
    out_ += is_json_string(media) ? "}" : "";
    out_ += f.more;
    out_ += '}';
    return {};
}

base::result<void> response_parts::add_image(const part_fields& f, const std::string& place) {
    auto url = f.image_url;
    auto detail = f.detail;
    if (is_json_object(url)) {
        const auto inner = find_member(url, "detail");
        detail = is_given(inner) ? inner : detail;
        url = find_member(url, "url");
    }
    if (is_given(url) && !is_json_string(url)) {
        const auto* const name = is_json_object(f.image_url) ? ".image_url.url" : ".image_url";
        return bad(error_code_id::invalid_input_part, place + name, "must be a string");
    }
    if (string_body(url).empty()) {
        return bad(
            error_code_id::unsupported_image_shape,
            place,
            "has no 'image_url'; an image is sent as a URL or a data URL"
        );
    }
    if (is_given(detail) && !is_json_string(detail)) {
        return bad(error_code_id::invalid_input_part, place + ".detail", "must be a string");
    }
    begin_part();
    out_ += R"({"type":"image_url","image_url":{"url":)";
    out_ += url;
    if (is_given(detail)) {
        out_ += R"(,"detail":)";
        out_ += detail;
    }
    out_ += '}';
    out_ += f.more;
    out_ += '}';
    return {};
}

base::result<void> response_parts::add_file(const part_fields& f, const std::string& place) {
    if (is_given(f.file_url) && !is_json_string(f.file_url)) {
        return bad(error_code_id::invalid_input_part, place + ".file_url", "must be a string");
    }
    if (is_given(f.file_url)) {
        return bad(
            error_code_id::unsupported_input_part_type,
            place + ".file_url",
            "is not supported; send the file's data"
        );
    }
    const std::array members{
        std::pair{"file_id", f.file_id},
        std::pair{"filename", f.filename},
        std::pair{"file_data", f.file_data}
    };
    if (!is_given(f.file_id) && !is_given(f.file_data)) {
        return bad(error_code_id::invalid_input_part, place, "must have 'file_data' or 'file_id'");
    }
    begin_part();
    out_ += R"({"type":"file","file":{)";
    for (const auto& [name, value] : members) {
        if (!is_given(value)) {
            continue;
        }
        if (!is_json_string(value)) {
            return bad(error_code_id::invalid_input_part, place + '.' + name, "must be a string");
        }
        out_.append(out_.back() == '{' ? "\"" : ",\"").append(name).append("\":").append(value);
    }
    out_ += '}';
    out_ += f.more;
    out_ += '}';
    return {};
}

void response_parts::close() {
    // The texts of a call's output are one text; those of a message stay apart.
    const bool is_one_text =
        count_ == plain_count_ && (count_ <= 1 || owner_ == part_owner::call_output);
    if (is_one_text) {
        out_.resize(begin_);
        out_.append("\"").append(texts_).append("\"");
    } else {
        out_ += ']';
    }
}

}  // namespace meta_model::api
