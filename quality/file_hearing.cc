#include "quality/file_hearing.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace callbot::quality {
namespace {

constexpr double kFlashApart = 1;    // seconds: those of a chirp each second
constexpr double kChirpApart = 0.1;  // seconds: a chirp's 80 ms, and what they scatter by

void add_within(const std::vector<double>& times, const Stretch& span, std::vector<double>& to) {
  std::copy_if(times.begin(), times.end(), std::back_inserter(to),
               [&](double time) { return time >= span.from && time <= span.to; });
}

void add_within(const std::vector<NumberedChirp>& chirps, const Stretch& span,
                std::vector<double>& to) {
  for (const NumberedChirp& chirp : chirps)
    if (chirp.time >= span.from && chirp.time <= span.to) to.push_back(chirp.time);
}

const HeardSound* heard_in(const MarkedSource& source, int stream) {
  const auto heard = std::find_if(source.heard.begin(), source.heard.end(),
                                  [&](auto& h) { return h.skew.stream == stream; });
  return heard == source.heard.end() ? nullptr : &*heard;
}

// Nobody's chirps that may be its: where it is heard at all, its pictures say which are not.
std::vector<double> strays_of(const MarkedSource& source, const MarkedSound& sound) {
  if (heard_in(source, sound.stream) == nullptr) return sound.strays;
  std::vector<double> out;
  for (const double time : sound.strays) {
    const auto flash =
        std::lower_bound(source.flashes.begin(), source.flashes.end(), time - kFlashApart);
    if (flash == source.flashes.end() || *flash > time + kFlashApart) out.push_back(time);
  }
  return out;
}

std::vector<double> chirps_of_others(const MarkedFile& file, const MarkedSource& source, int stream,
                                     const Stretch& span) {
  std::vector<double> out;
  for (const MarkedSource& other : file.sources) {
    const HeardSound* heard = heard_in(other, stream);
    if (other.source != source.source && heard != nullptr)
      add_within(heard->chirps, {span.from - kChirpApart, span.to + kChirpApart}, out);
  }
  return out;
}

// Of two chirps at once, as bots of one process have them in a mix, only one is found.
std::string hidden(const MarkedFile& file, const MarkedSource& source, const Stretch& span) {
  std::vector<double> flashes;
  add_within(source.flashes, span, flashes);
  for (const MarkedSound& sound : file.sounds) {
    const std::vector<double> others = chirps_of_others(file, source, sound.stream, span);
    if (others.empty()) continue;
    if (flashes.empty()) return "its picture does not say when its chirps would come";
    const HeardSound* heard = heard_in(source, sound.stream);
    const double late = heard == nullptr ? 0 : heard->skew.median;
    const auto covered =
        static_cast<size_t>(std::count_if(flashes.begin(), flashes.end(), [&](double flash) {
          return std::any_of(others.begin(), others.end(), [&](double time) {
            return std::abs(time - flash - late) < kChirpApart;
          });
        }));
    if (covered * 2 > flashes.size())
      return fmt::format("where {} of {} would come, there are another's", covered,
                         chirps_text(flashes.size()));
  }
  return "";
}

}  // namespace

Hearing hearing_of(const MarkedFile& file, const MarkedSource& source, const Stretch& span) {
  Hearing out;
  std::vector<double> unsure, strays;
  for (const HeardSound& sound : source.heard) {
    add_within(sound.chirps, span, out.chirps);
    add_within(sound.unsure, span, unsure);
  }
  std::sort(out.chirps.begin(), out.chirps.end());
  for (const MarkedSound& sound : file.sounds) add_within(strays_of(source, sound), span, strays);
  if (!out.chirps.empty()) return out;
  if (!unsure.empty())
    out.unknown = chirps_text(unsure.size()) + " may be its or another's";
  else if (!strays.empty())
    out.unknown = chirps_text(strays.size()) + (strays.size() == 1 ? " is" : " are") +
                  " of nobody that is seen";
  else
    out.unknown = hidden(file, source, span);
  return out;
}

std::string chirps_text(size_t count) {
  return fmt::format("{} chirp{}", count, count == 1 ? "" : "s");
}

}  // namespace callbot::quality
