#include "quality/chirp_numbers.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

constexpr double kLongest = 1.1;  // seconds from one chirp to the next
constexpr int64_t kSequence = (1 << 15) - 1;

struct Row {
  std::span<const FileChirp> chirps;
  std::optional<int64_t> place = {};  // of its first one
};

std::optional<int64_t> place_of(std::span<const FileChirp> row) {
  std::vector<FoundChirp> found;
  for (const FileChirp& chirp : row)
    found.push_back({.position = chirp.time * kMarkSampleRate, .up = chirp.up});
  const auto place = chirp_place(found);
  return place ? std::optional(static_cast<int64_t>(*place)) : std::nullopt;
}

std::vector<Row> rows_of(const std::vector<FileChirp>& chirps) {
  std::vector<Row> rows;
  for (size_t begin = 0, i = 1; i <= chirps.size(); ++i) {
    if (i < chirps.size() && chirps[i].time - chirps[i - 1].time < kLongest) continue;
    rows.push_back({std::span(chirps).subspan(begin, i - begin)});
    rows.back().place = place_of(rows.back().chirps);
    begin = i;
  }
  return rows;
}

// Seconds between them: none where they overlap.
double apart(const Row& a, const Row& b) {
  return std::max(a.chirps.front().time - b.chirps.back().time,
                  b.chirps.front().time - a.chirps.back().time);
}

bool goes_as(const Row& row, int64_t place) {
  for (size_t i = 0; i < row.chirps.size(); ++i)
    if (row.chirps[i].up != chirp_goes_up(static_cast<uint64_t>(place) + i)) return false;
  return true;
}

std::optional<int64_t> counted_on(const Row& row, const std::vector<Row>& rows) {
  const Row* nearest = nullptr;
  for (const Row& other : rows) {
    if (!other.place) continue;
    if (nearest == nullptr || apart(other, row) < apart(*nearest, row)) nearest = &other;
  }
  if (nearest == nullptr) return std::nullopt;
  const auto seconds =
      std::llround(row.chirps.front().time - nearest->chirps.front().time) % kSequence;
  const int64_t place = (*nearest->place + seconds + kSequence) % kSequence;
  return goes_as(row, place) ? std::optional(place) : std::nullopt;
}

}  // namespace

std::map<uint32_t, double> chirp_places(const std::vector<FileChirp>& chirps) {
  std::map<uint32_t, double> times;
  const std::vector<Row> rows = rows_of(chirps);
  for (const Row& row : rows) {
    const auto first = row.place ? row.place : counted_on(row, rows);
    for (size_t i = 0; first && i < row.chirps.size(); ++i)
      times.emplace((*first + static_cast<int64_t>(i)) % kSequence, row.chirps[i].time);
  }
  return times;
}

uint32_t chirp_number(uint16_t source, uint32_t place) {
  const auto first = static_cast<int64_t>(chirp_place(source, 0));
  return static_cast<uint32_t>((int64_t{place} - first + kSequence) % kSequence);
}

}  // namespace callbot::quality
