// pipelines/rtcp_split.h: sends each picture loss indication in a compound packet that is about its
// video and nothing else.
//
// Some servers (Janus up to 1.2 among them) look at the first report block of a compound packet to
// tell which track all of it is about, and find none in a packet without report blocks. webrtcbin
// puts a PLI behind whatever is due, often a report about the audio: the request is then lost, and
// the picture stays lost. So a PLI goes out behind a receiver report with the newest report block
// of the very SSRC it asks about; with one of zeros before there is any, when a track has just
// begun and needs its key frame most. Its delay since the last sender report goes on growing: from
// an old one the other end would compute a long round trip, and GStreamer's rtpsession ignores
// requests that come within one.
//
// Thread:  one; the probe runs on rtpsession's RTCP thread.
// Owner:   the pad keeps its probe.
// Fails:   what is no RTCP compound packet goes on as it is.
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace callbot::pipelines {

class RtcpSplit {
 public:
  using Bytes = std::vector<uint8_t>;
  struct Parts {
    Bytes rest;                   // may be empty
    std::vector<Bytes> requests;  // one for each PLI (RFC 4585, 6.3.1)
  };
  // Nothing where there is no PLI. `now_ns`: monotonic_ns().
  std::optional<Parts> split(std::span<const uint8_t> compound, int64_t now_ns);

 private:
  using ReportBlock = std::array<uint8_t, 24>;  // RFC 3550, 6.4.1
  struct Reported {
    ReportBlock block;
    int64_t at_ns = 0;
  };
  void remember(std::span<const uint8_t> report, size_t head, int64_t now_ns);
  Bytes behind_its_report(std::span<const uint8_t> pli, int64_t now_ns) const;

  std::map<uint32_t, Reported> newest_;  // by the SSRC it is about
};

// For rtpbin's send_rtcp_src pads.
void send_key_frame_requests_alone(GstPad* rtcp_src);

}  // namespace callbot::pipelines
