#include "pipelines/audio_level.h"

#include <algorithm>
#include <cmath>

namespace callbot::pipelines {
namespace {

constexpr size_t kFixedHeader = 12;  // RFC 3550, 5.1
constexpr uint8_t kExtended = 0x10;
// Quieter than this is taken for no voice by what we send.
constexpr uint8_t kQuietestVoice = 50;  // -dBov

using Bytes = std::span<const uint8_t>;

// RFC 8285, 4.2: four bits of id, four of length less one. 0 pads, 15 ends.
Bytes find_one_byte(Bytes in, int id) {
  for (size_t at = 0; at < in.size();) {
    const int here = in[at] >> 4;
    if (here == 15) return {};
    const size_t size = here == 0 ? 0 : (in[at] & 0x0fu) + 1;
    if (at + size >= in.size() && here != 0) return {};
    if (here == id) return in.subspan(at + 1, size);
    at += 1 + size;
  }
  return {};
}

// RFC 8285, 4.3: a byte of id, a byte of length.
Bytes find_two_byte(Bytes in, int id) {
  for (size_t at = 0; at + 1 < in.size();) {
    if (in[at] == 0) {
      ++at;
      continue;
    }
    const size_t size = in[at + 1];
    if (at + 2 + size > in.size()) return {};
    if (in[at] == id) return in.subspan(at + 2, size);
    at += 2 + size;
  }
  return {};
}

}  // namespace

std::optional<AudioLevel> audio_level_of(std::span<const uint8_t> head, int id) {
  if (id <= 0 || head.size() < kFixedHeader || (head[0] & kExtended) == 0) return std::nullopt;
  const size_t at = kFixedHeader + size_t{4} * (head[0] & 0x0fu);
  if (at + 4 > head.size()) return std::nullopt;
  const unsigned profile = head[at] << 8u | head[at + 1];
  const size_t length = size_t{4} * (head[at + 2] << 8u | head[at + 3]);
  const Bytes in = head.subspan(at + 4, std::min(length, head.size() - at - 4));
  Bytes value;
  if (profile == 0xBEDE)
    value = find_one_byte(in, id);
  else if ((profile & 0xfff0u) == 0x1000)
    value = find_two_byte(in, id);
  if (value.empty()) return std::nullopt;
  return AudioLevel{static_cast<uint8_t>(value[0] & 0x7f), (value[0] & 0x80) != 0};
}

AudioLevel measure_level(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += static_cast<double>(sample) * sample;
  const double rms = samples.empty() ? 0 : std::sqrt(sum / static_cast<double>(samples.size()));
  const double dbov = rms > 0 ? 20 * std::log10(rms / 32767) : -127;
  const auto below = static_cast<uint8_t>(std::clamp(std::lround(-dbov), 0L, 127L));
  return {below, below <= kQuietestVoice};
}

GRef<GstBuffer> with_audio_level(const GRef<GstBuffer>& packet, int id, AudioLevel level) {
  uint8_t head[kFixedHeader + 8];
  if (gst_buffer_extract(packet.get(), 0, head, kFixedHeader) != kFixedHeader) return packet;
  if ((head[0] & (kExtended | 0x0f)) != 0) return packet;
  head[0] |= kExtended;
  const uint8_t extension[8] = {
      0xBE,
      0xDE,
      0,
      1,
      static_cast<uint8_t>(id << 4),
      static_cast<uint8_t>((level.voice ? 0x80 : 0) | std::min<uint8_t>(level.below_dbov, 127))};
  std::copy(std::begin(extension), std::end(extension), head + kFixedHeader);
  auto made = GRef<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, sizeof head, nullptr));
  gst_buffer_fill(made.get(), 0, head, sizeof head);
  constexpr auto kAll = static_cast<GstBufferCopyFlags>(
      GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_META | GST_BUFFER_COPY_MEMORY);
  gst_buffer_copy_into(made.get(), packet.get(), kAll, kFixedHeader, static_cast<gsize>(-1));
  GST_BUFFER_PTS(made.get()) = GST_BUFFER_PTS(packet.get());
  GST_BUFFER_DTS(made.get()) = GST_BUFFER_DTS(packet.get());
  return made;
}

}  // namespace callbot::pipelines
