#include "support/config_text.hpp"

namespace meta_model::support {

namespace {

std::string quoted_list(const std::vector<std::string>& names) {
    std::string out = "[";
    for (const auto& name : names) {
        out += (out.size() > 1 ? ", \"" : "\"") + name + "\"";
    }
    return out + "]";
}

bool sets(const std::string& lines, const std::string& key) {
    return lines.rfind(key + " =", 0) == 0 || lines.find("\n" + key + " =") != std::string::npos;
}

}  // namespace

config_text& config_text::server(const std::string& lines) {
    server_lines_ += lines + "\n";
    return *this;
}

config_text& config_text::server_table(const std::string& name, const std::string& lines) {
    return raw("[server." + name + "]\n" + lines);
}

config_text& config_text::upstream(const std::string& name, const std::string& lines) {
    return upstream_at(name, models_.base_url(name), lines);
}

config_text& config_text::upstreams(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        upstream(name);
    }
    return *this;
}

config_text& config_text::upstream_at(
    const std::string& name, const std::string& base_url, const std::string& lines
) {
    std::string table = "[upstreams." + name + "]\nbase_url = \"" + base_url + "\"\n";
    table +=
        sets(lines, "model_id") ? "" : "model_id = \"" + fake_upstream::model_id(name) + "\"\n";
    table += sets(lines, "context") ? "" : "context = 32768\n";
    table += sets(lines, "max_output") ? "" : "max_output = 4096\n";
    return raw(table + lines);
}

config_text& config_text::passthrough(
    const std::string& name, const std::string& upstream, const std::string& lines
) {
    return raw(
        "[profiles.\"" + name + "\"]\ntype = \"passthrough\"\nupstream = \"" + upstream + "\"\n"
        + lines
    );
}

config_text& config_text::moa(
    const std::string& name,
    const std::vector<std::string>& generators,
    const std::string& synthesizer,
    const std::string& lines
) {
    return raw(
        "[profiles.\"" + name + "\"]\ntype = \"moa\"\ngenerators = " + quoted_list(generators)
        + "\nsynthesizer = \"" + synthesizer + "\"\n" + lines
    );
}

config_text& config_text::cascade(
    const std::string& name, const std::vector<std::string>& upstreams, const std::string& lines
) {
    return raw(
        "[profiles.\"" + name + "\"]\ntype = \"cascade\"\nupstreams = " + quoted_list(upstreams)
        + "\n" + lines
    );
}

config_text& config_text::voting(
    const std::string& name, const std::vector<std::string>& upstreams, const std::string& lines
) {
    return raw(
        "[profiles.\"" + name + "\"]\ntype = \"voting\"\nupstreams = " + quoted_list(upstreams)
        + "\n" + lines
    );
}

config_text& config_text::raw(const std::string& text) {
    rest_ += text + "\n\n";
    return *this;
}

std::string config_text::text() const {
    // Long intervals and one thread, unless the test says otherwise: probes must not disturb what it counts.
    std::string head = "[server]\n";
    head += sets(server_lines_, "threads") ? "" : "threads = 1\n";
    head += sets(server_lines_, "health_probe_interval_sec")
                ? ""
                : "health_probe_interval_sec = 300.0\n";
    head += sets(server_lines_, "drain_notice_secs") ? "" : "drain_notice_secs = 0.0\n";
    return head + server_lines_ + "\n" + rest_;
}

}  // namespace meta_model::support
