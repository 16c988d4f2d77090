// pipelines/local_sdp.h: what Peer still does to descriptions beside the guard.
//
// Thread:  any; plain text in, plain text out.
// Owner:   plain values.
// Fails:   never: a text that is no SDP comes back as it is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/sdp_guard.h"

namespace callbot::pipelines {

// webrtcbin's own answer, before it may set it: 1.22 accepts m-lines that it was shown as rejected.
std::string with_rejections(std::string_view answer, const std::vector<SdpMline>& mlines,
                            uint32_t head);

// Without RTX streams on audio m-lines: Chromium refuses an offer that names them.
std::string without_audio_rtx(std::string_view offer);

// With all candidates, for an end that does not trickle.
std::string with_candidates(std::string_view sdp, uint32_t mline,
                            const std::vector<std::string>& candidates);

// With a=msid, which webrtcbin says only of SSRCs; browsers group tracks by it (RFC 8830).
std::string with_msids(std::string_view sdp);

// With a=content (RFC 4796) on the m-lines of which `content_of` says something.
std::string with_contents(std::string_view sdp,
                          const std::function<std::string(size_t mline)>& content_of);

// The m-line that candidates are said to be of: the first of the bundle.
struct BundleTag {
  uint32_t mline = 0;
  std::string mid;
};
BundleTag bundle_tag(std::string_view sdp);

// (ufrag, password), of the first m-line that has them.
std::pair<std::string, std::string> ice_credentials(std::string_view sdp);

}  // namespace callbot::pipelines
