// Writes configurations for tests: short for the common case, with room for any extra lines.
#pragma once

#include "support/fake_upstream.hpp"

#include <string>
#include <vector>

namespace meta_model::support {

class config_text {
public:
    explicit config_text(const fake_upstream& models) : models_(models) {}

    // Lines for [server], and for tables under it as "[server.limits]\n…" with server_table.
    config_text& server(const std::string& lines);
    config_text& server_table(const std::string& name, const std::string& lines);
    // An upstream of the fake server; `lines` may end with sub-tables, written with their full name.
    config_text& upstream(const std::string& name, const std::string& lines = "");
    config_text& upstreams(const std::vector<std::string>& names);
    config_text& upstream_at(
        const std::string& name, const std::string& base_url, const std::string& lines = ""
    );
    config_text& passthrough(
        const std::string& name, const std::string& upstream, const std::string& lines = ""
    );
    config_text& moa(
        const std::string& name,
        const std::vector<std::string>& generators,
        const std::string& synthesizer,
        const std::string& lines = ""
    );
    config_text& cascade(
        const std::string& name,
        const std::vector<std::string>& upstreams,
        const std::string& lines = ""
    );
    config_text& voting(
        const std::string& name,
        const std::vector<std::string>& upstreams,
        const std::string& lines = ""
    );
    config_text& raw(const std::string& text);

    std::string text() const;
    operator std::string() const { return text(); }

private:
    const fake_upstream& models_;
    std::string server_lines_;
    std::string rest_;
};

}  // namespace meta_model::support
