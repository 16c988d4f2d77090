#include "pipelines/rtp_rewrite.h"

#include <algorithm>

#include "pipelines/rtp_run.h"

namespace callbot::pipelines {
namespace {

constexpr size_t kFixedHeader = 12;  // RFC 3550, 5.1
constexpr size_t kMostHead = 256;    // bytes of a packet that may be rewritten

uint8_t renamed(const std::map<int, int>& ids, int id) {
  const auto at = ids.find(id);
  return at != ids.end() ? static_cast<uint8_t>(at->second) : 0;
}

// RFC 8285, 4.2: one byte of id and length, then the data. Id 0 is padding, 15 the end.
void rename_one_byte(uint8_t* at, const uint8_t* end, const std::map<int, int>& ids) {
  while (at < end) {
    const int id = *at >> 4;
    const size_t size = id == 0 ? 0 : (*at & 0x0f) + 1;
    if (id == 15 || at + size >= end) return;
    const uint8_t renamed_id = renamed(ids, id);
    if (id != 0 && renamed_id >= 1 && renamed_id <= 14) {
      *at = static_cast<uint8_t>(renamed_id << 4 | (*at & 0x0f));
    } else if (id != 0) {
      std::fill(at, at + size + 1, uint8_t{0});
    }
    at += size + 1;
  }
}

// RFC 8285, 4.3: a byte of id, a byte of length, the data.
void rename_two_byte(uint8_t* at, const uint8_t* end, const std::map<int, int>& ids) {
  while (at + 1 < end) {
    if (*at == 0) {
      ++at;
      continue;
    }
    const size_t size = at[1];
    if (at + 2 + size > end) return;
    const uint8_t id = renamed(ids, *at);
    if (id != 0)
      *at = id;
    else
      std::fill(at, at + 2 + size, uint8_t{0});
    at += 2 + size;
  }
}

// Room for a transport-wide sequence number (RFC 8285, 4.2: id, length less one, two bytes), behind
// the extensions that are there. Returns how long the header is then.
size_t add_transport_cc(uint8_t* head, size_t header_bytes, int id) {
  const size_t at = kFixedHeader + size_t{4} * (head[0] & 0x0f);
  const uint8_t element[4] = {static_cast<uint8_t>(id << 4 | 1), 0, 0, 0};
  uint8_t* extension = head + at;
  if ((head[0] & 0x10) == 0) {
    head[0] |= 0x10;
    constexpr uint8_t kEmpty[4] = {0xBE, 0xDE, 0, 0};
    std::copy(std::begin(kEmpty), std::end(kEmpty), extension);
    header_bytes = at + sizeof kEmpty;
  } else if (extension[0] != 0xBE || extension[1] != 0xDE) {
    return header_bytes;
  }
  const int words = (extension[2] << 8 | extension[3]) + 1;
  extension[2] = static_cast<uint8_t>(words >> 8);
  extension[3] = static_cast<uint8_t>(words);
  std::copy(std::begin(element), std::end(element), head + header_bytes);
  return header_bytes + sizeof element;
}

}  // namespace

GRef<GstBuffer> rewritten_packet(
    const GRef<GstBuffer>& packet, const SendFormat& format, size_t descriptor_bytes,
    const std::function<void(std::span<uint8_t> head, size_t header_bytes)>& join) {
  uint8_t head[kMostHead];
  size_t there = gst_buffer_extract(packet.get(), 0, head, kMostHead);
  const auto read = read_rtp_header({head, there});
  constexpr size_t kAdded = 8;
  if (!read || read->header_bytes + descriptor_bytes + kAdded > kMostHead ||
      read->header_bytes > there)
    return packet;
  const size_t header = read->header_bytes;
  there = std::min(there, header + descriptor_bytes);
  rewrite_rtp(head, header, format);
  uint8_t descriptor[kMostHead];
  std::copy(head + header, head + there, descriptor);
  const size_t longer =
      format.transport_cc > 0 ? add_transport_cc(head, header, format.transport_cc) : header;
  const size_t whole = longer + (there - header);
  std::copy(descriptor, descriptor + (there - header), head + longer);
  join({head, whole}, longer);

  auto made = GRef<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, whole, nullptr));
  gst_buffer_fill(made.get(), 0, head, whole);
  constexpr auto kAbout =
      static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_META);
  gst_buffer_copy_into(made.get(), packet.get(), kAbout, 0, static_cast<gsize>(-1));
  if (there < gst_buffer_get_size(packet.get()))
    gst_buffer_copy_into(made.get(), packet.get(), GST_BUFFER_COPY_MEMORY, there,
                         static_cast<gsize>(-1));
  return made;
}

void rewrite_rtp(uint8_t* packet, size_t size, const SendFormat& format) {
  if (size < kFixedHeader) return;
  if (format.payload >= 0)
    packet[1] = static_cast<uint8_t>((packet[1] & 0x80) | (format.payload & 0x7f));
  const bool extended = (packet[0] & 0x10) != 0;
  const size_t at = kFixedHeader + size_t{4} * (packet[0] & 0x0f);
  if (!extended || at + 4 > size) return;
  const int profile = packet[at] << 8 | packet[at + 1];
  const size_t length = size_t{4} * (packet[at + 2] << 8 | packet[at + 3]);
  if (at + 4 + length > size) return;
  uint8_t* begin = packet + at + 4;
  if (profile == 0xBEDE)
    rename_one_byte(begin, begin + length, format.extensions);
  else if ((profile & 0xfff0) == 0x1000)
    rename_two_byte(begin, begin + length, format.extensions);
}

}  // namespace callbot::pipelines
