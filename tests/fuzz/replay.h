// tests/fuzz/replay.h: runs a fuzz target over the files of its corpus, in a usual build.
//
// Thread:  one.
// Owner:   nobody; a free function.
// Fails:   as the target does: it aborts. No files at all fail the test.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace callbot::test {

inline void replay(const std::string& corpus, int (*target)(const uint8_t*, size_t)) {
  size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(CALLBOT_CORPUS) / corpus)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    SCOPED_TRACE(entry.path().string());
    EXPECT_EQ(target(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), 0);
    ++files;
  }
  EXPECT_GT(files, 10U);
}

}  // namespace callbot::test
