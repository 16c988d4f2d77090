// sample_recordings FOLDER: the sample calls as recordings, FOLDER/<name> each, for tests in other
// languages.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/sample_calls.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path out = argv[1];
  for (const auto& call : callbot::test::sample_calls()) {
    callbot::test::Feed feed;
    callbot::test::record_sample(feed, call);
    std::filesystem::copy(feed.folder(), out / call.name, std::filesystem::copy_options::recursive);
  }
  return testing::Test::HasFailure() ? 1 : 0;
}
