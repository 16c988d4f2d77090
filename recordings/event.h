// recordings/event.h: one thing that happened while a recording ran: one line of its journal.
//
// Which keys an event of a kind has, and which of them it must have, is one table in event.cc;
// FORMAT.md specifies them with their units.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   parse_event: kBadInput that names the key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/frame.h"
#include "base/json.h"

namespace callbot::recordings {

enum class EventKind {
  // Noted by whoever runs the call (Recording::note).
  kMemberJoined,          // participant, name; recorder
  kMemberLeft,            // participant; reason
  kMemberRenamed,         // participant, name
  kState,                 // participant, media, on; source: what the member says of its tracks
  kConsent,               // participant, allowed
  kKeyFrameWait,          // track: the picture is lost until the next key frame
  kKeyFrameFound,         // track, duration_ns: how long that took
  kLoss,                  // track, count: packets lost so far, after repair; repaired
  kSignalingInterrupted,  // reason
  kSignalingResumed,      //
  kPeerLost,              // participant; reason
  kPeerFresh,             // participant: a new peer connection, the recording goes on
  kChat,                  // participant, text; sealed: text is encrypted
  kPaused,                // policy; participant (none: all), by
  kResumed,               // participant (none: all), by
  kExcluded,              // participant, on: not wanted by name; reason
  kFilter,                // pattern, include: whose names fit are, or are not, recorded
  kMarker,                // text; participant, by
  kNote,                  // text; participant: anything else worth keeping
  kError,                 // code, text; participant
  // Written by the recording itself.
  kStarted,       // version
  kTrackBegan,    // track, participant, media, codec, clock_rate; channels, name, source, mid, ssrc
  kTrackEnded,    // track, frames, key_frames, bytes; skipped
  kFileOpened,    // file, participant, offset_ns, streams
  kFileClosed,    // file, reason, duration_ns, bytes; sha256
  kAnchor,        // track, file, stream, reason, rtp_time, arrival_ns, time_ns; ntp_ns
  kSenderReport,  // track, rtp_time, ntp, arrival: one that is used
  kStall,         // track, from_ns, to_ns: the sender's RTP clock stood still, and nothing came
  kGap,           // track, file, from_ns, to_ns: frames are missing between the two
  kOverflow,      // track, count: frames dropped because writing was too slow
  kSize,          // track, file, time_ns, width, height
  kSpeech,        // participant, from_ns; to_ns once it is over
  kFileReceived,  // participant, path, name, bytes, sha256
  kFileRefused,   // participant, name, reason; path: what came of it
  kReopened,      // from_ns: until when it was written before; reason: the recorder is back
  kEnded,         // reason, by, text
};

// A stream of a media file, as its header says.
struct StreamFacts {
  TrackId track = 0;
  MediaKind media = MediaKind::kAudio;
  std::string codec = {};
};

struct Event {
  EventKind kind = EventKind::kNote;
  int64_t wall_ns = 0;  // when, on the recording's clock; filled in by Recording::note

  std::string participant = {};  // the signaling's member id
  std::string name = {};         // a display name, a file's name
  std::string reason = {};
  std::string text = {};
  std::string by = {};
  std::string code = {};
  std::string policy = {};  // "cut", "slate": what an export makes of a pause
  std::string source = {};  // "camera", "microphone", "screen"
  TrackId track = 0;
  std::optional<MediaKind> media = {};
  std::optional<bool> on = {};
  std::optional<bool> allowed = {};
  std::optional<bool> recorder = {};
  std::string pattern = {};  // a shell's, of names
  std::optional<bool> include = {};
  std::optional<bool> sealed = {};
  int64_t count = 0;
  std::optional<int64_t> repaired = {};
  int64_t duration_ns = 0;

  std::string file = {};  // below the recording's folder: "media/alice-1.mkv"
  int stream = 0;
  int64_t offset_ns = 0;  // from the recording's start
  int64_t time_ns = 0;    // from the file's start
  int64_t from_ns = 0;
  int64_t to_ns = 0;
  int64_t rtp_time = 0;
  int64_t arrival_ns = 0;              // wall clock, ns since the Unix epoch
  std::optional<int64_t> ntp_ns = {};  // the sender's wall clock
  std::string codec = {};
  int clock_rate = 0;
  int channels = 0;
  std::string mid = {};
  uint32_t ssrc = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  uint64_t bytes = 0;
  uint64_t frames = 0;
  uint64_t key_frames = 0;
  uint64_t skipped = 0;  // frames that no decoder could use: before the first key frame
  std::string sha256 = {};
  std::string path = {};
  int version = 0;
  std::vector<StreamFacts> streams = {};
};

// "member-joined".
const char* name_of(EventKind kind);

// One line of the journal, without its line end.
std::string to_line(const Event& event);
// Strict: every key the table asks for, none it does not know.
Result<Event> parse_event(std::string_view line);

}  // namespace callbot::recordings
