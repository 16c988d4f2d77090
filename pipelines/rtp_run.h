// pipelines/rtp_run.h: the run of RTP packets of one track: what is missing, and the times of the
// frames that the packets make.
//
// Thread:  any one: the track's streaming thread.
// Owner:   the track; plain values.
// Fails:   never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace callbot::pipelines {

struct RtpPacket {
  uint32_t ssrc = 0;
  uint16_t sequence = 0;
  uint32_t time = 0;
  bool marker = false;  // of video: the last packet of its frame
  size_t header_bytes = 0;
  uint64_t pts = UINT64_MAX;  // of its buffer; UINT64_MAX (GST_CLOCK_TIME_NONE): none
  int64_t arrival_ns = 0;
  std::optional<int64_t> ntp_ns;
};

// The fixed header (RFC 3550, 5.1) and the length of what follows it up to the payload; times are
// the caller's to fill in.
std::optional<RtpPacket> read_rtp_header(std::span<const uint8_t> head);
// So many bytes at the beginning of a packet are enough for read_rtp_header: CSRCs and the head of
// the extension included.
constexpr size_t kMostRtpHead = 12 + 15 * 4 + 4;

// One RTP timestamp's worth of packets: a video frame, an audio packet.
struct RtpUnit {
  uint64_t pts = UINT64_MAX;
  int64_t rtp_time = 0;  // extended, never broken by a change of SSRC
  int64_t first_arrival_ns = 0;
  int64_t last_arrival_ns = 0;
  std::optional<int64_t> ntp_ns;  // of its first packet
  uint32_t packets = 0;           // that came
  bool hole = false;              // packets inside it are missing
  bool ended = false;             // its last packet (marker) is there
  bool seen = false;              // a frame came out of it
};

class RtpRun {
 public:
  explicit RtpRun(int clock_rate) : clock_rate_(clock_rate) {}

  enum class Step {
    kNext,         // follows the one before
    kOld,          // late or double; the depayloader drops it
    kAfterLoss,    // packets before it are missing, or the sender started anew
    kOtherSender,  // another SSRC from here on
  };
  Step take(const RtpPacket& packet);
  // The unit of a frame that the depayloader let go while it worked on the newest packet: it
  // belongs to that packet, or, where the packet's timestamp ended it, to the unit before.
  const RtpUnit& see(uint64_t frame_pts);
  // More packets of this unit may come.
  bool goes_on(const RtpUnit& unit) const { return &unit == &unit_ && !unit.ended; }
  // The newest packet began a unit, and the one before the last was whole, but no frame came out
  // of it: the depayloader kept it to itself. Its RTP time.
  std::optional<int64_t> kept_one() const { return kept_one_; }

 private:
  void extend(const RtpPacket& packet);

  int clock_rate_;
  std::optional<RtpPacket> last_;
  int64_t extended_ = 0;  // of the newest packet
  RtpUnit unit_, unit_before_;
  std::optional<int64_t> kept_one_;
};

}  // namespace callbot::pipelines
