// Three voters behind one profile, as the tests of votes use it.
#pragma once

#include "contract/contract_test.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace meta_model::contract {

inline constexpr auto vote_name = "vote.v1";

// Upstreams a, b, c that vote, and j, a judge; profile vote.v1 with the feature on.
struct voters {
    fake_upstream models{};

    voters(const std::string& a, const std::string& b, const std::string& c) {
        models.on("a", ok(a));
        models.on("b", ok(b));
        models.on("c", ok(c));
    }

    config_text config(const std::string& lines = "", const std::string& server_lines = "") {
        config_text out(models);
        out.server(server_lines)
            .upstreams({"a", "b", "c", "j"})
            .voting(vote_name, {"a", "b", "c"}, lines)
            .raw("[features]\nvoting = true");
        return out;
    }

    // With `list` in place of the three.
    config_text config_of(const std::string& list, const std::string& lines) {
        config_text out(models);
        out.upstreams({"a", "b", "c", "j"})
            .raw(
                "[profiles.\"" + std::string(vote_name)
                + "\"]\ntype = \"voting\"\nupstreams = " + list + "\n" + lines
            )
            .raw("[features]\nvoting = true");
        return out;
    }
};

// The reply to `body` when `name` answers after all others have.
inline http_reply chat_with_last(
    voters& v,
    const gateway_process& gateway,
    const json& body,
    const std::string& name,
    const std::string& text
) {
    const auto gate = make_gate();
    v.models.on(name, held(gate, ok(text)));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(body.dump())));
    EXPECT_TRUE(v.models.wait_until([&] {
        const auto all = v.models.requests();
        const auto is_done = [&](const auto& r) { return r.replied || r.upstream == name; };
        return all.size() == 3 && std::all_of(all.begin(), all.end(), is_done);
    }));
    gate->open();
    return client.read_reply();
}

inline json extension(const http_reply& reply) {
    return reply.json()["x_meta_model"];
}

}  // namespace meta_model::contract
