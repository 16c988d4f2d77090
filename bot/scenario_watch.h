// bot/scenario_watch.h: what one actor of a scenario measures of what it receives in one call, as
// closely as its `verify` says.
//
//   Call ─▶ ScenarioWatch (a Sink: tracks get their actors' names) ─▶ pipelines::Recorder
//        ─▶ quality's Watcher ─▶ series, presence
//
// Thread:  loop; frame() on streaming threads.
// Owner:   bot::ScenarioActor, one for each call it joins; kept until the run ends. The measuring
//          outlives it.
// Fails:   never: what cannot be measured is a series that says why.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/folding.h"
#include "base/loop.h"
#include "bot/page_log.h"
#include "bot/scenario_looks.h"
#include "pipelines/recorder.h"
#include "pipelines/writer_pool.h"
#include "quality/watcher.h"
#include "scenarios/evidence.h"
#include "scenarios/scenario.h"

namespace callbot::bot {

// "camera" and "microphone" where the signaling does not say.
std::string stream_of(const TrackInfo& track);

// What all actors of a run share.
struct ScenarioMeasuring {
  std::shared_ptr<quality::PlannedLog> log = std::make_shared<quality::PlannedLog>();  // of bots
  std::shared_ptr<PageLog> pages = std::make_shared<PageLog>();  // of browsers
  std::shared_ptr<const quality::SenderLog> all = std::make_shared<quality::JoinedLog>(
      std::vector<std::shared_ptr<const quality::SenderLog>>{log, pages});
  std::shared_ptr<quality::Rotation> rotation = std::make_shared<quality::Rotation>();
  pipelines::WriterPool pool;         // decodes
  const FoldPlan* folding = nullptr;  // of what all of them measured
  // Where the scenario asks for it.
  Result<std::shared_ptr<quality::VmafQueue>> vmaf =
      fail(Code::kUnsupported, "nothing asks for it");
};

// What is known of an actor that sends our pattern, so that others can compare; `number` as in its
// marks, `seed` the pattern's.
struct KnownSender {
  const scenarios::Media* media = nullptr;
  std::string shown;
  uint16_t number = 0;
  uint64_t seed = 0;
  int64_t joined_ns = 0;
  int screen_fps = 0;  // of its marked screen; 0: it has none
  // A browser plays a file of so many frames, again and again, its sound beside it; 0: a bot.
  int round = 0;
  bool bare_screen = false;  // its screen carries no marks
  // Of its camera; null: as its media says, all the time.
  std::shared_ptr<const PatternLooks> looks = {};
};
// Of the camera; none: it is no pattern.
std::optional<PatternLook> look_of(const scenarios::Media& media, const KnownSender& sender);
quality::Member member_of(const KnownSender& sender);

class ScenarioWatch final : public pipelines::Sink {
 public:
  struct Config {
    const scenarios::Instance* who = nullptr;
    int64_t joined_ns = 0;
    uint64_t seed = 0;  // of the scenario: an actor's pattern has it plus its number
    std::map<uint16_t, uint64_t> seeds_elsewhere = {};  // number -> seed, of those who are not ours
    // An actor's name in evidence, of its name in the call.
    std::function<std::string(const std::string& shown)> name_of;
    // What a track carries now: one that says nothing of it may carry one thing after the other.
    std::function<std::string(const TrackInfo&)> stream_of;
    std::function<void(TrackId)> needs_key_frame;  // on the loop, also when this is gone
  };

  ScenarioWatch(Loop& loop, const Log& log, ScenarioMeasuring& measuring, Config config);

  // Of others, by their names in evidence: as in Watch.
  void expect(const std::string& name, const KnownSender& sender);
  void muted(const std::string& name, MediaKind media, bool muted, int64_t at_ns);
  void stopped(const std::string& name, const std::string& stream, bool stops);
  void covered(const std::string& name, int64_t until_ns) { watch_.covered(name, until_ns); }
  // Its track carries something else from now on.
  void changes(const TrackInfo& track);
  // What was measured since the last time.
  std::vector<Series> take();
  const quality::Watch& watch() const { return watch_; }

  // The call is over: what came is measured to its end.
  void finish();
  bool finished() const { return finished_; }

  void add_track(const TrackInfo& track) override;
  void frame(TrackId track, const Frame& frame) override { recorder_->frame(track, frame); }
  void remove_track(TrackId track) override { recorder_->remove_track(track); }
  void drain(Done done) override { recorder_->drain(std::move(done)); }

 private:
  quality::WatchConfig watch_config(Loop& loop, const ScenarioMeasuring& measuring);

  const Config config_;
  quality::Watch watch_;
  std::unique_ptr<pipelines::Recorder> recorder_;
  bool finishing_ = false, finished_ = false;
  Alive alive_;
};

}  // namespace callbot::bot
