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

std::string failed_generators(const http_reply& reply) {
    return reply.header("X-MetaModel-Failed-Generators");
}

}  // namespace meta_model::contract
