// Who may call. The key store is an interface so that many keys with scopes can take the place of the one token.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"

#include <optional>
#include <string_view>

namespace meta_model::http {

class key_store {
public:
    virtual ~key_store() = default;
    virtual bool is_open() const = 0;  // nobody needs a key
    virtual bool knows(std::string_view key) const = 0;
};

class single_key_store final : public key_store {
public:
    // An empty token means that no key is needed. `token` must outlive the store.
    explicit single_key_store(const base::secret& token) : token_(token) {}
    bool is_open() const override { return token_.empty(); }
    bool knows(std::string_view key) const override {
        return base::equal_in_constant_time(token_.expose(), key);
    }

private:
    const base::secret& token_;
};

// Judges the `Authorization` and `x-api-key` fields of a request (spec §10.1, decisions on HTTP).
base::maybe_error authenticate(
    const key_store& keys, std::string_view authorization, std::string_view api_key
);

}  // namespace meta_model::http
