// pipelines/sdp_media.h: what an m-line says: codecs, extensions, SSRCs, candidates; and how to say
// it again in the few words that webrtcbin needs.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never: a line that is not understood is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/sdp.h"

namespace callbot::pipelines {

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
  std::string content;                    // RFC 4796: "slides"; empty: not said
  std::vector<SdpCodec> codecs;           // in its order, without RTX and other repair formats
  std::optional<size_t> chosen;           // index into codecs, if the guard chose
  std::map<int, std::string> extensions;  // a=extmap: id -> URI
  std::vector<SdpSsrc> ssrcs;
  std::vector<std::string> rids;  // simulcast that it offers; not shown to webrtcbin, so that the
                                  // answer declines it and one stream comes
};

// The payload type of this codec to use: for H.264 packetization-mode=1 and constrained baseline
// before others, for VP9 profile 0; nullptr if the m-line has none of that name.
const SdpCodec* best_payload(const SdpMline& mline, std::string_view rtp_name);

// What the m-line says about its media; acceptance, direction and choice are left to the caller.
SdpMline describe_mline(const SdpMedia& media);

// The m-line again in the fewest words: the chosen codec (or all), their RTX, extensions, SSRCs and
// msid. `seen_ssrcs` are left out, and grow: an SSRC belongs to one m-line.
SdpMedia write_mline(const SdpMline& mline, std::string_view protocol,
                     std::set<uint32_t>& seen_ssrcs);

struct SdpCandidate {
  std::string text;   // "candidate:..."
  std::string ufrag;  // of whose ICE credentials it speaks; empty: not said
};
// With or without "a=". Nothing, unless an ICE agent can use it: component 1, an IP address (no
// name), a port, a known type. RFC 8839, 5.1.
std::optional<SdpCandidate> usable_candidate(std::string_view text);

}  // namespace callbot::pipelines
