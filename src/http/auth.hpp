// Who may call. The key store is an interface so that many keys with scopes can take the place of the one token.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace meta_model::http {

// Who a request comes from. What is kept for one client is not shown to another.
using credential_id = std::uint64_t;
inline constexpr credential_id anyone = 0;  // where nobody needs a key

class key_store {
public:
    virtual ~key_store() = default;
    virtual bool is_open() const = 0;  // nobody needs a key
    // Whose key it is; never `anyone`.
    virtual std::optional<credential_id> find(std::string_view key) const = 0;
};

class single_key_store final : public key_store {
public:
    // An empty token means that no key is needed. `token` must outlive the store.
    explicit single_key_store(const base::secret& token) : token_(token) {}
    bool is_open() const override { return token_.empty(); }
    std::optional<credential_id> find(std::string_view key) const override {
        const bool is_known = base::equal_in_constant_time(token_.expose(), key);
        return is_known ? std::optional<credential_id>(1) : std::nullopt;
    }

private:
    const base::secret& token_;
};

// Judges the `Authorization` and `x-api-key` fields of a request (spec §10.1, decisions on HTTP).
base::result<credential_id> authenticate(
    const key_store& keys, std::string_view authorization, std::string_view api_key
);

}  // namespace meta_model::http
