#include "recordings/plan_bounds.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/files.h"
#include "recordings/av.h"

namespace callbot::recordings {
namespace {

constexpr AVRational kNs = {1, 1'000'000'000};

double hours(int64_t ns) { return static_cast<double>(ns) / 3.6e12; }

// By its own words; of a file that was cut off, by its last frame.
int64_t length_of(const fs::path& path) {
  const auto opened = open_media(path);
  if (!opened || !*opened) return 0;
  AVFormatContext& input = **opened;
  if (input.duration > 0) return av_rescale_q(input.duration, AV_TIME_BASE_Q, kNs);
  int64_t last = 0;
  for (AvPacket packet(av_packet_alloc()); av_read_frame(&input, packet.get()) >= 0;
       av_packet_unref(packet.get())) {
    if (packet->pts != AV_NOPTS_VALUE)
      last = std::max(
          last, av_rescale_q(packet->pts, input.streams[packet->stream_index]->time_base, kNs));
  }
  return last;
}

}  // namespace

Result<> check_length(const fs::path& folder, const Manifest& manifest, int64_t end_ns) {
  if (end_ns <= kMostAfterMediaNs) return {};
  int64_t last = 0;
  for (const MediaFileFacts& f : manifest.media)
    last = std::max(last, f.offset_ns + length_of(folder / f.path));
  if (end_ns - last <= kMostAfterMediaNs) return {};
  return fail(Code::kBadInput,
              fmt::format("{}: would be {:.1f} h long, but its last media ends after {:.1f} h: a "
                          "time in manifest.json or journal.jsonl is damaged",
                          folder.string(), hours(end_ns), hours(last)));
}

Result<> check_space(const fs::path& out, int64_t bytes) {
  const auto free = free_space(out);
  if (!free || bytes < 0 || static_cast<uint64_t>(bytes) <= *free) return {};
  return fail(Code::kStorage, fmt::format("{}: {:.1f} MB of samples are to be written, and there "
                                          "is room for {:.1f} MB",
                                          out.string(), static_cast<double>(bytes) / 1e6,
                                          static_cast<double>(*free) / 1e6));
}

int64_t pcm_bytes(int64_t duration_ns, int channels) {
  return duration_ns / 1000 * 48 / 1000 * 2 * channels;
}

}  // namespace callbot::recordings
