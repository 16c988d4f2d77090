// tests/support/rtp_packet.h: what tests of sources look at in an RTP packet.
//
// Thread:  any.
// Owner:   plain values.
// Fails:   the test, where it is no RTP.
#pragma once

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

#include "base/gref.h"

namespace callbot::test {

struct Packet {
  int64_t pts_ns = 0;
  uint32_t time = 0, ssrc = 0;
  uint16_t sequence = 0;
  bool marker = false;
  int picture_id = -1;  // of VP8 (RFC 7741, 4.2)
};

inline Packet packet_of(const GRef<GstBuffer>& buffer, bool vp8) {
  Packet packet;
  packet.pts_ns = static_cast<int64_t>(GST_BUFFER_PTS(buffer.get()));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(buffer.get(), GST_MAP_READ, &rtp)) {
    ADD_FAILURE() << "not RTP";
    return packet;
  }
  packet.time = gst_rtp_buffer_get_timestamp(&rtp);
  packet.ssrc = gst_rtp_buffer_get_ssrc(&rtp);
  packet.sequence = gst_rtp_buffer_get_seq(&rtp);
  packet.marker = gst_rtp_buffer_get_marker(&rtp);
  const auto* bytes = static_cast<const uint8_t*>(gst_rtp_buffer_get_payload(&rtp));
  if (vp8 && (bytes[0] & 0x80) != 0 && (bytes[1] & 0x80) != 0)
    packet.picture_id = (bytes[2] & 0x7f) << 8 | bytes[3];
  gst_rtp_buffer_unmap(&rtp);
  return packet;
}

}  // namespace callbot::test
