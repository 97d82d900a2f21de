// Certificates made while the test runs: nothing with a date lies in the tree.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace meta_model::support {

// A certificate with its private key, both as PEM.
struct identity {
    std::string certificate_pem{};
    std::string key_pem{};
};

struct certificate_options {
    std::string name = "model server";  // common name; says nothing about hosts
    std::vector<std::string> hosts{"DNS:localhost", "IP:127.0.0.1"};
    long valid_from_s = -3600;  // from now
    long valid_until_s = 3600;
};

class certificate_authority {
public:
    explicit certificate_authority(const std::string& name = "test authority");
    ~certificate_authority();
    certificate_authority(const certificate_authority&) = delete;
    certificate_authority& operator=(const certificate_authority&) = delete;

    const std::string& certificate_pem() const { return pem_; }
    identity issue(const certificate_options& options = {}) const;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
    std::string pem_;
};

// Vouches for itself.
identity self_signed(const certificate_options& options = {});

}  // namespace meta_model::support
