#include "base/log.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace meta_model::base {
namespace {

std::string field(std::string_view value, bool is_json = false) {
    std::string line;
    append_log_field(line, is_json, "k", value);
    return line;
}

TEST(log, plain_values_stand_without_quotes) {
    EXPECT_EQ(field("abc/1:2"), " k=abc/1:2");
    EXPECT_EQ(field(""), " k=\"\"");
    EXPECT_EQ(field("a b"), " k=\"a b\"");
    EXPECT_EQ(field("a=b"), " k=\"a=b\"");
    EXPECT_EQ(field("a\"\\"), R"( k="a\"\\")");
}

TEST(log, no_value_can_forge_a_line) {
    EXPECT_EQ(field("a\nlevel=error\x1b\x7f"), R"( k="a\u000alevel=error\u001b\u007f")");
    EXPECT_EQ(field("a\r\n", true), R"(,"k":"a\u000d\u000a")");
}

TEST(log, numbers_have_no_quotes) {
    std::string line;
    append_log_number(line, false, "n", -5);
    append_log_number(line, true, "m", 7);
    EXPECT_EQ(line, R"( n=-5,"m":7)");
}

TEST(log, a_json_line_is_json) {
    std::string line;
    begin_log_line(line, true, log_level::warning, "it \"broke\"\n");
    append_log_field(line, true, "path", "/x\t");
    append_log_number(line, true, "status", 500);
    end_log_line(line, true);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto parsed = nlohmann::json::parse(line);
    EXPECT_EQ(parsed["level"], "warning");
    EXPECT_EQ(parsed["msg"], "it \"broke\"\n");
    EXPECT_EQ(parsed["path"], "/x\t");
    EXPECT_EQ(parsed["status"], 500);
    EXPECT_EQ(parsed["time"].get<std::string>().size(), 24u);
}

}  // namespace
}  // namespace meta_model::base
