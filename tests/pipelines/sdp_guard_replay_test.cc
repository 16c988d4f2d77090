// The fuzzer's corpus, and good descriptions cut and garbled everywhere: the guard stays alive and
// keeps its promises, which fuzz_sdp_guard() checks.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "pipelines/sdp_guard.h"
#include "tests/support/sdp_offer.h"

namespace callbot::pipelines {

void fuzz_sdp_guard(const std::string& input);  // tests/fuzz/sdp_guard_fuzz.cc

namespace {

std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(SdpGuardReplay, BearsTheFuzzersCorpus) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(CALLBOT_SOURCE_DIR "/tests"
                                                              "/fuzz/corpus/sdp_guard")) {
    SCOPED_TRACE(entry.path().filename());
    fuzz_sdp_guard(read_whole(entry.path()));
    ++files;
  }
  EXPECT_GT(files, 10);
}

TEST(SdpGuardReplay, BearsDescriptionsCutAnywhereAndRefusesAllThatLoseALine) {
  const std::string whole = usual_offer();
  for (size_t size = 0; size < whole.size(); ++size) {
    SdpGuard guard;
    const auto shown = guard.remote_offer(whole.substr(0, size));
    // Only the last m-line's last attributes can be missed by nobody.
    EXPECT_TRUE(!shown || size >= whole.find("a=sctp-port")) << whole.substr(0, size);
    fuzz_sdp_guard(whole.substr(0, size));
  }
}

TEST(SdpGuardReplay, BearsGarbledDescriptions) {
  std::mt19937 random(11);
  const std::string chromium = read_whole(CALLBOT_SOURCE_DIR
                                          "/tests"
                                          "/pipelines/sdp/chromium-simulcast.sdp");
  for (const std::string& whole : {usual_offer(), chromium})
    for (int round = 0; round < 3000; ++round) {
      std::string garbled = whole;
      for (int i = 0; i < 3; ++i) {
        const size_t at = random() % garbled.size();
        const size_t length = random() % 40;
        switch (random() % 4) {
          case 0:
            garbled[at] = static_cast<char>(' ' + random() % 95);
            break;
          case 1:
            garbled.erase(at, length);
            break;
          case 2:
            garbled.insert(at, garbled.substr(random() % garbled.size(), length));
            break;
          default:
            garbled.replace(at, length, std::to_string(random()));
        }
      }
      fuzz_sdp_guard("offer\n" + whole + "offer\n" + garbled + "\noffer\n" + whole);
    }
}

}  // namespace
}  // namespace callbot::pipelines
