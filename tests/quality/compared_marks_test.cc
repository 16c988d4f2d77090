#include "quality/compared_marks.h"

#include <gmock/gmock.h>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

void show(MarkedFile& file, uint32_t number, double time, uint16_t source = 1, int stream = 0) {
  file.each.push_back({stream, time, {VideoMark{number, source, 0}}});
}

MarkedFile file_of(uint32_t first, uint32_t last, double from = 0) {
  MarkedFile file;
  for (uint32_t n = first; n <= last; ++n) show(file, n, from + (n - first) * 0.04);
  return file;
}

TEST(ComparedMarks, TheSameHasAll) {
  const auto all = compare_marks(file_of(5, 54), file_of(5, 54, 2));
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].common, 50u);
  EXPECT_EQ(all[0].missing + all[0].added + all[0].before + all[0].after, 0u);
  EXPECT_THAT(all[0].gaps, IsEmpty());
  EXPECT_NEAR(all[0].shift, 2, 1e-9);
  EXPECT_NEAR(all[0].most - all[0].least, 0, 1e-9);
  EXPECT_EQ(to_text(all[0]),
            "source 1: 5 to 54: 50 of 50 pictures, 0 missing in between; times +2.000 s, even "
            "to 0.0 ms");
}

TEST(ComparedMarks, SaysWhatIsMissingWhereAndWhatIsNew) {
  MarkedFile later;
  for (uint32_t n = 10; n <= 60; ++n)
    if (n != 20 && (n < 30 || n > 32)) show(later, n, n * 0.04 + (n == 40 ? 0.03 : 0));
  const auto all = compare_marks(file_of(0, 50), later);
  ASSERT_THAT(all, SizeIs(1));
  const ComparedSource& c = all[0];
  EXPECT_EQ(c.earlier, 51u);
  EXPECT_EQ(c.common, 37u);
  EXPECT_EQ(c.before, 10u);
  EXPECT_EQ(c.after, 0u);
  EXPECT_EQ(c.added, 10u);
  ASSERT_THAT(c.gaps, SizeIs(2));
  EXPECT_EQ(c.gaps[1].first, 30u);
  EXPECT_EQ(c.gaps[1].last, 32u);
  EXPECT_NEAR(c.most, 0.03, 1e-9);
  EXPECT_EQ(compare_marks(later, file_of(0, 50))[0].after, 10u);
}

// A file that is played again and again, a sender in two streams of one file.
TEST(ComparedMarks, TheFirstOfEachNumberCountsInTheStreamThatShowsMost) {
  const MarkedFile sent = file_of(0, 9);
  MarkedFile later;
  show(later, 3, 0.5, 1, 2);
  for (const double from : {1.0, 5.0})
    for (uint32_t n = 0; n <= 9; ++n) show(later, n, from + n * 0.04);
  const auto all = compare_marks(sent, later);
  EXPECT_EQ(all[0].common, 10u);
  EXPECT_NEAR(all[0].shift, 1, 1e-9);
  EXPECT_NEAR(all[0].least, 0, 1e-9);
  EXPECT_NEAR(all[0].most, 0, 1e-9);
}

// What had not come was not recorded either, and is no gap of the recording.
TEST(ComparedMarks, AGapIsOfWhatTheEarlierFileHas) {
  MarkedFile received, recorded;
  for (const uint32_t n : {1, 2, 3, 10, 11}) show(received, n, n * 0.04);
  for (const uint32_t n : {1, 6, 11}) show(recorded, n, n * 0.04);
  const auto gaps = compare_marks(received, recorded)[0].gaps;
  ASSERT_THAT(gaps, SizeIs(2));
  EXPECT_EQ(gaps[0].first, 2u);
  EXPECT_EQ(gaps[0].last, 3u);
  EXPECT_EQ(gaps[1].first, 10u);
  EXPECT_EQ(gaps[1].last, 10u);
}

TEST(ComparedMarks, WhoIsInOneFileAloneIsSaid) {
  MarkedFile later;
  show(later, 1, 0, 9);
  const auto all = compare_marks(file_of(0, 3), later);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(to_text(all[0]), "source 1: none of its 4 pictures");
  EXPECT_EQ(all[0].missing, 4u);
  EXPECT_EQ(to_text(all[1]), "source 9: 1 picture that the other has not");
  EXPECT_EQ(all[1].added, 1u);
  EXPECT_EQ(to_json(all[0]).at("missing").whole(), 4);
  EXPECT_TRUE(to_json(all[0]).at("times").is_null());
}

TEST(ComparedMarks, ManyGapsAreCounted) {
  MarkedFile later;
  for (uint32_t n = 0; n < 60; n += 2) show(later, n, n * 0.04);
  EXPECT_THAT(
      to_text(compare_marks(file_of(0, 59), later)[0]),
      testing::HasSubstr("29 missing in between: 1 3 5 7 9 11 13 15 17 19 21 23 and 17 gaps more"));
}

// One that is seen and heard, and one that is heard alone.
struct Heard {
  MarkedFile seen, alone;
};
Heard heard(uint16_t source, uint32_t chirps, double late) {
  Heard out;
  out.seen.sources.push_back({.source = source});
  out.seen.sources[0].heard.push_back({.skew = {.stream = 1}});
  out.alone.sounds.push_back({.stream = 0});
  for (uint32_t n = 0; n < chirps; ++n) {
    out.seen.sources[0].heard[0].chirps.push_back({n * 1.0, n});
    out.alone.sounds[0].chirps.push_back({n + late, chirp_goes_up(source, n)});
    out.alone.sounds[0].strays.push_back(n + late);
  }
  return out;
}

TEST(ComparedChirps, GoWithPicturesOrByTheirDirections) {
  const Heard made = heard(3, 20, 0.25);
  for (const bool turned : {false, true}) {
    const auto all =
        turned ? compare_chirps(made.alone, made.seen) : compare_chirps(made.seen, made.alone);
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].source, 3);
    EXPECT_EQ(all[0].common, 20u);
    EXPECT_NEAR(all[0].shift, turned ? -0.25 : 0.25, 1e-9);
  }
  EXPECT_EQ(to_text(compare_chirps(made.seen, made.alone)[0]),
            "source 3: 0 to 19: 20 of 20 chirps, 0 missing in between; times +0.250 s, even to 0.0 "
            "ms");
}

void expect_one_is_missing(const std::vector<ComparedSource>& all, uint32_t number) {
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].missing, 1u);
  ASSERT_THAT(all[0].gaps, SizeIs(1));
  EXPECT_EQ(all[0].gaps[0].first, number);
}

TEST(ComparedChirps, SaysWhatIsMissing) {
  Heard made = heard(3, 40, 0);
  auto& later = made.alone.sounds[0].chirps;
  later.erase(later.begin() + 30);
  made.alone.sounds[0].strays.pop_back();
  expect_one_is_missing(compare_chirps(made.seen, made.alone), 30);
}

TEST(ComparedChirps, OfNobodyKnownAreComparedByTheirPlaces) {
  const auto all = compare_chirps(heard(3, 20, 0).alone, heard(3, 18, 1).alone);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_FALSE(all[0].source);
  EXPECT_EQ(all[0].common, 18u);
  EXPECT_EQ(all[0].after, 2u);
  EXPECT_THAT(to_text(all[0]), testing::StartsWith("a sound of nobody known: "));
  EXPECT_TRUE(to_json(all[0]).at("source").is_null());
}

// Its camera was off: its sound went on.
TEST(ComparedChirps, OfPicturesThatDidNotComeAreThere) {
  const Heard sent = heard(3, 40, 0);
  Heard made = heard(3, 40, 0);
  MarkedFile& later = made.seen;
  later.sounds.push_back({.stream = 1, .chirps = made.alone.sounds[0].chirps});
  std::erase_if(later.sources[0].heard[0].chirps,
                [](auto& chirp) { return chirp.number > 10 && chirp.number < 20; });
  later.sounds[0].chirps.erase(later.sounds[0].chirps.begin() + 15);
  expect_one_is_missing(compare_chirps(sent.seen, later), 15);
}

// Another one's fit nowhere.
TEST(ComparedChirps, OfSomebodyElseHaveNothingInCommon) {
  const auto all = compare_chirps(heard(3, 20, 0).seen, heard(4, 20, 0).alone);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].common + all[1].common, 0u);
}

}  // namespace
}  // namespace callbot::quality
