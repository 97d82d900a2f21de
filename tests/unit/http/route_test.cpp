#include "http/route.hpp"

#include <gtest/gtest.h>

namespace meta_model::http {
namespace {

router sample_router() {
    router out;
    out.add({.method = "GET", .path = "/v1/models", .handler = {}});
    out.add(
        {.method = "POST", .path = "/v1/chat/completions", .body = body_class::json, .handler = {}}
    );
    out.add({.method = "GET", .path = "/v1/models/", .match = path_match::prefix, .handler = {}});
    out.add({.method = "GET", .path = "/health", .auth = auth_class::exempt, .handler = {}});
    return out;
}

std::string_view found_path(std::string_view method, std::string_view path) {
    static const auto routes = sample_router();
    const auto found = routes.find(method, path);
    return found.route == nullptr ? std::string_view{} : std::string_view(found.route->path);
}

TEST(router, a_path_is_found_with_and_without_its_version) {
    for (const std::string_view path : {"/v1/models", "/models", "/v1/models/", "/models/"}) {
        EXPECT_EQ(found_path("GET", path), "/v1/models") << path;
        EXPECT_EQ(found_path("HEAD", path), "/v1/models") << path;
    }
    EXPECT_EQ(found_path("POST", "/chat/completions"), "/v1/chat/completions");
    for (const std::string_view path :
         {"", "/", "/v1", "/v1/model", "/v1/modelsx", "/V1/models", "/v1//models", "/v1/health"}) {
        EXPECT_EQ(found_path("GET", path), "") << path;
    }
}

TEST(router, a_known_path_with_another_method_is_told_from_an_unknown_one) {
    const auto routes = sample_router();
    EXPECT_TRUE(routes.find("DELETE", "/v1/models").is_path_known);
    EXPECT_EQ(routes.find("DELETE", "/v1/models").route, nullptr);
    EXPECT_FALSE(routes.find("GET", "/nowhere").is_path_known);
    EXPECT_EQ(routes.find("HEAD", "/v1/chat/completions").route, nullptr);
}

TEST(router, a_prefix_route_gets_the_rest_of_the_path) {
    const auto routes = sample_router();
    const auto found = routes.find("GET", "/models/org/name");
    ASSERT_NE(found.route, nullptr);
    EXPECT_EQ(found.path_rest, "org/name");
    EXPECT_EQ(routes.find("GET", "/v1/models/a").path_rest, "a");
    EXPECT_EQ(routes.find("GET", "/v1/models/").path_rest, "")
        << "the list, not an entry without a name";
}

TEST(router, a_suffix_stands_behind_the_part_that_varies) {
    router routes;
    routes.add(
        {.method = "GET",
         .path = "/v1/things/",
         .match = path_match::prefix,
         .suffix = "/parts",
         .handler = {}}
    );
    routes.add({.method = "GET", .path = "/v1/things/", .match = path_match::prefix, .handler = {}}
    );
    for (const std::string_view path : {"/v1/things/a/parts", "/things/a/parts/"}) {
        const auto found = routes.find("GET", path);
        ASSERT_NE(found.route, nullptr) << path;
        EXPECT_EQ(found.route->suffix, "/parts") << path;
        EXPECT_EQ(found.path_rest, "a") << path;
    }
    EXPECT_EQ(routes.find("GET", "/v1/things/a").path_rest, "a");
    EXPECT_EQ(routes.find("GET", "/v1/things/parts").path_rest, "parts");
    EXPECT_FALSE(routes.find("GET", "/v1/things//parts").route->suffix == "/parts");
}

TEST(router, only_paths_under_the_version_are_found_without_their_first_bytes) {
    router routes;
    routes.add({.method = "GET", .path = "/x", .match = path_match::prefix, .handler = {}});
    routes.add({.method = "GET", .path = "/files/", .match = path_match::prefix, .handler = {}});
    EXPECT_EQ(routes.find("GET", "/xy").path_rest, "y");
    EXPECT_EQ(routes.find("GET", "/files/name").path_rest, "name");
    for (const std::string_view path : {"/x", "es/name", "/files", "/les/name"}) {
        EXPECT_FALSE(routes.find("GET", path).is_path_known) << path;
    }
}

TEST(router, only_listed_paths_need_no_credential) {
    const auto routes = sample_router();
    EXPECT_TRUE(routes.is_exempt("/health"));
    EXPECT_TRUE(routes.is_exempt("/health/"));
    for (const std::string_view path :
         {"/v1/models", "/models/x", "/nowhere", "", "/healthx", "/health//"}) {
        EXPECT_FALSE(routes.is_exempt(path)) << path;
    }
}

TEST(router, the_query_of_a_target_is_kept_apart) {
    EXPECT_EQ(query_of("/a/b?c=/d&e=?"), "c=/d&e=?");
    EXPECT_EQ(query_of("http://host.test/a?x"), "x");
    EXPECT_EQ(query_of("/a"), "");
    EXPECT_EQ(query_of("/a?"), "");
}

TEST(router, the_path_of_a_target_has_no_query) {
    EXPECT_EQ(path_of("/a/b?c=/d"), "/a/b");
    EXPECT_EQ(path_of("/"), "/");
    EXPECT_EQ(path_of("http://host.test:80/a?x"), "/a");
    EXPECT_EQ(path_of("https://host.test"), "/");
    EXPECT_EQ(path_of("http://host.test?x=/v1/models"), "/");
    EXPECT_EQ(path_of("*"), "*");
    EXPECT_EQ(path_of("host.test:443"), "");
    EXPECT_EQ(path_of(""), "");
}

}  // namespace
}  // namespace meta_model::http
