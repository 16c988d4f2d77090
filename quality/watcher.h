// quality/watcher.h: measures all tracks that one actor receives: FrameWriter in, Series out.
//
//   pipelines::Recorder ─▶ Watcher (a FrameWriter) ─▶ a meter for each track ─▶ Series
//                          loop: Watch::snapshot(), presence()
//
// How closely, and what that costs, is the actor's `verify`:
//   none      nothing is looked at
//   headers   nothing is decoded: frames, sizes, key frames, quantiser, times, concealment
//   rotate    as headers, and the first frame of each track is decoded, and one member after the
//             other for some seconds (Rotation)
//   all       everything is decoded, all the time
//
// Thread:  Watch: any, locks for moments. The Watcher: the recorder's writer thread.
// Owner:   Watch is shared by the bot and the Watcher, which the recorder owns.
// Fails:   never: what cannot be measured is a series that says why.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/metric.h"
#include "quality/picture_meter.h"
#include "quality/presence.h"
#include "quality/rotation.h"
#include "quality/sender_log.h"
#include "quality/sound_meter.h"

namespace callbot::quality {

enum class Verify { kNone, kHeaders, kRotate, kAll };
std::optional<Verify> verify_level(std::string_view name);
const char* name_of(Verify verify);

struct WatchConfig {
  std::string actor;
  Verify verify = Verify::kHeaders;
  int64_t latency_ns = 0;  // of the modelled playout (quality/playout.h)
  int64_t joined_ns = 0;   // when the actor began to join, monotonic_ns(); 0: not known
  int64_t mute_grace_ns = 500'000'000;
  int64_t window_ns = 3'000'000'000;          // of kRotate
  std::shared_ptr<const SenderLog> log = {};  // none: no delays
  std::shared_ptr<Rotation> rotation = {};    // of kRotate: one for the whole process
  SentSound sent = {};                        // none: no audio.snr
  Result<std::shared_ptr<VmafQueue>> vmaf = fail(Code::kUnsupported, "nothing asks for it");
  std::function<void(TrackId)> needs_key_frame = {};  // kRotate; writer's thread
};

// What is told of a member, by its id or its display name.
struct Member {
  Sender sender = {};
  std::optional<Sender> screen = {};      // of its screen's marks; none: as those of its camera
  bool bare_screen = false;               // its screen carries no marks
  std::optional<Painting> painting = {};  // of its camera; none: no PSNR and SSIM
  int64_t joined_ns = 0;  // it began to join; what is counted from a join counts from the later one
};

class Watch {
 public:
  explicit Watch(WatchConfig config);
  ~Watch();

  // Best before its first frame; later it counts for tracks that begin then.
  void expect(const std::string& member, Member facts);
  // A member has muted its sound or picture, or is about to be no longer muted; monotonic_ns() when
  // that was told. Told too late, its first frames after the mute are leaks. A screen is shared all
  // the same.
  void muted(const std::string& member, MediaKind media, bool muted, int64_t at_ns);

  // `member` shares a screen without marks in its camera's place, until then at most: what of it
  // comes in its camera's stream, before the camera's next mark is read, need not carry one.
  void covered(const std::string& member, int64_t until_ns);

  // `member` stopped its stream, or all (empty), or nothing at all is received any more (both
  // empty): what stands still from then on is no freeze and lacks nothing. Until that is told, or
  // the track ends, it does.
  void stopped(const std::string& member, const std::string& stream, int64_t at_ns);
  void begins_again(const std::string& member, const std::string& stream);

  std::vector<Series> snapshot() const;
  // What was measured since the last time, and its samples are forgotten here (SeriesSet::take):
  // for who looks every second, and for calls of hours. Of av.drift the newest sample counts.
  std::vector<Series> take();
  const PresenceLog& senses() const;
  std::vector<PresenceSpan> presence() const;
  std::vector<PresenceSpan> looks() const;  // of kRotate: when something of whom was decoded
  std::vector<FirstDecoded> decoded() const;
  // How long after its arrival a frame was measured at most: what the jitterbuffer held it, and
  // what the queue did.
  int64_t most_behind_ns() const;

  struct State;
  std::shared_ptr<State> state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

// "camera", "screen"; the kind where the signaling does not say.
std::string stream_name(const TrackInfo& track);

// The writer for the actor's recorder. One for each Watch.
std::unique_ptr<FrameWriter> make_watcher(const Watch& watch);

}  // namespace callbot::quality
