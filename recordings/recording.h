// recordings/recording.h: one recording: a folder with manifest, journal and media, as it grows.
//
// Frames come in through FrameWriter, what happened in the call through note(), files a member sent
// through receive_file(). A kill at any instant loses at most the last second of what was handed
// in. FORMAT.md specifies the folder.
//
// Thread:  the FrameWriter calls on one worker at a time, as base/frame.h says; everything else
//          from any thread, and none of it blocks on the disk.
// Owner:   bot::RecordingSession, together with the recorder that writes into it. Destroying it
//          without finish() leaves a folder as a kill would: verify and show can still read it.
// Fails:   kStorage if the folder cannot be made or written, or disappears. The first such error
//          is final: the media files are closed as well as the disk allows, what is written is
//          kept, and every later call says the same error.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/frame.h"
#include "base/log.h"
#include "recordings/asked.h"
#include "recordings/event.h"
#include "recordings/keys.h"

namespace callbot::recordings {

namespace fs = std::filesystem;

// What is known when a recording begins.
struct Facts {
  std::string room = {};      // names the folder
  std::string url = {};       // without token; credentials in it are cut out
  std::string protocol = {};  // "rooms", "janus"
  std::string recorder = {};  // the name we joined with
  std::string label = {};     // the user's own
  bool audio = true;          // kinds that are recorded: a kind that is not is never missing
  bool video = true;
};

struct RecordingConfig {
  // How long the header of a file waits for tracks that are promised, from its first frame's
  // arrival, so that what a jitterbuffer holds counts in. What waits is lost by a kill: below 1 s.
  std::chrono::milliseconds header_deadline{900};
  std::chrono::milliseconds flush_every{200};
  std::chrono::milliseconds sync_every{5000};  // fdatasync: what a power cut may lose
  // RTP time and arrival may disagree by so much before the timeline is anchored afresh.
  std::chrono::milliseconds most_disagreement{500};
  // A file ends at the next key frame after these, which is asked for; 0: no limit.
  uint64_t most_file_bytes = 0;
  // Media, received files and the texts of the chat are encrypted to this key.
  std::optional<PublicKey> seal_to = {};
  std::chrono::seconds most_file_duration{0};
  // A stretch can only end at a key frame; asks the sender for one. Writer's thread; may be empty.
  std::function<void(TrackId)> want_key_frame = {};
};

// Who ended a recording, and why. The first one given counts.
struct Ending {
  std::string reason = "stopped";  // "duration", "empty", "signal", "room-closed", "error", ...
  std::string by = {};             // "user", "server", "recorder", a member's name
  std::string text = {};           // for people
};

// Counters of one track since it began.
struct TrackCounters {
  TrackInfo info;
  bool live = true;
  uint64_t frames = 0, key_frames = 0, bytes = 0;
  uint64_t gaps = 0;      // places where frames are missing
  uint64_t overflow = 0;  // frames dropped because writing was too slow
  uint32_t width = 0, height = 0;
  int64_t last_arrival_ns = 0;  // monotonic_ns()
};

// Of a participant whose packets carry their level (RFC 6464).
struct TalkerState {
  std::string participant;
  bool speaks = false;
  int64_t last_heard_ns = 0;  // monotonic_ns() of the newest level, silent or not
  int64_t last_spoke_ns = 0;  // monotonic_ns(); 0: not yet
};

struct RecordingStats {
  std::vector<TrackCounters> tracks;
  std::vector<TalkerState> talkers;  // participants whose senders say how loud they are
  std::vector<std::string> files;    // media files so far, below the folder
  uint64_t bytes = 0;                // written into media files
  int64_t duration_ns = 0;           // since the recording began
  std::optional<Error> error;
};

// A file that a member sends: what it says of it, and what we allow.
struct FileOffer {
  std::string participant = {};
  std::string name = {};  // as sent; the one on disk is made safe and unique
  uint64_t size = 0;      // as announced
  uint64_t most_bytes = 64u << 20;
};

struct ReceivedFile {
  std::string path;  // below the recording's folder: "files/report.pdf"
  uint64_t bytes = 0;
  std::string sha256;
};

// Takes the bytes of one file; must not outlive its Recording. Every call from one thread; none
// blocks. Dropping it before end()
// keeps what came, named as incomplete in the journal.
class IncomingFile {
 public:
  virtual ~IncomingFile() = default;
  // kBadInput once it is more than announced or allowed.
  virtual Result<> append(std::string_view bytes) = 0;
  // `sha256`: 64 hex digits as announced, empty if it was not. done is called once, on the
  // recording's own thread: kBadInput if size or checksum differ, kStorage if it cannot be written.
  virtual void end(const std::string& sha256, std::function<void(Result<ReceivedFile>)> done) = 0;
};

class Recording : public FrameWriter {
 public:
  // Makes <out>/<safe room>-<UTC time>[-n]/ with manifest.json, journal.jsonl, media/ and exports/.
  static Result<std::unique_ptr<Recording>> create(Log log, const fs::path& out, Facts facts,
                                                   RecordingConfig config = {});
  // Goes on in a folder that another process, or this one, wrote before: the same journal and
  // manifest, new files, participants under their old ids. What it left open is mended while the
  // recording runs. `reason` of the gap stands in the manifest. kDenied if somebody still writes
  // it. An encrypted one goes on to the same key; what of it would have to be mended is left for
  // repair(), which may have the key. kUsage if another key is asked for.
  static Result<std::unique_ptr<Recording>> resume(Log log, const fs::path& folder,
                                                   std::string reason, RecordingConfig config = {});

  virtual const fs::path& folder() const = 0;
  virtual bool encrypted() const = 0;
  // Who was there before resume(): name and participant id of everybody but recorders.
  virtual std::vector<std::pair<std::string, std::string>> participants() const = 0;
  // What was asked for before resume() and holds still.
  virtual const Asked& asked() const = 0;
  // One journal event. Dropped after finish().
  virtual void note(Event event) = 0;
  // `done` once everything noted so far is in the kernel's hands, so that a kill forgets none of
  // it, or could not be written (kStorage). On the recording's own thread; not after finish().
  virtual void when_written(std::function<void(Result<>)> done) = 0;
  virtual void ending(Ending why) = 0;
  // Every media file ends at its video's next key frame, which is asked for, and the next begins.
  virtual void split() = 0;
  // kBadInput if the offer is larger than allowed; the journal then says so.
  virtual Result<std::unique_ptr<IncomingFile>> receive_file(FileOffer offer) = 0;
  virtual RecordingStats stats() const = 0;
};

}  // namespace callbot::recordings
