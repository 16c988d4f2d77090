#include "feeds/prompts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numbers>

#include "tests/support/clips.h"
#include "tests/support/temp_folder.h"

namespace callbot::feeds {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;

// How strong a tone is in 100 ms of samples (Goertzel), as its amplitude.
double strength(std::span<const int16_t> samples, double hz) {
  const double turn = 2 * std::cos(2 * std::numbers::pi * hz / 48000);
  double a = 0, b = 0;
  for (const int16_t sample : samples) {
    const double next = sample / 32768.0 + turn * a - b;
    b = a;
    a = next;
  }
  const double power = a * a + b * b - turn * a * b;
  return 2 * std::sqrt(std::max(power, 0.0)) / static_cast<double>(samples.size());
}

TEST(Prompts, EachKeyIsItsTwoTones) {
  constexpr const char* kKeys = "123A456B789C*0#D";
  constexpr double kLow[] = {697, 770, 852, 941}, kHigh[] = {1209, 1336, 1477, 1633};
  const auto samples = dtmf_samples(kKeys);
  ASSERT_TRUE(samples);
  for (size_t key = 0; key < 16; ++key) {
    const auto heard = std::span(*samples).subspan(key * 48 * 260 + 48 * 30, 4800);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(strength(heard, kLow[i]) > 0.1, i == key / 4) << kKeys[key] << " " << kLow[i];
      EXPECT_EQ(strength(heard, kHigh[i]) > 0.1, i == key % 4) << kKeys[key] << " " << kHigh[i];
    }
  }
  EXPECT_EQ(samples->size() % 960, 0u);
}

TEST(Prompts, AKeyThereIsNoneIsSaid) {
  for (const char* keys : {"12x", "", "1 2"}) {
    const auto samples = dtmf_samples(keys);
    ASSERT_FALSE(samples) << keys;
    EXPECT_EQ(samples.error().code, Code::kUsage);
    EXPECT_THAT(samples.error().message, HasSubstr("expected keys"));
  }
}

TEST(Prompts, ACommaIsASecond) {
  EXPECT_EQ(dtmf_samples("1,2")->size(), dtmf_samples("12")->size() + 48000);
}

// PATH is the process's: this test has a process of its own.
class SpeechPrograms : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::getenv("PATH");
    setenv("PATH", folder_.path().c_str(), 1);
  }
  void TearDown() override { setenv("PATH", before_.c_str(), 1); }
  void program(const char* name, const std::string& script) {
    const auto path = folder_.path() / name;
    std::ofstream(path) << "#!/bin/sh\n" << script;
    fs::permissions(path, fs::perms::owner_all);
  }
  TempFolder folder_;
  std::string before_;
};

TEST_F(SpeechPrograms, WhicheverIsThereSpeaks) {
  const auto out = folder_.path() / "out.wav";
  program("flite", "printf '%s|%s|%s|%s' \"$1\" \"$2\" \"$3\" \"$4\" > \"$4\"\n");
  ASSERT_TRUE(speak(out, "-o x; rm"));
  EXPECT_EQ(*read_file(out, 1000), "-t| -o x; rm|-o|" + out.string());
  program("espeak-ng", "printf '%s|%s' \"$1\" \"$3\" > \"$2\"\n");
  ASSERT_TRUE(speak(out, "hello"));
  EXPECT_EQ(*read_file(out, 1000), "-w| hello");
}

TEST_F(SpeechPrograms, WithoutOneItSaysWhatIsExpected) {
  const auto said = speak(folder_.path() / "out.wav", "hello");
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, Code::kUnsupported);
  EXPECT_THAT(said.error().message, HasSubstr("espeak-ng or flite"));
}

TEST_F(SpeechPrograms, OneThatFailsIsNamed) {
  program("espeak-ng", "echo no voice >&2; exit 3\n");
  const auto said = speak(folder_.path() / "out.wav", "hello");
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("espeak-ng failed: no voice"));
}

}  // namespace
}  // namespace callbot::feeds
