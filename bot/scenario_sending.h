// bot/scenario_sending.h: what one actor of a scenario sends: its camera and microphone and, where
// a step shares one, its screen, as one source. The m-lines of the screen and of the codecs that
// steps switch to are there from the beginning, and silent, and other media take the place of the
// first in its streams, so that no connection has to be made anew.
//
// Thread:  loop; plans are plain values.
// Owner:   bot::ScenarioActor; its source outlives its calls.
// Fails:   create: as make_source; switch_to: kUsage, with what cannot be switched.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bot/feed_source.h"
#include "bot/scenario_looks.h"
#include "bot/scenario_samples.h"
#include "pipelines/joined_source.h"
#include "pipelines/spliced_source.h"
#include "scenarios/scenario.h"

namespace callbot::bot {

// The marks of an actor's screen have its number and this.
constexpr uint16_t kScreenMarks = 0x8000;

// How it is to be made, and what was read of it (ScenarioFeeds), where there is something to read.
struct ActorFeeds {
  struct Feed {
    std::string media;  // its name in the scenario
    std::string codec;  // of its picture
    bool own = true;    // the one that it has where no step says another
    FeedPlan plan;
    ReadFeeds read;
  };
  // What it sends, then what steps switch to; the same media may be there in several codecs.
  std::vector<Feed> media;
  std::optional<Feed> screen;
  bool reads() const;
  // Of the marked screen; 0: there is none.
  int screen_fps() const;
};
// `number`: of its marks. Nothing: it sends nothing.
std::optional<ActorFeeds> feeds_of(const scenarios::Scenario& scenario,
                                   const scenarios::Instance& who, uint16_t number);
// The first step in which it shares a screen; null: none.
const scenarios::Step* shares_screen(const scenarios::Scenario& scenario,
                                     const scenarios::Instance& who);

// So many lines of video anybody needs, at most, to send his own and receive somebody else's: each
// codec has its own.
int video_lines(const scenarios::Scenario& scenario);

class ScenarioSending {
 public:
  static Result<std::unique_ptr<ScenarioSending>> create(Loop& loop, const Log& log,
                                                         ActorFeeds feeds);

  pipelines::Source* source() { return source_.get(); }
  Result<> start() { return source_->start(); }
  // Its media has any of it, on or off.
  bool sends(MediaKind kind) const;
  // Camera or microphone.
  void set_on(MediaKind kind, bool on);
  void share_screen(bool on);
  struct Switched {
    std::string text;  // to what, or from which frame on
    // The pattern has another rate from this frame on.
    std::optional<std::pair<uint32_t, double>> rate = {};
  };
  // To other media, to another codec of the picture, or size, rate and bitrate of the pattern.
  // Frames of all patterns that take one another's place are numbered alike: media of another rate
  // come at the one there is, and change it with the next second.
  Result<Switched> switch_to(const scenarios::Step& step);

  // Of all patterns that were sent in turn, by media and codec: each rendition's, the best first.
  // Empty where there is no picture or sound of one.
  EncoderStats stats(MediaKind kind) const;
  EncoderStats screen_stats() const;  // of its marked screen
  // Of the camera.
  std::shared_ptr<const PatternLooks> looks() const { return looks_; }
  // "camera", "microphone" or "screen".
  std::string stream_name(size_t stream) const;
  int64_t begin_ns() const { return pattern_ == nullptr ? 0 : pattern_->begin_ns(); }
  // Of its marked screen; 0: it has none.
  int64_t screen_begin_ns() const { return drawn_ == nullptr ? 0 : drawn_->begin_ns(); }

 private:
  ScenarioSending(Loop& loop, Log log) : loop_(loop), log_(std::move(log)) {}
  using Name = std::pair<std::string, std::string>;  // media and codec
  struct Made {
    MadeSource source;
    int fps = 0;  // that its media says; 0: no picture of the pattern
    std::optional<PatternLook> look = {};
  };
  std::string own_codec(const std::string& media) const;
  Result<Made*> make(const Name& name);
  Result<std::vector<pipelines::SourceStream>> streams_of(const ActorFeeds::Feed& feed);
  Result<> switch_media(const Name& name, Switched& switched);
  Result<> switch_rate(int fps, Switched& switched);
  Result<> switch_look(const scenarios::Step& step, Switched& switched);
  int64_t began_ns() const;
  uint32_t frame_after(int64_t at_ns) const;

  Loop& loop_;
  Log log_;
  std::vector<ActorFeeds::Feed> feeds_;  // that are not made yet
  std::map<Name, Made> made_;
  Name current_;
  scenarios::Step look_;  // what steps changed of the pattern that is sent: its size and bitrate
  std::vector<pipelines::PatternSwitch> rates_;  // that all patterns have changed to
  int first_fps_ = 0, fps_ = 0;  // of all patterns, at first and now; 0: there is none
  const std::shared_ptr<PatternLooks> looks_ = std::make_shared<PatternLooks>();
  pipelines::TestPattern* pattern_ = nullptr;    // of the camera or the microphone
  pipelines::SplicedSource* spliced_ = nullptr;  // of source_
  std::unique_ptr<pipelines::JoinedSource> source_;
  std::optional<size_t> screen_;             // its stream
  pipelines::TestPattern* drawn_ = nullptr;  // of the screen
};

}  // namespace callbot::bot
