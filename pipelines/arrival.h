// pipelines/arrival.h: when a packet came in, carried on its buffer from the jitterbuffer's entry
// to the depayloader.
//
// Thread:  any; streaming threads write and read it.
// Owner:   the note is a GstReferenceTimestampMeta with caps of our own and lives with the buffer.
// Fails:   a packet without a note has none.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace callbot::pipelines {

// What came in at a jitterbuffer, before anything is held back or dropped. Any thread may read.
struct Arrivals {
  std::atomic<uint64_t> packets{0};
  std::atomic<uint64_t> bytes{0};          // whole RTP packets
  std::atomic<int64_t> last_packet_ns{0};  // monotonic_ns(); 0: none yet
};

// Notes on every packet when it came in. To be called for the sink pad of each rtpjitterbuffer from
// rtpbin's "new-jitterbuffer", on whatever thread that is; without it a frame's arrival is when
// the jitterbuffer let it go.
std::shared_ptr<const Arrivals> attach_arrival(GstPad* jitterbuffer_sink);

struct PacketTimes {
  std::optional<int64_t> arrival_ns;  // monotonic_ns()
  std::optional<int64_t> ntp_ns;      // the sender's wall clock, ns since the Unix epoch; from the
                                      // jitterbuffer (add-reference-timestamp-meta)
};
PacketTimes packet_times(GstBuffer* packet);

}  // namespace callbot::pipelines
