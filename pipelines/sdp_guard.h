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
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pipelines/sdp.h"
#include "pipelines/sdp_media.h"
#include "pipelines/sdp_transport.h"

namespace callbot::pipelines {

struct SdpGuardConfig {
  SdpLimits limits;
  // RTP encoding names ("VP8", "OPUS") that may pass, any case. Not empty: of every m-line exactly
  // one payload type passes (and its RTX), so that webrtcbin has nothing left to choose; an m-line
  // without any of them is rejected. Empty: all pass.
  std::vector<std::string> codecs;
  bool codecs_by_us = false;  // true: the order of `codecs` decides; false: the other end's order
  // Of each stream that we send: lines take them in this order before `codecs` are looked at.
  std::vector<std::string> sent;
  uint64_t most_message_bytes = 256u << 10;  // over a data channel, as we announce it (RFC 8841, 6)
  bool receive_audio = true;                 // false: answered as not received
  bool take_video = true;
  bool receives = true;  // false: our answers never ask for media
};

struct SdpState;

class SdpGuard {
 public:
  explicit SdpGuard(SdpGuardConfig config = {});
  SdpGuard(SdpGuard&&) noexcept;
  SdpGuard& operator=(SdpGuard&&) noexcept;
  ~SdpGuard();

  // The other end's description -> what webrtcbin may see.
  Result<std::string> remote_offer(std::string_view text);
  Result<std::string> remote_answer(std::string_view text);
  // What create-answer gave -> what set-local-description may take: webrtcbin puts its bundle in
  // the order of the m-lines, whatever the offer's was, and aborts if that begins with the data
  // channel; and it refuses its own answer if an m-line in it is rejected.
  std::string own_answer(std::string_view text) const;
  // What webrtcbin made -> what the other end may see: port 9 instead of 0 for accepted m-lines,
  // the true direction where webrtcbin was shown another, the bundle in the offer's order, the
  // largest message that we take.
  std::string local_offer(std::string_view text);
  std::string local_answer(std::string_view text);

  // A trickled candidate, for the one m-line that has an ICE stream. Nothing: drop it (mDNS names,
  // junk, an unknown or rejected m-line, too many). An empty text is the end of candidates.
  // Only after a remote description was accepted; keep candidates until then.
  struct Candidate {
    uint32_t mline;
    std::string text;
  };
  std::optional<Candidate> remote_candidate(uint32_t mline, std::string_view mid,
                                            std::string_view text);

  // --- what the last accepted remote description said; the index is the m-line's number. Find a
  // transceiver's m-line by its number: its mid may be that of an m-line that was there before.
  const std::vector<SdpMline>& mlines() const;
  const SdpMline* by_mid(std::string_view mid) const;
  // By a=ssrc; nullptr where the description does not name it.
  const SdpMline* by_ssrc(uint32_t ssrc) const;
  // Of hashes we can check (sha-256, sha-384, sha-512, sha-1), in this order; one of each at most,
  // the same for every m-line. webrtcbin is shown the first.
  const std::vector<SdpFingerprint>& fingerprints() const;
  // Payload types that stand in m-lines that are not taken, and in no other.
  std::set<int> refused_payloads() const;
  // The m-line that carries the bundle's ICE and DTLS in webrtcbin.
  std::optional<uint32_t> bundle_index() const;
  // It has other ICE credentials than the description before (an RFC 8445 restart), which webrtcbin
  // cannot do: a fresh webrtcbin with a fresh guard has to take it.
  bool restarts_ice() const;
  // The other end's a=max-message-size; nothing: no data channel. 0: any.
  std::optional<uint64_t> most_message_bytes() const;

 private:
  Result<std::string> remote(bool offer, std::string_view text);
  void reject(SdpMedia& media, size_t i);
  void announce_message_size(SdpMedia& media) const;
  void put_right(Sdp& answer) const;

  SdpGuardConfig config_;
  std::unique_ptr<SdpState> state_;
};

}  // namespace callbot::pipelines
