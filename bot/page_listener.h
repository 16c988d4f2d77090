// bot/page_listener.h: what a browser's page hears of others, measured by the chirps in it: delay,
// missing, double, somebody else's, and against the marked pictures that the page shows.
//
//   observer.js ─▶ HeardSound ─▶ PageEar ─▶ quality's ChirpMeter ─▶ series
//                  ShownFrame ─────────────────────▶ SkewMeter ──┘
//
// A sample is heard when it leaves the browser's jitterbuffer, a picture when it is displayed. What
// a sound card adds is not in it.
//
// Of several tracks of one member, as of one who came back before the page knew that he was gone,
// that counts which chirped last.
//
// Thread:  loop.
// Owner:   bot::ScenarioPage; the logs outlive it.
// Fails:   never: what cannot be measured is a series that says why.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metric.h"
#include "bot/page_ear.h"
#include "browsers/page_marks.h"
#include "browsers/page_sound.h"
#include "quality/chirp_meter.h"
#include "quality/mute.h"
#include "quality/series_set.h"
#include "quality/skew_meter.h"

namespace callbot::bot {

class PageListener {
 public:
  // `actor`: whose page it is. `log` may be null.
  PageListener(std::string actor, const quality::SenderLog* log);

  // Members are called as the page calls them. What is expected of one holds for what is heard of
  // him from then on.
  void expect(const std::string& member, const quality::Sender& sender);
  void muted(const std::string& member, bool muted, int64_t at_ns);
  // Nothing of him is due any more; or it is again.
  void stopped(const std::string& member, bool stops);
  // `uncertainty_s`: of the page's clock.
  void heard(const std::string& member, const browsers::HeardSound& sound, double uncertainty_s);
  void shown(const std::string& member, const browsers::ShownFrame& frame);
  // Told of each chirp that is not that member's, monotonic_ns().
  std::function<void(const std::string& member, int64_t at_ns)> on_stranger = {};
  // The page goes: what was due in what it heard, and did not come, is missing.
  void finish();
  std::vector<Series> take();  // since the last time

 private:
  struct Ear {
    Ear(const std::string& actor, const std::string& member);
    quality::Sender sender;
    quality::SeriesSet sound, person;
    quality::Mute mute;
    std::unique_ptr<quality::SkewMeter> skew;
    std::unique_ptr<quality::ChirpMeter> chirps;
    std::map<std::string, PageEar> tracks;
    std::string track;              // the one that counts
    std::optional<uint32_t> shown;  // the counter of the newest picture
    bool stopped = false;           // no sound of his is due
  };
  Ear& ear(const std::string& member);
  static quality::SkewMeter& person_of(Ear& ear);
  quality::ChirpMeter& chirps_of(const std::string& member, Ear& ear);
  static void forget_old(Ear& ear);

  const std::string actor_;
  const quality::SenderLog* log_;
  std::map<std::string, std::unique_ptr<Ear>> ears_;
  double uncertainty_s_ = 0;
};

}  // namespace callbot::bot
