// signaling/metered_stream.h: a GIOStream around another that counts, and reads in fair portions.
//
// libsoup's WebSocket reads as long as there is anything to read, puts no bound on a message in
// many fragments (before 3.8) and does not tell how much it has queued; this does what is missing.
//
// Thread:  loop.
// Owner:   the WebSocket connection holds the stream; the Meter is shared with whoever reads it.
// Fails:   as the stream inside.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "base/gref.h"

namespace callbot::signaling {

struct Meter {
  uint64_t read = 0;     // bytes, ever
  uint64_t written = 0;  // bytes of WebSocket messages, without pings, pongs and goodbyes, ever
  // g_get_monotonic_time() since when a frame waits to be written whole; 0: none does.
  int64_t waiting_since_us = 0;
  // Bytes handed out in one turn of the loop; what comes faster waits for the next one.
  uint64_t portion = 64u << 10;
  bool discard = false;           // what comes in is thrown away; only its end is passed on
  bool ended = false;             // nothing comes in any more, whatever the other end still sends
  std::function<void()> on_read;  // after every read; may not touch the stream
};

GRef<GIOStream> metered(GIOStream* inner, std::shared_ptr<Meter> meter);

}  // namespace callbot::signaling
