#include "pipelines/filler_source.h"

#include <glib.h>
#include <gst/rtp/gstrtpbuffer.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "pipelines/codecs.h"
#include "pipelines/encoders.h"

namespace callbot::pipelines {
namespace {

constexpr size_t kVp8Header = 10;        // frame tag, start code, size (RFC 6386, 9.1)
constexpr uint32_t kMagic = 0x66696c6c;  // "fill"
constexpr size_t kLeast = kVp8Header + sizeof kMagic + sizeof(uint32_t) + sizeof(int64_t);
constexpr size_t kPayload = 1150;  // bytes of a packet, below every usual MTU
constexpr uint8_t kBegins = 0x10;  // RFC 7741, 4.2: S, the first packet of a frame
constexpr int kClock = 90000;      // Hz (RFC 7741)

template <class T>
void put(std::vector<uint8_t>& frame, size_t at, T value) {
  std::memcpy(frame.data() + at, &value, sizeof value);
}
template <class T>
T get(std::span<const uint8_t> frame, size_t at) {
  T value;
  std::memcpy(&value, frame.data() + at, sizeof value);
  return value;
}

// A shown key frame of 640x360, as far as its header goes.
std::vector<uint8_t> make_frame(size_t bytes, const FillerFrame& says) {
  std::vector<uint8_t> frame(std::max(bytes, kLeast));
  const uint32_t first_part = static_cast<uint32_t>(frame.size() - kVp8Header) & 0x7ffff;
  const uint32_t tag = first_part << 5 | 1 << 4;
  for (int i = 0; i < 3; ++i) frame[i] = static_cast<uint8_t>(tag >> (8 * i));
  const uint8_t rest[] = {0x9d, 0x01, 0x2a, 640 & 0xff, 640 >> 8, 360 & 0xff, 360 >> 8};
  std::copy(std::begin(rest), std::end(rest), frame.begin() + 3);
  put(frame, kVp8Header, kMagic);
  put(frame, kVp8Header + 4, says.number);
  put(frame, kVp8Header + 8, says.sent_ns);
  return frame;
}

}  // namespace

std::optional<FillerFrame> read_filler(std::span<const uint8_t> frame) {
  if (frame.size() < kLeast || get<uint32_t>(frame, kVp8Header) != kMagic) return std::nullopt;
  return FillerFrame{get<uint32_t>(frame, kVp8Header + 4), get<int64_t>(frame, kVp8Header + 8)};
}

FillerSource::FillerSource()
    : sequence_(static_cast<uint16_t>(g_random_int())), ssrc_(g_random_int()) {
  const Codec& vp8 = *codec_by_name("vp8");
  const RtpIdentity rtp{usual_payload(vp8), ssrc_};
  streams_.push_back(
      {MediaKind::kVideo, "vp8", rtp_caps(vp8, rtp, {.width = 640, .height = 360}), "filler"});
}

FillerSource::~FillerSource() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

Result<> FillerSource::start() {
  thread_ = std::thread([this] { run(); });
  return {};
}

void FillerSource::run() {
  constexpr std::chrono::nanoseconds kPeriod{1'000'000'000 / kFramesPerSecond};
  auto due = std::chrono::steady_clock::now();
  while (!ending_) {
    const int64_t rate = rate_;
    if (rate > 0) send_frame(static_cast<size_t>(rate / 8 / kFramesPerSecond));
    due += kPeriod;
    std::this_thread::sleep_until(due);
  }
}

void FillerSource::send_frame(size_t bytes) {
  const int64_t now = monotonic_ns();
  const auto frame = make_frame(bytes, {next_, now});
  const auto rtp_time =
      static_cast<uint32_t>(gst_util_uint64_scale(static_cast<uint64_t>(now), kClock, GST_SECOND));
  for (size_t at = 0; at < frame.size(); at += kPayload) {
    const size_t size = std::min(kPayload, frame.size() - at);
    auto packet =
        GRef<GstBuffer>::adopt(gst_rtp_buffer_new_allocate(static_cast<guint>(size + 1), 0, 0));
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (!gst_rtp_buffer_map(packet.get(), GST_MAP_READWRITE, &rtp)) return;
    gst_rtp_buffer_set_ssrc(&rtp, ssrc_);
    gst_rtp_buffer_set_seq(&rtp, ++sequence_);
    gst_rtp_buffer_set_timestamp(&rtp, rtp_time);
    gst_rtp_buffer_set_marker(&rtp, at + size == frame.size());
    auto* payload = static_cast<uint8_t*>(gst_rtp_buffer_get_payload(&rtp));
    payload[0] = at == 0 ? kBegins : 0;
    std::memcpy(payload + 1, frame.data() + at, size);
    gst_rtp_buffer_unmap(&rtp);
    GST_BUFFER_PTS(packet.get()) = static_cast<GstClockTime>(now);
    fan_out_.push(packet);
  }
  ++next_;
}

}  // namespace callbot::pipelines
