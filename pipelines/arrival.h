// pipelines/arrival.h: when a packet came in, and when it was sent by the sender's clock, carried
// on its buffer from the jitterbuffer's entry to the depayloader.
//
// rtpjitterbuffer could note the sender's clock itself (add-reference-timestamp-meta), but that of
// 1.26 takes no report whose clock is behind the last one's: after the sender's clock was put back
// it would go on as if it had not been, until that clock has caught up.
//
// Thread:  any; streaming threads write and read it.
// Owner:   the notes are GstReferenceTimestampMeta with caps of our own and live with the buffer.
// Fails:   a packet without a note has none.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "pipelines/header_log.h"

namespace callbot::pipelines {

// What came in at a jitterbuffer, before anything is held back or dropped. Any thread may read.
struct Arrivals {
  std::atomic<uint64_t> packets{0};
  std::atomic<uint64_t> bytes{0};                              // whole RTP packets
  std::atomic<int64_t> first_packet_ns{0}, last_packet_ns{0};  // monotonic_ns(); 0: none yet
};

// Notes on every packet when it came in and, once a sender report did, what is known of the
// sender's clock. To be called for the sink pad of each rtpjitterbuffer from rtpbin's
// "new-jitterbuffer", on whatever thread that is; without it a frame's arrival is when the
// jitterbuffer let it go. `headers` notes them too, where there is one.
std::shared_ptr<const Arrivals> attach_arrival(GstPad* jitterbuffer_sink,
                                               std::shared_ptr<HeaderLog> headers = nullptr);

struct PacketTimes {
  std::optional<int64_t> arrival_ns;  // monotonic_ns()
  std::optional<int64_t> ntp_ns;      // the sender's wall clock, ns since the Unix epoch: the last
                                      // report's, carried on at the nominal rate
};
PacketTimes packet_times(GstBuffer* packet, int clock_rate);

}  // namespace callbot::pipelines
