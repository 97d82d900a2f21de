#include "api/plain_message.hpp"

#include "api/string_scan.hpp"

#include <array>
#include <utility>

namespace meta_model::api {

namespace {

constexpr std::array<std::pair<std::string_view, role>, 4> usual_roles{{
    {"\"user\"", role::user},
    {"\"assistant\"", role::assistant},
    {"\"system\"", role::system},
    {"\"developer\"", role::developer},
}};

class byte_reader {
public:
    explicit byte_reader(std::string_view text) : rest_(text) {}

    bool take(std::string_view expected) {
        const bool is_there = rest_.starts_with(expected);
        if (is_there) {
            rest_.remove_prefix(expected.size());
        }
        return is_there;
    }

    // `expected`, with the space behind it that some writers leave.
    bool take_separator(char expected) {
        if (rest_.empty() || rest_.front() != expected) {
            return false;
        }
        rest_.remove_prefix(rest_.size() > 1 && rest_[1] == ' ' ? 2 : 1);
        return true;
    }

    bool take_role(request_message& out) {
        for (const auto& [raw, r] : usual_roles) {
            if (rest_.starts_with(raw)) {
                out.role = r;
                out.role_raw = rest_.substr(0, raw.size());
                rest_.remove_prefix(raw.size());
                return true;
            }
        }
        return false;
    }

    bool take_string(std::string_view& raw) {
        if (rest_.empty() || rest_.front() != '"') {
            return false;
        }
        const char* const quote = find_string_end(rest_.data() + 1, rest_.data() + rest_.size());
        if (quote == nullptr) {
            return false;
        }
        raw = rest_.substr(0, static_cast<std::size_t>(quote - rest_.data()) + 1);
        rest_.remove_prefix(raw.size());
        return true;
    }

    std::size_t left() const { return rest_.size(); }

private:
    std::string_view rest_;
};

}  // namespace

std::size_t read_plain_message(std::string_view text, request_message& out) {
    byte_reader in(text);
    request_message m;
    const bool is_plain = in.take("{\"role\"") && in.take_separator(':') && in.take_role(m)
                          && in.take_separator(',') && in.take("\"content\"")
                          && in.take_separator(':') && in.take_string(m.content) && in.take("}");
    if (!is_plain) {
        return 0;
    }
    const auto length = text.size() - in.left();
    m.content_type = json_type::string;
    m.raw = text.substr(0, length);
    out = m;
    return length;
}

}  // namespace meta_model::api
