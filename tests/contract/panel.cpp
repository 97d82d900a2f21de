#include "contract/panel.hpp"

namespace meta_model::contract {

panel::panel() {
    models.on("a", ok("draft of a"));
    models.on("b", ok("the draft of b"));
    models.on("c", ok("this is the draft of c"));
    models.on("s", ok("the fused answer"));
}

config_text panel::config(const std::string& lines, const std::string& server_lines) {
    config_text out(models);
    out.server(server_lines)
        .upstreams({"a", "b", "c", "s"})
        .moa(panel_name, {"a", "b", "c"}, "s", lines);
    return out;
}

std::string panel::added_text() const {
    const json added = {{"messages", json::array({synthesis()["messages"].back()})}};
    return all_message_text(added);
}

std::string number_shown(const std::string& message, const std::string& text) {
    constexpr std::string_view heading = "\ncandidate ";
    const auto at = message.find(text);
    const auto number = at == std::string::npos ? at : message.rfind(heading, at);
    if (number == std::string::npos) {
        return {};
    }
    const auto begin = number + heading.size();
    return message.substr(begin, message.find_first_not_of("0123456789", begin) - begin);
}

reply choosing_draft(const std::string& text, const std::string& before) {
    return [=](const recorded_request& request) {
        const auto message = all_message_text(request.json);
        return ok(before + number_shown(message, text))(request);
    };
}

std::string failed_generators(const http_reply& reply) {
    return reply.header("X-MetaModel-Failed-Generators");
}

}  // namespace meta_model::contract
