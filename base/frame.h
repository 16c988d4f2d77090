// base/frame.h: one received frame, and who takes frames. What pipelines and recordings share.
//
// Thread:  a Frame is immutable and may be held by any thread; see FrameWriter for its own rule.
// Owner:   Frame::owner keeps the bytes alive (a mapped GstBuffer, a vector), whoever holds it.
// Fails:   a FrameWriter reports through its own Result.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"

namespace callbot {

enum class MediaKind { kAudio, kVideo };
inline const char* name_of(MediaKind kind) { return kind == MediaKind::kAudio ? "audio" : "video"; }

using TrackId = uint64_t;  // unique in the process, never used again

// One received track: what SSRC-wide facts are known when its first packet arrives.
struct TrackInfo {
  TrackId id = 0;
  MediaKind kind = MediaKind::kAudio;
  std::string codec;        // a name from pipelines/codecs: "vp8", "vp9", "h264", "h265", "opus",
                            // "pcmu", "pcma", "g722"
  int clock_rate = 0;       // RTP clock, Hz (RFC 3551 and the codec's payload format)
  int channels = 0;         // audio; 0 for video
  std::string participant;  // who sends it: the signaling's member id, stable over rejoins of it
  std::string name;         // the participant's display name
  std::string source;       // "camera", "microphone", "screen"; empty: not said
  std::string mid;          // RFC 8843 media identification
  uint32_t ssrc = 0;        // RFC 3550 synchronisation source
};

// How loud a packet of sound is, as its sender says (RFC 6464).
struct AudioLevel {
  uint8_t below_dbov = 127;  // 0: as loud as can be, 127: silence
  bool voice = false;        // the sender takes it for speech
};

// One frame (video: one access unit; audio: one packet's payload) as depayloaded, not decoded.
// H.264 and H.265: Annex B byte stream with in-band parameter sets.
struct Frame {
  std::shared_ptr<const void> owner;
  std::span<const uint8_t> bytes;
  bool key = false;               // decodable without any earlier frame; always true for audio
  bool after_gap = false;         // at least one frame before it in this track was lost or dropped
  int64_t rtp_time = 0;           // RTP timestamp, extended over wrap-arounds, in 1/clock_rate s
  int64_t first_arrival_ns = 0;   // monotonic_ns() when its first packet came in
  int64_t last_arrival_ns = 0;    // monotonic_ns() when its last packet came in
  std::optional<int64_t> ntp_ns;  // the sender's wall clock for rtp_time, from RTCP sender reports
                                  // (RFC 3550, 6.4.1), in ns since the Unix epoch
  std::optional<AudioLevel> level = {};  // audio, where the sender says it
  uint32_t packets = 0;                  // that it came in; 0: not known
  int64_t out_ns = 0;  // monotonic_ns() when the jitterbuffer let it go; 0: not known
};

// Takes the frames of one recording and writes them somewhere. recordings/ implements it,
// pipelines/recorder calls it, bot/ joins the two.
//
// Every call comes from one worker thread at a time, in the order the loop and the tracks gave
// them. Calls may block (they write files); the recorder's queue takes up what comes meanwhile.
// An error is final: after it the recorder calls nothing but finish().
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;
  virtual Result<> begin_track(const TrackInfo& track) = 0;
  virtual Result<> write(TrackId track, const Frame& frame) = 0;
  // `dropped` frames were lost before the writer because it was too slow; counted, never silent.
  virtual void overflow(TrackId track, uint64_t dropped) = 0;
  virtual Result<> end_track(TrackId track) = 0;
  // Called on every beat (about 50 ms) while there is anything open: flush what is due.
  virtual Result<> beat() = 0;
  // Closes everything; the last call.
  virtual Result<> finish() = 0;
};

}  // namespace callbot
