#include "pipelines/rtcp_split.h"

#include <algorithm>
#include <memory>

#include "base/gref.h"
#include "pipelines/rtcp.h"

namespace callbot::pipelines {
namespace {

constexpr size_t kPliBytes = 12;
constexpr size_t kMostSsrcs = 1000;

GRef<GstBuffer> buffer_of(const RtcpSplit::Bytes& bytes) {
  return GRef<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
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
  const auto parts = probe->split.split({map.data, map.size});
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

std::optional<RtcpSplit::Parts> RtcpSplit::split(std::span<const uint8_t> compound) {
  Parts parts;
  while (!compound.empty()) {
    const auto packet = first_rtcp_packet(compound);
    if (packet.empty()) return std::nullopt;
    compound = compound.subspan(packet.size());
    if (packet[1] == kReceiverReport) remember(packet, kReceiverReportHead);
    if (packet[1] == kSenderReport) remember(packet, kSenderReportHead);
    if (packet[1] == kPayloadFeedback && (packet[0] & 0x1f) == kPli && packet.size() == kPliBytes)
      parts.requests.push_back(behind_its_report(packet));
    else
      parts.rest.insert(parts.rest.end(), packet.begin(), packet.end());
  }
  if (parts.requests.empty()) return std::nullopt;
  return parts;
}

void RtcpSplit::remember(std::span<const uint8_t> report, size_t head) {
  const size_t blocks = report[0] & 0x1f;
  for (size_t i = 0; i < blocks; ++i) {
    const size_t at = head + i * sizeof(ReportBlock);
    if (at + sizeof(ReportBlock) > report.size() || newest_.size() >= kMostSsrcs) return;
    std::copy_n(report.begin() + static_cast<std::ptrdiff_t>(at), sizeof(ReportBlock),
                newest_[rtcp_word(report, at)].begin());
  }
}

RtcpSplit::Bytes RtcpSplit::behind_its_report(std::span<const uint8_t> pli) const {
  ReportBlock block{};  // of nothing received, but for whose it is
  std::copy_n(pli.begin() + 8, 4, block.begin());
  if (const auto known = newest_.find(rtcp_word(pli, 8)); known != newest_.end())
    block = known->second;
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
