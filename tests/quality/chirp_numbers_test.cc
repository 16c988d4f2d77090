#include "quality/chirp_numbers.h"

#include <gmock/gmock.h>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// Chirps `first` to `last` of a source, the first one at `from` seconds.
std::vector<FileChirp> chirps(uint16_t source, uint64_t first, uint64_t last, double from = 0) {
  std::vector<FileChirp> out;
  for (uint64_t n = first; n <= last; ++n)
    out.push_back({from + static_cast<double>(n - first), chirp_goes_up(source, n)});
  return out;
}
std::map<uint32_t, double> numbers(uint16_t source, const std::vector<FileChirp>& found) {
  std::map<uint32_t, double> out;
  for (const auto& [place, time] : chirp_places(found)) out[chirp_number(source, place)] = time;
  return out;
}

TEST(ChirpNumbers, FifteenInARowSayTheirs) {
  const auto found = numbers(9, chirps(9, 100, 114, 2.5));
  ASSERT_THAT(found, SizeIs(15));
  EXPECT_EQ(found.begin()->first, 100u);
  EXPECT_NEAR(found.at(114), 16.5, 1e-9);
  EXPECT_THAT(chirp_places(chirps(9, 100, 113)), IsEmpty()) << "fourteen do not";
  EXPECT_THAT(chirp_places({}), IsEmpty());
}

TEST(ChirpNumbers, ShorterRowsCountOnFromTheNearest) {
  auto found = chirps(9, 0, 59);
  std::erase_if(found, [](auto& c) { return (c.time > 3.5 && c.time < 6.5) || c.time == 40; });
  const auto all = numbers(9, found);
  EXPECT_THAT(all, SizeIs(56));
  EXPECT_FALSE(all.contains(5));
  EXPECT_FALSE(all.contains(40));
  EXPECT_NEAR(all.at(3), 3, 1e-9);
}

TEST(ChirpNumbers, ARowThatGoesOtherwiseHasNone) {
  auto found = chirps(9, 0, 29);
  for (FileChirp chirp : chirps(9, 3, 12, 40)) found.push_back(chirp);  // it began anew
  EXPECT_THAT(numbers(9, found), SizeIs(30));
}

TEST(ChirpNumbers, OneThatIsReadWrongIsLeftOut) {
  auto found = chirps(9, 0, 59);
  found[25].up = !found[25].up;
  const auto all = numbers(9, found);
  EXPECT_THAT(all, SizeIs(59));
  EXPECT_FALSE(all.contains(25));
  found[5].up = !found[5].up;
  EXPECT_THAT(numbers(9, found), SizeIs(58)) << "and what is before it counts on";
}

// A recorder that left out 200 ms, and one that found something that is none.
TEST(ChirpNumbers, GoOnWhereTheFileWasCut) {
  auto found = chirps(9, 0, 59);
  for (size_t n = 30; n < found.size(); ++n) found[n].time -= 0.2;
  EXPECT_THAT(numbers(9, found), SizeIs(60));
  found.insert(found.begin() + 40, {39.3, true});
  const auto all = numbers(9, found);
  EXPECT_THAT(all, SizeIs(60));
  EXPECT_NEAR(all.at(39), 38.8, 1e-9);
}

// The sequence's end, and a source that begins near it.
TEST(ChirpNumbers, GoOnOverTheSequencesEnd) {
  for (uint16_t source = 1; source < 400; ++source) {
    const auto found = numbers(source, chirps(source, 7, 26));
    ASSERT_THAT(found, SizeIs(20)) << source;
    EXPECT_EQ(found.begin()->first, 7u) << source;
  }
}

}  // namespace
}  // namespace callbot::quality
