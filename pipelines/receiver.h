// pipelines/receiver.h: everything one webrtcbin receives: its pads become tracks, with names.
//
// A pad is one SSRC. Whose it is says its m-line, found by a=ssrc, else by the MID header
// extension, else because only one m-line can be meant; webrtcbin's own idea (the pad's
// transceiver) is wrong for an SSRC that the description does not name. Another SSRC on the same
// m-line is another track, and ends the one before.
//
// Thread:  loop, and PeerEvents on the loop; tap() is called on streaming threads.
// Owner:   Peer.
// Fails:   a stream that cannot be a track is logged and discarded.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/gref.h"
#include "base/log.h"
#include "base/loop.h"
#include "pipelines/peer.h"
#include "pipelines/rtcp_counts.h"
#include "pipelines/sdp_guard.h"
#include "pipelines/track.h"

namespace callbot::pipelines {

class Receiver final : private TrackEvents {
 public:
  // `headers` may be null.
  Receiver(Loop& loop, Log log, const SdpGuard& guard, PeerEvents& events,
           std::shared_ptr<HeaderLog> headers);
  ~Receiver() override;

  // For RtcBin::Taps::jitterbuffer.
  std::function<void(GstElement*, uint32_t)> tap() const;

  // A remote description was taken: other m-lines, other SSRCs, other extensions.
  void described();
  void set_owner(const std::string& mid, TrackOwner owner);
  // A held pad. Until open() it stays held.
  void take_pad(GstBin* pipeline, const GRef<GstPad>& pad);
  // The fingerprint has matched.
  void open();

  void add_sink(TrackId track, Sink& sink);
  void remove_sink(TrackId track, Sink& sink);
  void request_key_frame(TrackId track);
  std::vector<TrackStats> stats(const RtcpCounts& rtcp) const;
  // Every track ends, with track_removed().
  void close();

 private:
  struct Shared;
  struct Entry {
    std::unique_ptr<Track> track;
    uint32_t ssrc = 0;
    GstBin* pipeline = nullptr;
    GRef<GstPad> pad;
  };
  struct Held {
    GstBin* pipeline;
    GRef<GstPad> pad;
    std::string mid = {};
  };

  void begin(GstBin* pipeline, const GRef<GstPad>& pad);
  void name(TrackInfo& info, int payload) const;
  std::string mid_of(const TrackInfo& info, int payload) const;
  void change_hands(const std::string& mid);
  void begin_again(GstBin* pipeline, const GRef<GstPad>& pad);
  void once(const GRef<GstPad>& pad, int probe, std::function<void(const GRef<GstPad>&)> then);
  void discard(GstBin* pipeline, const GRef<GstPad>& pad);
  void find_levels(Track& track) const;
  bool is_nobodys(const std::string& mid) const;
  void end_others_on(const std::string& mid, MediaKind kind);
  void remove(TrackId track);
  Track* find(TrackId track);

  void key_frame_wait(TrackId track) override { events_.key_frame_wait(track); }
  void key_frame_found(TrackId track, std::chrono::nanoseconds wait) override {
    events_.key_frame_found(track, wait);
  }
  void size_changed(TrackId track, uint32_t width, uint32_t height) override {
    events_.size_changed(track, width, height);
  }
  void ssrc_changed(TrackId, uint32_t) override {}

  Loop& loop_;
  Log log_;
  const SdpGuard& guard_;
  PeerEvents& events_;
  std::shared_ptr<Shared> shared_;
  std::map<std::string, TrackOwner> owners_;
  std::map<TrackId, Entry> tracks_;
  std::vector<Held> held_;
  std::vector<Held> nobodys_;  // discarded until their m-line is somebody's again
  bool open_ = false;
  Alive alive_;
};

}  // namespace callbot::pipelines
