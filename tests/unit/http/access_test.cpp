#include "http/auth.hpp"
#include "http/cors.hpp"

#include <gtest/gtest.h>

namespace meta_model::http {
namespace {

using base::error_code_id;

std::optional<error_code_id> verdict(
    std::string_view authorization, std::string_view api_key = ""
) {
    const base::secret token("s3cret");
    const single_key_store keys(token);
    const auto judged = authenticate(keys, authorization, api_key);
    return judged ? std::nullopt : std::optional(judged.error().id);
}

TEST(auth, the_right_key_is_let_in) {
    EXPECT_FALSE(verdict("Bearer s3cret"));
    EXPECT_FALSE(verdict("bEaReR   s3cret "));
    EXPECT_FALSE(verdict("", "s3cret"));
    EXPECT_FALSE(verdict("Bearer s3cret", "s3cret"));
}

TEST(auth, a_key_is_somebodys) {
    const base::secret token("s3cret");
    const single_key_store keys(token);
    const auto who = authenticate(keys, "Bearer s3cret", "").value();
    EXPECT_NE(who, anyone);
    EXPECT_EQ(authenticate(keys, "", "s3cret").value(), who);
}

TEST(auth, a_missing_key_is_told_from_a_wrong_one) {
    for (const std::string_view none : {"", "Basic s3cret", "Bearers3cret", "s3cret"}) {
        EXPECT_EQ(verdict(none), error_code_id::missing_api_key) << none;
    }
    for (const std::string_view wrong :
         {"Bearer", "Bearer ", "Bearer S3cret", "Bearer s3cre", "Bearer s3cret2"}) {
        EXPECT_EQ(verdict(wrong), error_code_id::invalid_api_key) << wrong;
    }
    EXPECT_EQ(verdict("", "other"), error_code_id::invalid_api_key);
}

TEST(auth, two_different_keys_are_refused) {
    EXPECT_EQ(verdict("Bearer s3cret", "other"), error_code_id::invalid_api_key);
    EXPECT_EQ(verdict("Bearer other", "s3cret"), error_code_id::invalid_api_key);
}

TEST(auth, without_a_token_everybody_is_let_in) {
    const base::secret none;
    const single_key_store keys(none);
    EXPECT_TRUE(keys.is_open());
    EXPECT_EQ(authenticate(keys, "", "").value(), anyone);
    EXPECT_EQ(authenticate(keys, "Bearer x", "y").value(), anyone);
}

TEST(auth, a_refusal_does_not_repeat_the_key) {
    const base::secret token("s3cret");
    const auto judged = authenticate(single_key_store(token), "Bearer guessed", "");
    ASSERT_FALSE(judged);
    const auto& refused = judged.error();
    EXPECT_EQ(refused.http_status(), 401);
    EXPECT_EQ(refused.message.find("guessed"), std::string::npos);
    EXPECT_EQ(refused.message.find("s3cret"), std::string::npos);
}

TEST(cors, moa_056_origin_is_added_to_vary_once) {
    EXPECT_EQ(with_vary_origin("User-Origin-Sent"), "User-Origin-Sent, Origin");
    EXPECT_EQ(with_vary_origin("origin"), "origin");
    EXPECT_EQ(with_vary_origin("Accept, Origin"), "Accept, Origin");
    EXPECT_EQ(with_vary_origin(""), "Origin");
}

TEST(cors, only_listed_origins_are_allowed) {
    const std::vector<std::string> listed{"https://a.test", "https://b.test"};
    EXPECT_EQ(allowed_origin(listed, "https://b.test"), "https://b.test");
    EXPECT_EQ(allowed_origin(listed, "https://b.test.evil.test"), "");
    EXPECT_EQ(allowed_origin(listed, ""), "");
    EXPECT_EQ(allowed_origin({}, "https://a.test"), "");
    EXPECT_EQ(allowed_origin({"https://a.test", "*"}, "https://x.test"), "*");
}

TEST(cors, reply_lines_name_the_origin) {
    std::string lines;
    append_cors_lines(lines, "", "https://x.test");
    EXPECT_EQ(lines, "Vary: Origin\r\n");
    lines.clear();
    append_cors_lines(lines, "https://a.test", "https://a.test");
    EXPECT_NE(lines.find("Access-Control-Allow-Origin: https://a.test\r\n"), std::string::npos);
    EXPECT_NE(lines.find("Access-Control-Expose-Headers: X-Request-Id"), std::string::npos);
}

TEST(cors, requested_headers_cannot_add_lines_to_a_preflight) {
    std::string lines;
    append_preflight_lines(lines, "*", "x-a\r\nEvil: 1");
    EXPECT_EQ(lines.find("\r\nEvil"), std::string::npos);
    EXPECT_NE(lines.find("Access-Control-Allow-Headers: x-a??Evil: 1\r\n"), std::string::npos);
    lines.clear();
    append_preflight_lines(lines, "", "x-a");
    EXPECT_EQ(lines, "");
}

}  // namespace
}  // namespace meta_model::http
