#include "pipelines/rtcp_split.h"

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/gref.h"
#include "pipelines/rtcp.h"

namespace callbot::pipelines {
namespace {

constexpr size_t kPliBytes = 12;
constexpr size_t kMostSsrcs = 1000;

GRef<GstBuffer> buffer_of(const RtcpSplit::Bytes& bytes) {
  return GRef<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
}

// The same report so much later: DLSR, in 1/65536 s, where a sender report (LSR) has come at all.
std::array<uint8_t, 24> later(std::array<uint8_t, 24> block, int64_t by_ns) {
  constexpr size_t kLsr = 16, kDlsr = 20;
  if (rtcp_word(block, kLsr) == 0) return block;
  const auto more = static_cast<uint32_t>(by_ns / 1'000'000 * 65536 / 1000);
  const uint32_t delay = rtcp_word(block, kDlsr) + more;
  for (size_t i = 0; i < 4; ++i) block[kDlsr + i] = static_cast<uint8_t>(delay >> (24 - 8 * i));
  return block;
}

// What it pushes itself comes through again.
struct Probe {
  RtcpSplit split;
  bool pushing = false;
};

GstPadProbeReturn part(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* probe = static_cast<Probe*>(data);
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstMapInfo map;
  if (probe->pushing || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
  const auto parts = probe->split.split({map.data, map.size}, monotonic_ns());
  gst_buffer_unmap(buffer, &map);
  if (!parts) return GST_PAD_PROBE_OK;
  probe->pushing = true;
  for (const auto& request : parts->requests) gst_pad_push(pad, buffer_of(request).release());
  probe->pushing = false;
  const auto whole = GRef<GstBuffer>::adopt(buffer);
  if (parts->rest.empty()) {
    info->data = nullptr;
    return GST_PAD_PROBE_HANDLED;
  }
  auto rest = buffer_of(parts->rest);
  gst_buffer_copy_into(rest.get(), buffer, GST_BUFFER_COPY_METADATA, 0, -1);
  info->data = rest.release();
  return GST_PAD_PROBE_OK;
}

}  // namespace

std::optional<RtcpSplit::Parts> RtcpSplit::split(std::span<const uint8_t> compound,
                                                 int64_t now_ns) {
  Parts parts;
  while (!compound.empty()) {
    const auto packet = first_rtcp_packet(compound);
    if (packet.empty()) return std::nullopt;
    compound = compound.subspan(packet.size());
    if (packet[1] == kReceiverReport) remember(packet, kReceiverReportHead, now_ns);
    if (packet[1] == kSenderReport) remember(packet, kSenderReportHead, now_ns);
    if (packet[1] == kPayloadFeedback && (packet[0] & 0x1f) == kPli && packet.size() == kPliBytes)
      parts.requests.push_back(behind_its_report(packet, now_ns));
    else
      parts.rest.insert(parts.rest.end(), packet.begin(), packet.end());
  }
  if (parts.requests.empty()) return std::nullopt;
  return parts;
}

void RtcpSplit::remember(std::span<const uint8_t> report, size_t head, int64_t now_ns) {
  const size_t blocks = report[0] & 0x1f;
  for (size_t i = 0; i < blocks; ++i) {
    const size_t at = head + i * sizeof(ReportBlock);
    if (at + sizeof(ReportBlock) > report.size() || newest_.size() >= kMostSsrcs) return;
    Reported& newest = newest_[rtcp_word(report, at)];
    std::copy_n(report.begin() + static_cast<std::ptrdiff_t>(at), sizeof(ReportBlock),
                newest.block.begin());
    newest.at_ns = now_ns;
  }
}

RtcpSplit::Bytes RtcpSplit::behind_its_report(std::span<const uint8_t> pli, int64_t now_ns) const {
  ReportBlock block{};  // of nothing received, but for whose it is
  std::copy_n(pli.begin() + 8, 4, block.begin());
  if (const auto known = newest_.find(rtcp_word(pli, 8)); known != newest_.end())
    block = later(known->second.block, now_ns - known->second.at_ns);
  Bytes bytes{0x81, kReceiverReport, 0, 7};
  bytes.insert(bytes.end(), pli.begin() + 4, pli.begin() + 8);  // its sender is ours
  bytes.insert(bytes.end(), block.begin(), block.end());
  bytes.insert(bytes.end(), pli.begin(), pli.end());
  return bytes;
}

void send_key_frame_requests_alone(GstPad* rtcp_src) {
  gst_pad_add_probe(rtcp_src, GST_PAD_PROBE_TYPE_BUFFER, part, std::make_unique<Probe>().release(),
                    [](gpointer probe) { delete static_cast<Probe*>(probe); });
}

}  // namespace callbot::pipelines
