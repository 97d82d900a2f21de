// A credential that cannot be printed: it has no stream operator, no formatter and no implicit conversion.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace meta_model::base {

class secret {
public:
    secret() = default;
    explicit secret(std::string value) : value_(std::move(value)) {}

    // The clear text. Call it only where the credential goes on the wire or is compared.
    std::string_view expose() const { return value_; }
    bool empty() const { return value_.empty(); }

private:
    std::string value_;
};

// Compares in time that depends on the lengths only, so that a client cannot guess a token byte by byte.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace meta_model::base
