// pipelines/rtp_rewrite.h: packets of a source as one receiver has to get them: payload type and
// header extensions as negotiated with it.
//
// Thread:  any; plain bytes.
// Owner:   the caller; packets are shared, what is changed is a copy.
// Fails:   never: what is no RTP packet comes back as it is.
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "base/gref.h"

namespace callbot::pipelines {

constexpr const char* kTransportCcUri =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

// How a packet has to look to the other end.
struct SendFormat {
  int payload = -1;                    // -1: as it is
  std::map<int, int> extensions = {};  // the source's header extension id -> the negotiated one
  // Header extension in which rtpsession writes transport-wide sequence numbers, where there is
  // room for them; 0: none.
  int transport_cc = 0;
};

// The packet as it leaves: shares the payload's memory, its head is its own. `join` may change the
// head, which ends `descriptor_bytes` into the payload.
GRef<GstBuffer> rewritten_packet(
    const GRef<GstBuffer>& packet, const SendFormat& format, size_t descriptor_bytes,
    const std::function<void(std::span<uint8_t> head, size_t header_bytes)>& join);

// Changes the payload type and the ids of RFC 8285 header extensions; those without a negotiated
// id become padding. `packet` holds at least the RTP header with its extensions.
void rewrite_rtp(uint8_t* packet, size_t size, const SendFormat& format);

}  // namespace callbot::pipelines
