// tests/support/sdp_offer.h: descriptions as browsers write them, and small changes to them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace callbot::pipelines {

inline constexpr const char* kTestFingerprint =
    "A0:0F:DC:11:A0:0F:DC:11:A0:0F:DC:11:A0:0F:DC:11:A0:0F:DC:11:A0:0F:DC:11:A0:0F:DC:11:A0:0F:DC:"
    "11";

inline std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

inline size_t count_of(std::string_view text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

// Every line with CRLF.
inline std::string lines(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\n' ? "\r\n" : std::string(1, c);
  return result;
}

inline std::string transport_lines() {
  return lines(
      fmt::format("a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuvwx\n"
                  "a=fingerprint:sha-256 {}\na=setup:actpass\n",
                  kTestFingerprint));
}

inline std::string audio_line(std::string_view mid = "0") {
  return lines("m=audio 9 UDP/TLS/RTP/SAVPF 111 0\nc=IN IP4 0.0.0.0\n") + transport_lines() +
         lines(fmt::format("a=mid:{}\na=sendrecv\na=msid:s a\na=rtcp-mux\n"
                           "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
                           "a=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\n"
                           "a=rtpmap:0 PCMU/8000\na=ssrc:1001 cname:c\na=ssrc:1001 msid:s a\n",
                           mid));
}

inline std::string video_line(std::string_view mid = "1", uint32_t ssrc = 2001) {
  return lines("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\nc=IN IP4 0.0.0.0\n") + transport_lines() +
         lines(fmt::format("a=mid:{0}\na=sendrecv\na=msid:s v\na=rtcp-mux\na=rtcp-rsize\n"
                           "a=rtpmap:96 VP8/90000\na=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\n"
                           "a=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\na=rtpmap:98 H264/90000\n"
                           "a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;"
                           "profile-level-id=42e01f\na=rtpmap:99 rtx/90000\na=fmtp:99 apt=98\n"
                           "a=ssrc-group:FID {1} {2}\na=ssrc:{1} cname:c\na=ssrc:{2} cname:c\n",
                           mid, ssrc, ssrc + 1));
}

inline std::string data_line(std::string_view mid = "2") {
  return lines("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\n") +
         transport_lines() +
         lines(fmt::format("a=mid:{}\na=sctp-port:5000\na=max-message-size:262144\n", mid));
}

// m-lines and what the bundle says; an empty bundle: no group.
inline std::string description(const std::vector<std::string>& mlines, std::string_view bundle) {
  std::string text = lines("v=0\no=- 46117314004 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n");
  if (!bundle.empty()) text += lines(fmt::format("a=group:BUNDLE {}\n", bundle));
  for (const std::string& mline : mlines) text += mline;
  return text;
}

inline std::string usual_offer() {
  return description({audio_line(), video_line(), data_line()}, "0 1 2");
}

// An answer as webrtcbin makes it.
inline std::string as_answer(std::string text) {
  return replaced(replaced(std::move(text), "a=setup:actpass", "a=setup:active"), "a=sendrecv",
                  "a=recvonly");
}

}  // namespace callbot::pipelines
