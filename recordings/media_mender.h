// recordings/media_mender.h: makes the media files of a recording whole that was cut off or
// damaged, in steps, so that another recording can be kept on the same thread meanwhile.
//
// A file that is as the manifest says, or was written to its end, is left as it is. Any other is
// replaced by its whole frames with duration and index; where bytes of it could not be used it is
// kept in damaged/. Where there is no space for that it is cut behind its last whole frame instead,
// and only the bytes that were cut off are kept. What the manifest has to learn of that comes as
// journal events.
//
// Until they are written, and settle() was called, the original lies beside what took its place
// (<name>.before): after a kill it is put back and mended again.
//
// Thread:  worker.
// Owner:   repair(), or the Recording that goes on in the folder.
// Fails:   kStorage where nothing can be written, kDenied at a sealed file that no key fits, unless
//          it is to be left; what is mended until then stays.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "recordings/manifest.h"
#include "recordings/remux.h"

namespace callbot::recordings {

enum class Mended {
  kWhole,       // nothing was to be done, but for the journal perhaps
  kMended,      // cut at its last whole frame
  kSwapped,     // was under the name of another file, and is back under its own
  kChanged,     // whole, but no longer what was written; left as it is
  kUnreadable,  // not one frame could be read
  kEmpty,
  kMissing,
  kSealed,  // encrypted, and no key fits; left as it is
};
const char* name_of(Mended what);

struct MendedFile {
  std::string file = {};
  Mended what = Mended::kWhole;
  bool touched = false;       // the folder was changed for it
  bool in_place = false;      // without a copy, so without an index
  uint64_t frames = 0;        // kept; 0 where it was not looked at
  uint64_t unusable = 0;      // bytes
  int64_t duration_ns = 0;    // of what is kept
  int64_t missing_ns = 0;     // known to have been there behind that
  std::string moved_to = {};  // the damaged one, below the folder
  std::string text = {};      // for people
};

// What becomes of encrypted files that no key of the ring opens and that must be looked into.
enum class Locked { kRefuse, kLeave };

class MediaMender {
 public:
  // `wall_ns` of its events. `adopt`: files that the journal does not know belong to it too.
  MediaMender(std::filesystem::path folder, Manifest manifest, bool adopt,
              Locked locked = Locked::kRefuse);
  ~MediaMender();

  // True once everything is mended.
  Result<bool> step();
  double share() const;

  const std::vector<MendedFile>& files() const { return done_; }
  // Once events() are in the journal: originals go into damaged/, or go. True if there were any.
  Result<bool> settle();
  // Of everything mended: files known at last, tracks that ended, files that were closed.
  std::vector<Event> events() const;
  // The end of what is kept, from the recording's start.
  int64_t end_ns() const { return end_ns_; }

 private:
  struct Kept;  // of one track
  struct Job;   // the file that is being mended

  void put_back_swapped();
  void adopt_unknown();
  void adopt(const std::string& name);
  Result<> recover(Job& job);
  Result<> replace(Job& job);
  Result<> finish_in_place(Job& job);
  Result<bool> open_remux(Job& job);
  static bool goes_in_place(const Job& job);
  Result<> begin(Job& job);
  Result<bool> examine(Job& job);
  Result<bool> remuxed(Job& job);
  void finish(Job& job);
  Result<bool> step(Job& job);
  void count(const MediaFileFacts& file, const RemuxedPacket& packet);
  TrackId track_of(const MediaFileFacts& file, const RemuxedPacket& packet) const;

  const std::filesystem::path folder_;
  Manifest manifest_;
  const Locked locked_;
  std::deque<MediaFileFacts> waiting_;
  std::unique_ptr<Job> job_;
  std::vector<MendedFile> done_;
  struct Aside {
    std::filesystem::path from;
    std::string to;  // below the folder; empty: it goes
  };
  std::vector<Aside> asides_;
  std::vector<Event> adopted_, closed_;
  std::map<TrackId, Kept> kept_;
  int64_t end_ns_ = 0;
  uint64_t all_bytes_ = 0, done_bytes_ = 0;
};

// Where the original lies while another file takes its place.
std::filesystem::path original_of(const std::filesystem::path& file);
// Below damaged/, which is made.
std::string free_name_in_damaged(const std::filesystem::path& folder, const std::string& file);
// Renames below damaged/, under a name that is free there; "" if that cannot be done.
std::string move_aside(const std::filesystem::path& folder, const std::string& file);

}  // namespace callbot::recordings
