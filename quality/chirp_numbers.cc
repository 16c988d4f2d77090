#include "quality/chirp_numbers.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

constexpr double kTolerance = 0.1;  // seconds: chirps come one second after the other
constexpr size_t kSaysPlace = 15;   // of the sequence's 15 bits: any 15 are somewhere in it
constexpr size_t kSure = 20;        // one that was read wrong is hardly among them
constexpr size_t kAnew = 30;        // nor anywhere in a long file
constexpr int64_t kSequence = (1 << 15) - 1;

struct Row {
  std::span<const FileChirp> chirps;
  std::optional<int64_t> place = {};  // of its first one
};

size_t fitting(std::span<const FileChirp> row, int64_t place) {
  size_t n = 0;
  while (n < row.size() && row[n].up == chirp_goes_up(static_cast<uint64_t>(place) + n)) ++n;
  return n;
}

std::optional<int64_t> place_of(std::span<const FileChirp> row) {
  if (row.size() < kSaysPlace) return std::nullopt;
  std::vector<FoundChirp> found;
  for (const FileChirp& chirp : row.first(kSaysPlace))
    found.push_back({.position = chirp.time * kMarkSampleRate, .up = chirp.up});
  const auto place = chirp_place(found);
  return place ? std::optional(static_cast<int64_t>(*place)) : std::nullopt;
}

// What of a row fits the place that its first chirps say.
Row part_at(std::span<const FileChirp> row) {
  const auto place = place_of(row);
  return {row.first(place ? fitting(row, *place) : 0), place};
}

// The same a chirp later: those that are left still say their place.
Row next_of(const Row& part) { return {part.chirps.subspan(1), (*part.place + 1) % kSequence}; }

// A row of chirps a second apart in which some were read wrong: the longest part that says where it
// is, by itself, tells where the others are; but for a sender that began anew, who says so at
// length.
void add_parts(std::vector<Row>& to, std::span<const FileChirp> row) {
  std::vector<Row> parts;
  size_t longest = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    parts.push_back(i > 0 && parts.back().chirps.size() > kSaysPlace ? next_of(parts.back())
                                                                     : part_at(row.subspan(i)));
    if (parts[i].chirps.size() > parts[longest].chirps.size()) longest = i;
  }
  const size_t most = parts[longest].chirps.size();
  if (most != row.size() && most < kSure) return to.push_back({row});
  const auto there = [&](size_t i) {
    const auto by = static_cast<int64_t>(i) - static_cast<int64_t>(longest);
    return ((*parts[longest].place + by) % kSequence + kSequence) % kSequence;
  };
  for (size_t i = 0; i < row.size();) {
    const bool anew = parts[i].chirps.size() >= kAnew && parts[i].place != there(i);
    const Row part = anew ? parts[i] : Row{row.subspan(i, 1), there(i)};
    if (anew || fitting(part.chirps, *part.place) == 1) to.push_back(part);
    i += part.chirps.size();
  }
}

std::vector<Row> rows_of(const std::vector<FileChirp>& chirps) {
  std::vector<Row> rows;
  for (size_t begin = 0, i = 1; i <= chirps.size(); ++i) {
    if (i < chirps.size() && std::abs(chirps[i].time - chirps[i - 1].time - 1) <= kTolerance)
      continue;
    add_parts(rows, std::span(chirps).subspan(begin, i - begin));
    begin = i;
  }
  return rows;
}

// Seconds between them: none where they overlap.
double apart(const Row& a, const Row& b) {
  return std::max(a.chirps.front().time - b.chirps.back().time,
                  b.chirps.front().time - a.chirps.back().time);
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
  return fitting(row.chirps, place) == row.chirps.size() ? std::optional(place) : std::nullopt;
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
