// feeds/gop_refresher.h: key frames on demand in a clip that is sent as it is encoded.
//
// The frames of the running group of pictures are kept. When a key frame is asked for, a worker
// decodes them while the clip goes on as it is. Once it has caught up the next frame is sent as a
// key frame, made of the decoded picture by an encoder of ours, and those after it as inter frames
// of that encoder, at the clip's own bit rate, until the clip's next key frame: that one and all
// after it go as they are again, bit by bit. Size and colours are the clip's.
//
//   clip   K p p p p p p p p p p K p p     PLI at the third p
//   sent   K p p p p k q q q q q K p p     k, q: made here
//
// One key frame each 300 ms at most. Frames that show no picture are left out while it encodes, and
// those for which there is no time.
//
// Thread:  as ClipRefresher; it has one of its own from the first request on.
// Owner:   the sender. Destroying it waits for a frame that is being decoded.
// Fails:   never; what cannot be decoded or encoded is logged, once. The clip's next key frame
//          answers then; if frames of ours went before it, nothing is sent up to it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clip.h"
#include "base/log.h"
#include "feeds/recoder.h"

namespace callbot::feeds {

class GopRefresher final : public ClipRefresher {
 public:
  GopRefresher(Log log, const ClipStream& stream);
  ~GopRefresher() override;

  ClipFrame refresh(ClipFrame frame, const Due& due) override;
  void request_key_frame(bool newcomer) override;
  // Any thread. The next frame can be a key frame: all that went is decoded.
  bool ready() const;
  // Up to the clip's next key frame none can be made.
  bool hopeless() const;

 private:
  enum class State {
    kPassing,     // frames go as they are
    kCatchingUp,  // so do they, while the worker decodes what went since the key frame
    kRecoding,    // they are encoded anew, up to the clip's next key frame
    kSilent,      // that failed: nothing is sent up to there
  };
  // All of these with mutex_ held.
  void measure(const ClipFrame& frame);
  int bitrate() const;
  void begin_group(const ClipFrame& key);
  bool wanted_at(const ClipFrame& frame);
  bool caught_up() const;
  void catch_up();
  void give_up(const Error& error);

  ClipFrame recode(ClipFrame frame, bool key, std::unique_lock<std::mutex>& lock, bool late);
  void work();
  void work_on(std::unique_lock<std::mutex>& lock);
  // With nothing held.
  Result<> prepare(std::shared_ptr<Recoder>& recoder, const ClipFrame& frame, bool newest,
                   int bitrate) const;

  const Log log_;
  const ClipStream stream_;

  mutable std::mutex mutex_;  // for what follows; held for moments
  std::condition_variable changed_;
  State state_ = State::kPassing;
  bool wanted_ = false, newcomer_ = false;
  int64_t key_ns_ = 0;  // time of the last key frame that was sent
  // Since the clip's last key frame, until they are not needed any more.
  std::vector<std::shared_ptr<const ClipFrame>> group_;
  uint64_t groups_ = 0;
  size_t group_bytes_ = 0;
  bool hopeless_ = false;     // nothing can be made in this group
  bool unsupported_ = false;  // nor in any
  bool warned_ = false;
  // Catching up it is the worker's while that is busy; encoding, the sender's.
  std::shared_ptr<Recoder> recoder_;
  size_t decoded_ = 0;  // frames of group_
  bool busy_ = false, stopping_ = false;
  struct Sized {
    int64_t time_ns;
    size_t bytes;
    bool key;
  };
  std::deque<Sized> newest_;     // of the clip
  size_t newest_bytes_[2] = {};  // of these; of key frames

  std::thread worker_;
};

}  // namespace callbot::feeds
