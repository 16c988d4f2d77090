#include "quality/compared_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/audio_mark.h"
#include "base/text.h"
#include "quality/chirp_numbers.h"

namespace callbot::quality {
namespace {

constexpr size_t kMostTold = 12;  // gaps, in words

using Times = std::map<uint32_t, double>;                  // of each number, where it is first
using Senders = std::map<std::optional<uint16_t>, Times>;  // none: nobody known

void keep_most(Times& most, Times times) {
  if (times.size() > most.size()) most = std::move(times);
}

Senders pictures_of(const MarkedFile& file) {
  std::map<std::pair<uint16_t, int>, Times> found;
  for (const ReadPicture& picture : file.each) {
    for (const VideoMark& mark : picture.marks)
      found[{mark.source, picture.stream}].emplace(mark.counter, picture.time);
  }
  Senders senders;
  for (auto& [where, times] : found) keep_most(senders[where.first], std::move(times));
  return senders;
}

// A chirp whose picture did not come counts on from the nearest one that goes with one.
void count_on(uint16_t source, const std::vector<FileChirp>& chirps, Times& times) {
  constexpr double kTolerance = 0.2;  // s, over kFar
  constexpr double kFar = 60;         // s
  std::map<double, uint32_t> numbers;
  for (const auto& [number, time] : times) numbers[time] = number;
  for (const FileChirp& chirp : chirps) {
    auto nearest = numbers.lower_bound(chirp.time);
    if (nearest == numbers.end() ||
        (nearest != numbers.begin() &&
         chirp.time - std::prev(nearest)->first < nearest->first - chirp.time))
      nearest = std::prev(nearest);
    const double apart = chirp.time - nearest->first, whole = std::round(apart);
    const double number = nearest->second + whole;
    if (whole == 0 || std::abs(apart) > kFar || std::abs(apart - whole) > kTolerance || number < 0)
      continue;
    if (chirp_goes_up(source, static_cast<uint64_t>(number)) == chirp.up)
      times.emplace(static_cast<uint32_t>(number), chirp.time);
  }
}

// Whose pictures a sound goes with: one sender's, or several ones' that were mixed.
bool is_of_one(const MarkedFile& file, int stream) {
  return std::count_if(file.sources.begin(), file.sources.end(), [stream](auto& source) {
           return std::any_of(source.heard.begin(), source.heard.end(),
                              [stream](auto& heard) { return heard.skew.stream == stream; });
         }) == 1;
}

// Chirps that go with pictures. What may be another's as well is there all the same.
Senders heard_with_pictures(const MarkedFile& file) {
  Senders senders;
  for (const MarkedSource& source : file.sources) {
    for (const HeardSound& heard : source.heard) {
      Times times;
      for (const auto* some : {&heard.chirps, &heard.unsure})
        for (const NumberedChirp& chirp : *some) times.emplace(chirp.number, chirp.time);
      if (times.empty()) continue;
      for (const MarkedSound& sound : file.sounds)
        if (sound.stream == heard.skew.stream && is_of_one(file, sound.stream))
          count_on(source.source, sound.chirps, times);
      keep_most(senders[source.source], std::move(times));
    }
  }
  return senders;
}

size_t in_common(const Times& a, const Times& b) {
  return static_cast<size_t>(
      std::count_if(a.begin(), a.end(), [&](auto& one) { return b.contains(one.first); }));
}

// Sounds that go with nobody's pictures in their own file.
Senders heard_alone(const MarkedFile& file, const Senders& of_the_other) {
  Senders senders;
  for (const MarkedSound& sound : file.sounds) {
    if (sound.strays.size() < sound.chirps.size()) continue;
    const auto places = chirp_places(sound.chirps);
    if (places.empty()) continue;
    std::optional<uint16_t> whose;
    Times times = places;
    size_t most = 0;
    for (const auto& [source, theirs] : of_the_other) {
      if (!source) continue;
      Times numbered;
      for (const auto& [place, time] : places) numbered.emplace(chirp_number(*source, place), time);
      const size_t common = in_common(numbered, theirs);
      if (common <= most) continue;
      most = common;
      whose = source;
      times = std::move(numbered);
    }
    keep_most(senders[whose], std::move(times));
  }
  return senders;
}

void add(Senders& to, Senders senders) {
  for (auto& [source, times] : senders) keep_most(to[source], std::move(times));
}

void count_missing(const Times& earlier, const Times& later, ComparedSource& to) {
  for (const auto& [number, time] : earlier) {
    if (later.contains(number)) {
      ++to.common;
      continue;
    }
    ++to.missing;
    if (later.empty() || number < to.span.first) {
      ++to.before;
    } else if (number > to.span.last) {
      ++to.after;
    } else if (!to.gaps.empty() && number == to.gaps.back().last + 1) {
      to.gaps.back().last = number;
    } else {
      to.gaps.push_back({number, number});
    }
  }
  to.added = later.size() - to.common;
}

void shift_times(const Times& earlier, const Times& later, ComparedSource& to) {
  std::vector<double> shifts;
  for (const auto& [number, time] : later) {
    const auto found = earlier.find(number);
    if (found != earlier.end()) shifts.push_back(time - found->second);
  }
  if (shifts.empty()) return;
  std::sort(shifts.begin(), shifts.end());
  to.shift = shifts[shifts.size() / 2];
  to.least = shifts.front() - to.shift;
  to.most = shifts.back() - to.shift;
}

std::string numbers_text(const Numbers& n) {
  return n.first == n.last ? fmt::format("{}", n.first) : fmt::format("{}-{}", n.first, n.last);
}

Json to_json(const Numbers& n) { return Json::object().set("first", n.first).set("last", n.last); }

std::vector<ComparedSource> compare(const Senders& before, const Senders& after, const char* what) {
  std::set<std::optional<uint16_t>> all;
  for (const auto* sources : {&before, &after})
    for (const auto& [source, times] : *sources) all.insert(source);
  std::vector<ComparedSource> out;
  static const Times none;
  for (const auto& source : all) {
    const auto of = [&](auto& sources) -> const Times& {
      const auto found = sources.find(source);
      return found == sources.end() ? none : found->second;
    };
    const Times &a = of(before), &b = of(after);
    ComparedSource one{source, what, a.size(), b.size()};
    if (!b.empty()) one.span = {b.begin()->first, b.rbegin()->first};
    count_missing(a, b, one);
    shift_times(a, b, one);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::vector<ComparedSource> compare_marks(const MarkedFile& earlier, const MarkedFile& later) {
  return compare(pictures_of(earlier), pictures_of(later), "picture");
}

std::vector<ComparedSource> compare_chirps(const MarkedFile& earlier, const MarkedFile& later) {
  Senders before = heard_with_pictures(earlier), after = heard_with_pictures(later);
  Senders alone_before = heard_alone(earlier, after), alone_after = heard_alone(later, before);
  add(before, std::move(alone_before));
  add(after, std::move(alone_after));
  return compare(before, after, "chirp");
}

std::string to_text(const ComparedSource& c) {
  const std::string who =
      c.source ? fmt::format("source {}", *c.source) : "a sound of nobody known";
  if (c.later == 0) return fmt::format("{}: none of its {}", who, counted(c.earlier, c.what));
  if (c.earlier == 0)
    return fmt::format("{}: {} that the other has not", who, counted(c.later, c.what));
  std::string text = fmt::format("{}: {} to {}: {} of {}", who, c.span.first, c.span.last, c.common,
                                 counted(c.earlier, c.what));
  if (c.before > 0) text += fmt::format(", {} before", c.before);
  if (c.after > 0) text += fmt::format(", {} behind", c.after);
  text += fmt::format(", {} missing in between", c.missing - c.before - c.after);
  for (size_t i = 0; i < std::min(c.gaps.size(), kMostTold); ++i)
    text += (i == 0 ? ": " : " ") + numbers_text(c.gaps[i]);
  if (c.gaps.size() > kMostTold)
    text += fmt::format(" and {} more", counted(c.gaps.size() - kMostTold, "gap"));
  if (c.added > 0) text += fmt::format(", {} that the other has not", c.added);
  if (c.common > 0)
    text += fmt::format("; times {:+.3f} s, even to {:.1f} ms", c.shift,
                        std::max({0.0, -c.least, c.most}) * 1000);
  return text;
}

Json to_json(const ComparedSource& c) {
  Json gaps = Json::array();
  for (const Numbers& gap : c.gaps) gaps.add(to_json(gap));
  return Json::object()
      .set_if(c.source.has_value(), "source", int{c.source.value_or(0)})
      .set("earlier", c.earlier)
      .set("later", c.later)
      .set_if(c.later > 0, "span", to_json(c.span))
      .set("common", c.common)
      .set("missing", c.missing)
      .set("before", c.before)
      .set("after", c.after)
      .set("gaps", gaps)
      .set("added", c.added)
      .set_if(c.common > 0, "times",
              Json::object().set("median", c.shift).set("least", c.least).set("most", c.most));
}

}  // namespace callbot::quality
