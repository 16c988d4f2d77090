// What is read of received frames without decoding them: VP8's header, the length of an Opus
// packet.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "quality/sound_meter.h"
#include "quality/vp8_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  if (const auto header = callbot::quality::vp8_header(bytes)) {
    if (header->quantiser < 0 || header->quantiser > 127) std::abort();
    if (header->width < 0 || header->width > 0x3fff || header->height < 0 ||
        header->height > 0x3fff)
      std::abort();
    if (!header->key && header->width + header->height != 0) std::abort();
  }
  const int64_t ticks = callbot::quality::packet_ticks("opus", bytes);
  if (ticks < 0 || ticks > 5760) std::abort();  // 120 ms (RFC 6716, 3.2.5)
  return 0;
}
