// The seeds of every fuzzer hold its properties, also in builds that cannot search for more. fuzzers.inc is written by
// CMake: a line for each *_fuzz.cpp.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#define FUZZER(name) extern "C" int name(const std::uint8_t* data, std::size_t size);
#include "fuzzers.inc"
#undef FUZZER

namespace {

struct fuzzer {
    std::string name;
    int (*run)(const std::uint8_t* data, std::size_t size);
};

#define FUZZER(name) fuzzer{#name, &name},
const std::vector<fuzzer> fuzzers{
#include "fuzzers.inc"
};
#undef FUZZER

std::vector<std::uint8_t> bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class fuzz_seeds : public testing::TestWithParam<fuzzer> {};

TEST_P(fuzz_seeds, hold) {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(
             std::filesystem::path(FUZZ_CORPUS) / GetParam().name
         )) {
        SCOPED_TRACE(file.path().filename());
        const auto seed = bytes_of(file.path());
        ASSERT_FALSE(seed.empty());
        EXPECT_EQ(GetParam().run(seed.data(), seed.size()), 0);
        ++count;
    }
    EXPECT_GT(count, 0u);
}

const auto name_of = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(all, fuzz_seeds, testing::ValuesIn(fuzzers), name_of);

}  // namespace
