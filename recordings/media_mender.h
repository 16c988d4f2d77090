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
#include "recordings/mended_file.h"
#include "recordings/remux.h"

namespace callbot::recordings {

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

}  // namespace callbot::recordings
