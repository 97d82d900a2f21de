#include "base/error.hpp"

#include <gtest/gtest.h>

#include <set>

namespace meta_model::base {
namespace {

TEST(error, every_class_has_a_status_and_its_own_code) {
    std::set<std::string_view> codes;
    for (int i = 0; i <= static_cast<int>(error_code_id::client_closed); ++i) {
        const auto& c = class_of(static_cast<error_code_id>(i));
        EXPECT_EQ(static_cast<int>(c.id), i);
        EXPECT_GE(c.status, 400) << c.code;
        EXPECT_LT(c.status, 600) << c.code;
        // unknown_model is model_not_found in another envelope.
        if (!c.code.empty() && c.id != error_code_id::unknown_model) {
            EXPECT_TRUE(codes.insert(c.code).second) << c.code;
        }
    }
}

TEST(error, the_type_follows_from_the_status) {
    EXPECT_EQ(default_type(401), "authentication_error");
    EXPECT_EQ(default_type(403), "permission_error");
    EXPECT_EQ(default_type(404), "not_found_error");
    EXPECT_EQ(default_type(429), "rate_limit_error");
    EXPECT_EQ(default_type(503), "service_unavailable_error");
    EXPECT_EQ(default_type(500), "api_error");
    EXPECT_EQ(default_type(504), "api_error");
    EXPECT_EQ(default_type(400), "invalid_request_error");
    EXPECT_EQ(default_type(418), "invalid_request_error");
}

TEST(error, an_own_status_goes_before_that_of_the_class) {
    auto e = make_error(error_code_id::shape, "m", "p");
    EXPECT_EQ(e.http_status(), 400);
    EXPECT_EQ(e.param, "p");
    EXPECT_EQ(e.code(), "");
    e.status = 418;
    EXPECT_EQ(e.http_status(), 418);
    EXPECT_EQ(make_error(error_code_id::wrong_method, "m").type(), "invalid_request_error");
    EXPECT_EQ(make_error(error_code_id::unknown_path, "m").type(), "not_found_error");
}

}  // namespace
}  // namespace meta_model::base
