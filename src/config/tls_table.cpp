#include "config/tls_table.hpp"

#include "config/secret_source.hpp"

#include <string_view>

namespace meta_model::config {

namespace {

void read_file_name(const field& f, std::optional<placed_text>& into) {
    std::string path;
    if (f.read_filled(path)) {
        into = placed_text{std::move(path), f.at()};
    }
}

constexpr key_row<tls_keys> tls_rows[] = {
    {"ca_file", [](const field& f, tls_keys& t) { read_file_name(f, t.ca_file); }},
    {"cert_file", [](const field& f, tls_keys& t) { read_file_name(f, t.cert_file); }},
    {"key_file", [](const field& f, tls_keys& t) { read_file_name(f, t.key_file); }},
    {"verify", [](const field& f, tls_keys& t) { f.read(t.verify); }},
    {"server_name", [](const field& f, tls_keys& t) { f.read_filled(t.server_name); }},
};

// The PEM files of one table.
class file_reader {
public:
    file_reader(
        const field& table, upstream& into, const std::string& config_file, const environment& env
    )
        : table_(table), into_(into), config_file_(config_file), env_(env) {}

    std::string read(
        const std::optional<placed_text>& file, std::string_view key, std::string_view mark
    ) {
        if (!file) {
            return {};
        }
        const auto path = beside(config_file_, file->text);
        auto text = env_.read_file ? env_.read_file(path) : std::nullopt;
        if (!text) {
            note_missing("the file '" + path + "' cannot be read", file->at);
            return {};
        }
        if (text->find(mark) == std::string::npos) {
            table_.problems().error(
                file->at,
                nested_label(table_, "tls") + '.' + std::string(key) + ": '" + path
                    + "' is no PEM file of that kind"
            );
            return {};
        }
        return std::move(*text);
    }

private:
    void note_missing(std::string what, position at) {
        table_.problems().warning(
            at, table_.label() + ": calls to this upstream will fail: " + what
        );
        if (into_.missing_secret.empty()) {
            into_.missing_secret = std::move(what);
        }
    }

    const field& table_;
    upstream& into_;
    const std::string& config_file_;
    const environment& env_;
};

}  // namespace

void read_tls(const field& table, tls_keys& into) {
    into.at = table.key_at();
    read_table(table, tls_rows, into);
}

void list_tls_keys(const std::string& path, key_list& keys) {
    list_keys(std::span(tls_rows), path, keys);
}

void resolve_tls(
    const field& upstream_table,
    const tls_keys& keys,
    bool has_https,
    upstream& into,
    const std::string& config_file,
    const environment& env
) {
    if (!keys.at) {
        return;
    }
    const auto label = nested_label(upstream_table, "tls");
    if (!has_https) {
        upstream_table.problems().error(
            *keys.at, label + ": no URL of this upstream begins with https://"
        );
    }
    if (keys.cert_file.has_value() != keys.key_file.has_value()) {
        upstream_table.problems().error(
            *keys.at, label + ": cert_file and key_file need each other"
        );
    }
    file_reader files(upstream_table, into, config_file, env);
    into.tls.ca_pem = files.read(keys.ca_file, "ca_file", "-----BEGIN CERTIFICATE-----");
    into.tls.cert_pem = files.read(keys.cert_file, "cert_file", "-----BEGIN CERTIFICATE-----");
    into.tls.key_pem = base::secret(files.read(keys.key_file, "key_file", "PRIVATE KEY-----"));
    into.tls.verify = keys.verify;
    into.tls.server_name = keys.server_name;
}

}  // namespace meta_model::config
