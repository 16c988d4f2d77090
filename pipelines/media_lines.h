// pipelines/media_lines.h: the m-lines of one webrtcbin, as transceivers: what each may carry, and
// which of them carry the streams of a source.
//
// The direction of a transceiver never changes, because webrtcbin 1.22 cannot change it: sendrecv
// where a stream of the source has its place, otherwise recvonly. What really flows is decided by
// the guard, which tells the other end the truth, and by Sender, which keeps still.
//
// Thread:  loop.
// Owner:   Peer.
// Fails:   kInternal if webrtcbin refuses; kUnsupported where there is nothing to offer.
#pragma once

#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/gref.h"
#include "base/log.h"
#include "base/loop.h"
#include "pipelines/peer.h"
#include "pipelines/rtc_bin.h"
#include "pipelines/rtcp_counts.h"
#include "pipelines/sdp_guard.h"
#include "pipelines/sender.h"

namespace callbot::pipelines {

// RTP encoding names to accept, best first: what we send, then what we want to receive.
Result<std::vector<std::string>> accepted_codecs(const PeerConfig& config);

class MediaLines {
 public:
  MediaLines(Loop& loop, RtcBin& rtc, Log log, const PeerConfig& config);

  // Offerer, once: audio first (if the first m-line is refused nothing connects), one line a
  // stream, one for each kind that is only received.
  Result<> offer();
  // Answerer, before webrtcbin sees the offer.
  Result<> answer(const std::vector<SdpMline>& mlines);
  // After a description was taken: payload types, extensions and who may send.
  void update(const std::vector<SdpMline>& mlines, const std::function<bool(MediaKind)>& may_send);
  void silence();

  // The video that is sent and reported on (transport-cc), and what its renditions need together,
  // best first, bit/s.
  struct Adaptable {
    std::vector<double> needs;
    std::vector<std::shared_ptr<const SentNumbers>> numbers;
    bool repairs = false;  // by RTX
  };
  Adaptable adaptable() const;
  // The extension in which rtpsession numbers what is sent, transport-wide; 0: in none.
  int transport_cc() const { return transport_cc_; }
  // Of each stream that has so many, or its last.
  void set_rendition(size_t rendition);

  // Is there a stream of the source without a place?
  bool anything_unsent() const;
  // What the m-line of this number sends says of itself (RFC 4796); empty: nothing.
  std::string content_of(size_t mline) const;
  // Of each stream that has its place; `rendition`: of its video that is sent.
  std::vector<SentStats> sent(const RtcpCounts& rtcp, size_t rendition) const;
  uint64_t packets_sent() const;
  uint64_t bytes_sent() const;

 private:
  struct Line {
    GRef<GstWebRTCRTPTransceiver> transceiver;
    std::unique_ptr<Sender> sender;
    bool reported = false, repaired = false;  // the other end sends transport-cc, takes RTX
  };
  Result<> add_sending(Line& line, size_t index, size_t stream, const GRef<GstCaps>& preferences);
  Result<> add_receiving(Line& line, const GRef<GstCaps>& preferences);
  GRef<GstWebRTCRTPTransceiver> transceiver_at(size_t index) const;
  Result<> offer_kind(MediaKind kind);
  Result<> offer_to_receive(MediaKind kind);
  std::vector<std::optional<size_t>> place_streams(const std::vector<SdpMline>& mlines) const;
  int transport_cc_of(const SdpMline& mline, const SdpCodec& codec) const;
  bool placed(size_t stream) const;
  size_t streams() const { return source_ != nullptr ? source_->streams().size() : 0; }

  Loop& loop_;
  RtcBin& rtc_;
  Log log_;
  const PeerConfig& config_;
  Source* source_;
  std::shared_ptr<SendClock> clock_ = std::make_shared<SendClock>();
  std::vector<Line> lines_;  // by m-line index
  std::set<int> used_payloads_;
  int transport_cc_ = 0;
};

}  // namespace callbot::pipelines
