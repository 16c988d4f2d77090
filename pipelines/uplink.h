// pipelines/uplink.h: what goes out of one webrtcbin, and how much of it the path takes: reads the
// transport-wide feedback, says which renditions fit, probes whether better ones would, and answers
// no more requests for lost packets than the path can carry. Sees to it that packets are numbered.
//
//   rtpsession ─ feedback, requests ─▶ (here) ─▶ rtprtxsend ─ what it sends again, and probes
//
// rtpsession numbers the packets and matches reports with when they were sent; it tells in an event
// upstream, which is read on the pad in front of it, as are the requests for lost packets. A probe
// asks for packets again that were sent already (RTX, RFC 4588): every receiver that repairs drops
// the doubles. Without RTX the next better rendition itself is the probe.
//
// Thread:  loop; feedback is worked on where it comes in, on GStreamer's threads, under a lock that
//          is held for plain arithmetic; tap() is called on any thread.
// Owner:   Peer; what tap() shares with GStreamer's threads lives as long as they need it.
// Fails:   never; without feedback everything is sent as it is.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/alive.h"
#include "base/loop.h"
#include "pipelines/media_lines.h"

namespace callbot::pipelines {

struct UplinkStats {
  double available = -1;                         // bit/s; -1: nothing was reported yet
  size_t rendition = 0;                          // 0: the best
  double limited_s = 0;                          // below it, altogether
  uint64_t switches = 0;                         // of the rendition
  uint64_t probes = 0, resent = 0, refused = 0;  // packets sent again on request, or not
};

class Uplink {
 public:
  // `changed`: another rendition fits from now on. On the loop.
  using Changed = std::function<void(size_t rendition, double available)>;
  Uplink(Loop& loop, Changed changed);
  ~Uplink();

  // For RtcBin::Taps::element.
  std::function<void(GstElement*)> tap() const;
  // rtpsession is to number packets in this extension (RFC 8285); before anything flows. It learns
  // so from caps, and rtpfunnel forgets that (1.22 to 1.26) where sound begins to flow while the
  // picture's caps come in.
  void number_packets(int extension);
  void set_streams(const MediaLines::Adaptable& streams);
  UplinkStats stats() const;

 private:
  struct Shared;
  void look();
  void begin_probe(double rate);
  void send_probe();

  std::shared_ptr<Shared> shared_;
  double probe_rate_ = 0;
  int64_t probe_from_ns_ = 0;
  size_t probe_bytes_ = 0, probe_packets_ = 0;
  Timer timer_, probe_timer_;
  Alive alive_;
};

}  // namespace callbot::pipelines
