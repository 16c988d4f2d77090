// pipelines/transport.h: the ICE and DTLS transport inside a webrtcbin, seen from outside: its
// handshake, whether anything still comes in, and data channels held back until we know to whom
// they would speak.
//
// Thread:  loop, and Events on the loop; tap() is called on any thread.
// Owner:   Peer; what tap() shares with GStreamer's threads lives as long as they need it.
// Fails:   never.
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/alive.h"
#include "base/gref.h"
#include "base/loop.h"
#include "pipelines/far_peer.h"

namespace callbot::pipelines {

class Transport {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    // The DTLS handshake is done; `certificate` is the other end's, as PEM.
    virtual void dtls_connected(const std::string& certificate) = 0;
    virtual void dtls_closed() = 0;
    // Nothing at all came for the deadline given to watch(), and no check was answered.
    virtual void vanished() = 0;
  };
  Transport(Loop& loop, Events& events);
  ~Transport();

  // For RtcBin::Taps::element.
  std::function<void(GstElement*)> tap() const;

  // The fingerprint has matched: SCTP may send, and what comes in takes the short way.
  void allow();
  // From now on silence is noticed. Every kind of packet counts, RTCP and STUN too; when nothing
  // has come for a second the other end is asked with STUN checks, which every ICE agent answers,
  // so that a peer that has nothing to send is not taken for one that is gone.
  void watch(std::chrono::milliseconds deadline);
  // RTP of these payload types is dropped as it comes in, before it is decrypted: of m-lines that
  // were refused, which does not keep everybody from sending them.
  void drop_payloads(const std::set<int>& payloads);
  // Of the other end's description, for those checks.
  void set_remote_credentials(const std::string& ufrag, const std::string& password);

  // "host 127.0.0.1:4000 -> host 127.0.0.1:5000"; empty: none yet.
  std::string selected_pair() const;
  // When ICE was connected first; monotonic_ns(), 0: not yet.
  int64_t connected_ns() const;

 private:
  struct Shared;
  std::optional<IceStream> ice() const;
  void look();
  bool heard();
  void ask();

  Events& events_;
  std::shared_ptr<Shared> shared_;
  std::string remote_ufrag_, remote_password_;
  std::chrono::milliseconds deadline_{0};
  uint64_t packets_seen_ = 0;
  std::string socket_times_;
  int64_t heard_ns_ = 0;
  int64_t looked_ns_ = 0;
  FarPeer far_peer_{[this] { return ice(); }};
  Timer timer_;
  Alive alive_;
};

}  // namespace callbot::pipelines
