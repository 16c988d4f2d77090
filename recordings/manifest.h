// recordings/manifest.h: what a recording is: manifest.json, and how it follows from the journal.
//
// The manifest is the journal, summed up: every event goes through apply(), while the recording
// runs and when the journal of one that was killed is read again. Every key of the file is
// specified in FORMAT.md.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   parse and load: kBadInput that names the key, kUnsupported for a later version,
//          kStorage if it cannot be read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "recordings/clock_estimate.h"
#include "recordings/event.h"
#include "recordings/recording.h"

namespace callbot::recordings {

struct Journal;

constexpr int kFormatVersion = 2;
constexpr uint64_t kMostManifestBytes = 64u << 20;
// A name below the recording's folder ("media/alice-1.mkv"), and not one that leads out of it.
bool is_inside(const std::string& path);

// No recording lasts three years; with that, sums of times do not overflow.
constexpr int64_t kMostNs = 100'000'000'000'000'000;
inline bool is_time_span(std::string_view key, int64_t value) {
  return !key.ends_with("_ns") || (value >= -kMostNs && value <= kMostNs);
}

// So many a list, whatever members do; what comes then is counted only, or the last span goes on.
constexpr size_t kMostListed = 1000;
constexpr size_t kMostSpoken = 20000;   // spans of speech a participant
constexpr size_t kMostMarkers = 10000;  // more are refused

// All *_ns without another word count from the recording's start.
struct Span {
  int64_t from_ns = 0;
  std::optional<int64_t> to_ns = {};  // none: until the recording ended
  std::string reason = {};            // why it ended
};

// What a member said of one of its tracks.
struct Said {
  MediaKind media = MediaKind::kAudio;
  bool on = false;
  std::string source = {};
  int64_t from_ns = 0;
  std::optional<int64_t> to_ns = {};
};

struct Participant {
  std::string id = {}, name = {};
  bool recorder = false;
  std::vector<Span> present = {};
  std::vector<Said> said = {};      // empty for a kind: never said anything
  std::vector<Span> refused = {};   // asked not to be recorded
  std::vector<Span> excluded = {};  // not wanted by name; `reason`: the pattern
  std::vector<Span> spoke = {};     // by the audio levels it sent
  uint64_t peers_lost = 0;
};

// Nothing that came meanwhile was written.
struct Pause {
  int64_t from_ns = 0;
  std::optional<int64_t> to_ns = {};
  std::string participant = {};  // empty: everybody
  std::string policy = "cut";    // for exports: "cut" it out, or fill it with a "slate"
  std::string by = {};
};

struct Marker {
  int64_t at_ns = 0;
  std::string text = {}, by = {}, participant = {};
};

struct Gap {
  std::string file = {};
  int64_t from_ns = 0, to_ns = 0;  // from the file's start
};

struct Size {
  std::string file = {};
  int64_t time_ns = 0;  // from the file's start
  uint32_t width = 0, height = 0;
};

struct Track {
  TrackId id = 0;
  std::string participant = {};
  MediaKind media = MediaKind::kAudio;
  std::string codec = {}, source = {}, mid = {};
  int clock_rate = 0, channels = 0;
  uint32_t ssrc = 0;
  int64_t from_ns = 0;
  std::optional<int64_t> to_ns = {};
  // Wall clock of the first frame, by the best source known.
  std::optional<int64_t> start_wall_ns = {};
  std::string start_source = {};  // "rtcp-ntp" or "arrival"
  // Sender's clock minus arrival clock at the first report; the difference between two tracks of
  // one sender corrects their offset.
  std::optional<int64_t> ntp_offset_ns = {};
  uint64_t sender_reports = 0;           // used
  std::optional<double> drift_ppm = {};  // RTP clock against the sender's wall clock; > 0: fast
  DriftFit drift = {};                   // not in the file
  uint64_t frames = 0, key_frames = 0, bytes = 0, skipped = 0, overflow = 0;
  int64_t packets_lost = 0, packets_repaired = 0;
  uint64_t key_frame_waits = 0;
  int64_t key_frame_wait_ns = 0;
  uint64_t anchors = 0;  // times the timeline was anchored afresh, the first not counted
  uint64_t gap_count = 0;
  int64_t gap_ns = 0;
  std::vector<Gap> gaps = {};
  std::vector<Span> stalls = {};  // the sender's RTP clock stood still
  std::vector<Size> sizes = {};
};

struct MediaFileFacts {
  std::string path = {};  // below the folder
  std::string participant = {};
  int64_t offset_ns = 0;
  int64_t start_wall_ns = 0;
  std::string start_source = "arrival";
  std::vector<StreamFacts> streams = {};
  std::optional<int64_t> duration_ns = {};  // none: not closed
  std::optional<uint64_t> bytes = {};
  std::string reason = {};  // why it was closed
  std::string sha256 = {};  // empty: not closed, or by version 1
};

struct FileFacts {
  std::string path = {}, participant = {}, name = {}, sha256 = {};
  uint64_t bytes = 0;
};

struct Failure {
  int64_t at_ns = 0;
  std::string code = {}, text = {}, participant = {};
};

// What is secret in it was sealed; see FORMAT.md.
struct Encryption {
  std::string scheme = "callbot-sealed-1";
  std::string to = {};  // the public key, as to_text() writes it
};

struct Manifest {
  std::string state = "running";  // "running", "finished", "failed"
  std::string software = {};
  Facts facts = {};
  std::optional<Encryption> encryption = {};
  int64_t started_wall_ns = 0;
  std::optional<int64_t> ended_wall_ns = {};
  std::optional<Ending> ending = {};
  std::vector<Participant> participants = {};
  std::vector<Track> tracks = {};
  std::vector<MediaFileFacts> media = {};
  std::vector<FileFacts> received = {};
  std::vector<Span> interruptions = {};  // of the signaling
  std::vector<Failure> failures = {};
  std::vector<Pause> pauses = {};
  std::vector<Marker> markers = {};
  uint64_t chat_messages = 0;

  Participant& participant(const std::string& id);
  Track* track(TrackId id);
  MediaFileFacts* file(const std::string& path);
  // Length of the recording: to its end, or to the last thing known of one that was cut off.
  int64_t duration_ns() const;
  int64_t last_known_ns = 0;
};

// Adds one event. Events that contradict the manifest (an unknown track) change nothing.
void apply(Manifest& manifest, const Event& event);

std::string to_text(const Manifest& manifest);
Result<Manifest> parse_manifest(std::string_view text);

struct LoadedRecording {
  Manifest manifest = {};
  std::vector<Event> events = {};            // as far as the journal can be read
  std::optional<Error> journal_error = {};   // what is wrong with it; a last line cut off is not
  std::optional<Error> manifest_error = {};  // it, or its date, was made from the journal
  bool open = false;                         // manifest.json says that it runs, or is not there
};

// Manifest and journal of a folder. Where the recording was cut off, or there is no manifest, it is
// made complete from the journal.
Result<LoadedRecording> load(const std::filesystem::path& folder);
// With what was read of its journal already, whose events it takes.
Result<LoadedRecording> load(const std::filesystem::path& folder, Journal& journal);

// kDenied where media is encrypted and no key of the ring is for it: names the key and the option.
Result<> check_keys(const std::filesystem::path& folder, const Manifest& manifest);
// By its manifest; false where that cannot be read.
bool is_encrypted(const std::filesystem::path& folder);

}  // namespace callbot::recordings
