// A gateway whose responses in the background are asked for, polled and followed.
#pragma once

#include "contract/stored_responses.hpp"

namespace meta_model::contract {

inline const std::string frog = "It is a small green frog that sits on a leaf and looks at us.";

struct background {
    fake_upstream models;
    gateway_process gateway;

    explicit background(const std::string& more = "", const std::string& server = "")
        : gateway(config_text(models)
                      .server(server)
                      .upstreams({"a", "b"})
                      .moa("panel.v1", {"a", "b"}, "a")
                      .raw(more)) {
        models.on("a", ok(frog));
        models.on("b", ok(frog));
    }
    json begin(const json& body) {
        const auto reply = respond(gateway, body);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return reply.json();
    }
    json now(const json& response) { return get(gateway, response_path(response)).json(); }
    open_stream follow(const json& response, const std::string& query = "") {
        return {gateway, {"GET", response_path(response, "?stream=true" + query), {}, ""}};
    }
    std::string bytes(const json& response, const std::string& query = "") {
        return get(gateway, response_path(response, "?stream=true" + query)).body;
    }
};

}  // namespace meta_model::contract
