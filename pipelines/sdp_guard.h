// pipelines/sdp_guard.h: every remote description is checked and put in order before webrtcbin sees
// it, and every local one before the other end does.
//
// webrtcbin aborts, crashes or goes silent on descriptions that a peer may well send: m-lines in
// another order, a data channel at the head of the bundle, a=inactive, fingerprints or ICE
// credentials where it does not look for them. The guard refuses what cannot be made safe, writes
// the rest anew from what it understood (unknown attributes do not get through), remembers what it
// changed, and undoes that in our answers. Pure text: it knows no GStreamer.
//
// Thread:  any one; Peer keeps it on the loop.
// Owner:   one guard per webrtcbin, from its first description to its last: a fresh webrtcbin
//          gets a fresh guard.
// Fails:   kBadInput: broken or hostile; kUnsupported: well-formed, but webrtcbin cannot do it.
//          A refused description changes nothing in the guard.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace callbot::pipelines {

struct SdpLimits {
  size_t most_bytes = 256 * 1024;  // Chromium's offer with 25 m-lines has about 100 KiB
  size_t most_mlines = 64;
  size_t most_candidates = 100;  // libnice pairs each with each of ours
};

struct SdpGuardConfig {
  SdpLimits limits;
  // RTP encoding names ("VP8", "OPUS") that may pass, any case. Not empty: of every m-line exactly
  // one payload type passes (and its RTX), so that webrtcbin has nothing left to choose; an m-line
  // without any of them is rejected. Empty: all pass.
  std::vector<std::string> codecs;
  bool codecs_by_us = false;  // true: the order of `codecs` decides; false: the other end's order
  bool take_audio = true;     // false: audio m-lines are rejected
  bool take_video = true;
};

// One payload type of an m-line.
struct SdpCodec {
  int payload = -1;
  std::string rtp_name;  // as the other end spells it
  int clock = 0;
  int channels = 0;                   // 0: not said
  std::string fmtp;                   // "packetization-mode=1;profile-level-id=42e01f"
  std::vector<std::string> feedback;  // "nack pli", "transport-cc"
  int rtx_payload = -1;               // RFC 4588 retransmission of this payload; -1: none
};

struct SdpSsrc {
  uint32_t ssrc = 0;
  std::string cname;
  std::string msid;     // "stream track", RFC 8830
  bool repair = false;  // second of an FID group: retransmissions
};

// One remote m-line as it was sent (directions, codecs), whatever webrtcbin is shown.
struct SdpMline {
  std::string mid;
  std::string kind;       // "audio", "video", "application", or what it said
  bool accepted = false;  // false: port 0, or we do not take it; webrtcbin is shown port 0
  bool sends = false;     // the other end's direction, as it said it
  bool receives = false;
  std::string msid;                       // "stream track"; empty: not said
  std::vector<SdpCodec> codecs;           // in its order, without RTX and other repair formats
  std::optional<size_t> chosen;           // index into codecs, if the guard chose
  std::map<int, std::string> extensions;  // a=extmap: id -> URI
  std::vector<SdpSsrc> ssrcs;
  std::vector<std::string> rids;  // simulcast that it offers; not shown to webrtcbin, so that the
                                  // answer declines it and one stream comes
};

struct SdpFingerprint {
  std::string hash;   // "sha-256"
  std::string value;  // "AB:CD:..", upper case
};

class SdpGuard {
 public:
  explicit SdpGuard(SdpGuardConfig config = {}) : config_(std::move(config)) {}

  // The other end's description -> what webrtcbin may see.
  Result<std::string> remote_offer(std::string_view text);
  Result<std::string> remote_answer(std::string_view text);
  // What webrtcbin made -> what the other end may see: port 9 instead of 0 for accepted m-lines,
  // the true direction where webrtcbin was shown another, the offer's order of the bundle.
  std::string local_offer(std::string_view text);
  std::string local_answer(std::string_view text);

  // A trickled candidate, for the one m-line that has an ICE stream. Nothing: drop it (mDNS names,
  // junk, an unknown or rejected m-line, too many). An empty text is the end of candidates.
  // Only after a remote description was accepted; keep candidates until then.
  struct Candidate {
    uint32_t mline;
    std::string text;
  };
  std::optional<Candidate> remote_candidate(uint32_t mline, const std::string& mid,
                                            std::string_view text);

  // --- what the last accepted remote description said
  const std::vector<SdpMline>& mlines() const { return mlines_; }
  const SdpMline* by_mid(std::string_view mid) const;
  // By a=ssrc; nullptr where the description does not name it.
  const SdpMline* by_ssrc(uint32_t ssrc) const;
  // Supported ones (sha-256, sha-384, sha-512, sha-1), best first; the same for every m-line.
  const std::vector<SdpFingerprint>& fingerprints() const { return fingerprints_; }
  // The m-line that carries the bundle's ICE and DTLS in webrtcbin.
  std::optional<uint32_t> bundle_index() const { return bundle_index_; }
  // It has other ICE credentials than the description before, which webrtcbin cannot do (RFC 8445
  // restart): a fresh webrtcbin with a fresh guard has to take it.
  bool restarts_ice() const { return restarts_ice_; }
  std::optional<uint64_t> most_message_bytes() const { return most_message_bytes_; }

 private:
  SdpGuardConfig config_;
  std::vector<SdpMline> mlines_;
  std::vector<SdpFingerprint> fingerprints_;
  std::optional<uint32_t> bundle_index_;
  std::optional<uint64_t> most_message_bytes_;
  bool restarts_ice_ = false;
};

// The payload type of this codec to use: for H.264 packetization-mode=1 and constrained baseline
// before others, for VP9 profile 0; nullptr if the m-line has none of that name.
const SdpCodec* best_payload(const SdpMline& mline, std::string_view rtp_name);

}  // namespace callbot::pipelines
