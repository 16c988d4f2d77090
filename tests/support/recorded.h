// tests/support/recorded.h: what a recording on disk holds, for tests to look at.
//
// Thread:  one.
// Owner:   plain values.
// Fails:   as a test failure of what could not be read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "recordings/lanes.h"
#include "recordings/manifest.h"

namespace callbot::test {

struct Recorded {
  explicit Recorded(const std::filesystem::path& folder);

  recordings::Manifest manifest;
  std::vector<recordings::Event> events;
  std::vector<recordings::Lane> lanes;

  std::vector<std::string> files() const;
  // The participant's lane; an empty one if there is none.
  recordings::Lane lane(const std::string& participant, MediaKind kind) const;
  std::vector<recordings::Event> of_kind(recordings::EventKind kind) const;
};

// Over all files, in order.
size_t packet_count(const recordings::Lane& lane);
size_t undecodable_count(const recordings::Lane& lane);
std::vector<recordings::ProbedPicture> pictures(const recordings::Lane& lane);
// The mark counters of all pictures; -1 where there is none.
std::vector<int64_t> counters(const recordings::Lane& lane);
std::vector<int64_t> counting(int64_t from, int64_t count);
std::vector<double> chirp_times(const recordings::Lane& lane);

}  // namespace callbot::test
