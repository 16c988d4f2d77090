#include "quality/compared_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"

namespace callbot::quality {
namespace {

constexpr size_t kMostTold = 12;  // gaps, in words

using Times = std::map<uint32_t, double>;  // of each number, where it is first

std::map<uint16_t, Times> sources_of(const MarkedFile& file) {
  std::map<std::pair<uint16_t, int>, Times> found;
  for (const ReadPicture& picture : file.each) {
    for (const VideoMark& mark : picture.marks)
      found[{mark.source, picture.stream}].emplace(mark.counter, picture.time);
  }
  std::map<uint16_t, Times> sources;
  for (auto& [where, times] : found) {
    Times& most = sources[where.first];
    if (times.size() > most.size()) most = std::move(times);
  }
  return sources;
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

}  // namespace

std::vector<ComparedSource> compare_marks(const MarkedFile& earlier, const MarkedFile& later) {
  const auto before = sources_of(earlier), after = sources_of(later);
  std::set<uint16_t> all;
  for (const auto* sources : {&before, &after})
    for (const auto& [source, times] : *sources) all.insert(source);
  std::vector<ComparedSource> out;
  static const Times kNone;
  for (const uint16_t source : all) {
    const auto of = [&](auto& sources) -> const Times& {
      const auto found = sources.find(source);
      return found == sources.end() ? kNone : found->second;
    };
    const Times &a = of(before), &b = of(after);
    ComparedSource one{source, a.size(), b.size()};
    if (!b.empty()) one.span = {b.begin()->first, b.rbegin()->first};
    count_missing(a, b, one);
    shift_times(a, b, one);
    out.push_back(std::move(one));
  }
  return out;
}

std::string to_text(const ComparedSource& c) {
  if (c.later == 0)
    return fmt::format("source {}: none of its {}", c.source, counted(c.earlier, "picture"));
  if (c.earlier == 0)
    return fmt::format("source {}: {} that the other has not", c.source,
                       counted(c.later, "picture"));
  std::string text = fmt::format("source {}: {} to {}: {} of {}", c.source, c.span.first,
                                 c.span.last, c.common, counted(c.earlier, "picture"));
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
                        std::max(-c.least, c.most) * 1000);
  return text;
}

Json to_json(const ComparedSource& c) {
  Json gaps = Json::array();
  for (const Numbers& gap : c.gaps) gaps.add(to_json(gap));
  return Json::object()
      .set("source", int{c.source})
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
