#include "quality/file_hearing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Stretch kSpan = {9, 13};

// Seen for 20 s; its sound is 10 ms late.
MarkedSource sender(uint16_t number, double begin) {
  MarkedSource source{.source = number};
  source.heard.push_back({.skew = {.stream = 1, .pairs = 20, .median = 0.01}});
  for (int n = 0; n < 20; ++n) {
    source.flashes.push_back(begin + n);
    source.heard[0].chirps.push_back({begin + n + 0.01, static_cast<uint32_t>(n)});
  }
  return source;
}
void forget(std::vector<double>& times, double from, double to) {
  std::erase_if(times, [&](double time) { return time > from && time < to; });
}
void forget(std::vector<NumberedChirp>& chirps, double from, double to) {
  std::erase_if(chirps, [&](auto& chirp) { return chirp.time > from && chirp.time < to; });
}
// Alice mutes herself from 8 to 14 s.
MarkedFile muted() {
  MarkedFile file{.seconds = 20, .sources = {sender(1, 0)}, .sounds = {{.stream = 1}}};
  forget(file.sources[0].heard[0].chirps, 8, 14);
  return file;
}
Hearing of_alice(const MarkedFile& file, const Stretch& span = kSpan) {
  return hearing_of(file, file.sources[0], span);
}

TEST(FileHearing, IsWhatGoesWithItsPictures) {
  EXPECT_THAT(of_alice(muted()).chirps, IsEmpty());
  EXPECT_EQ(of_alice(muted()).unknown, "");
  EXPECT_THAT(of_alice(muted(), {0, 8}).chirps, SizeIs(8));
  EXPECT_EQ(of_alice(muted(), {0, 8}).unknown, "");
}

TEST(FileHearing, WhatMayBeAnothersIsUnknown) {
  MarkedFile file = muted();
  file.sources[0].heard[0].unsure = {{10.01, 10}, {11.01, 11}, {15.01, 15}};
  EXPECT_THAT(of_alice(file).chirps, IsEmpty());
  EXPECT_EQ(of_alice(file).unknown, "2 chirps may be its or another's");
}

TEST(FileHearing, ChirpsOfNobodyAreHersUnlessHerPictureSaysNo) {
  MarkedFile file = muted();
  file.sounds[0].strays = {10.5};
  EXPECT_EQ(of_alice(file).unknown, "");
  MarkedFile dark = file;
  forget(dark.sources[0].flashes, 9, 13);
  EXPECT_EQ(of_alice(dark).unknown, "1 chirp is of nobody that is seen");
  MarkedFile never = file;
  never.sources[0].heard.clear();
  EXPECT_EQ(of_alice(never).unknown, "1 chirp is of nobody that is seen");
}

TEST(FileHearing, AnothersAtTheSameMomentHideThem) {
  MarkedFile file = muted();
  file.sources.push_back(sender(2, 0.4));
  EXPECT_EQ(of_alice(file).unknown, "");
  file.sources[1] = sender(2, 0.05);
  EXPECT_THAT(of_alice(file).unknown, HasSubstr("where 5 of 5 chirps would come"));
  file.sources[1].heard[0].skew.stream = 2;
  EXPECT_EQ(of_alice(file).unknown, "") << "in a sound of his own";
}

TEST(FileHearing, AmongOthersAPictureHasToSayWhenItsWouldCome) {
  MarkedFile file = muted();
  file.sources.push_back(sender(2, 0.4));
  forget(file.sources[0].flashes, 8, 14);
  EXPECT_EQ(of_alice(file).unknown, "its picture does not say when its chirps would come");
  file.sources.pop_back();
  EXPECT_EQ(of_alice(file).unknown, "") << "nothing at all is heard";
}

TEST(FileHearing, ChirpsAreInOrderOfTime) {
  MarkedFile file = muted();
  file.sounds.push_back({.stream = 2});
  file.sources[0].heard.push_back({.skew = {.stream = 2}, .chirps = {{9.5, 9}, {12.5, 12}}});
  file.sources[0].heard[0].chirps = {{11, 11}};
  EXPECT_THAT(of_alice(file).chirps, ElementsAre(9.5, 11, 12.5));
}

}  // namespace
}  // namespace callbot::quality
