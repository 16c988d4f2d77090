#include "recordings/stretch.h"

#include <algorithm>

namespace callbot::recordings {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

bool fits(const StreamParameters& a, const StreamParameters& b) {
  return a.media == b.media && a.codec == b.codec && a.sample_rate == b.sample_rate &&
         a.channels == b.channels;
}

}  // namespace

bool replaces(const TrackInfo& later, const TrackInfo& earlier) {
  if (later.id == earlier.id || later.kind != earlier.kind) return false;
  if (!later.mid.empty() && !earlier.mid.empty()) return later.mid == earlier.mid;
  return later.source == earlier.source;
}

std::optional<int> find_place(std::vector<Stream>& streams, const TrackInfo& track,
                              const StreamParameters& parameters) {
  for (size_t i = 0; i < streams.size(); ++i) {
    if (streams[i].track.id == track.id) return static_cast<int>(i);
  }
  for (size_t i = 0; i < streams.size(); ++i) {
    Stream& stream = streams[i];
    if (stream.live && !replaces(track, stream.track)) continue;
    if (!fits(stream.parameters, parameters)) continue;
    stream.track = track;
    stream.live = true;
    return static_cast<int>(i);
  }
  return std::nullopt;
}

Result<std::unique_ptr<Stretch>> Stretch::open(const MediaFileConfig& config, std::string name,
                                               int64_t start_ns, std::vector<Stream> streams) {
  auto file = MediaFile::create(config);
  if (!file) return tl::unexpected(file.error());
  std::unique_ptr<Stretch> stretch(new Stretch);
  stretch->file_ = std::move(*file);
  stretch->name_ = std::move(name);
  stretch->start_ns_ = start_ns;
  stretch->streams_ = std::move(streams);
  return stretch;
}

int64_t Stretch::add(int stream, TimedFrame timed) {
  Stream& to = streams_[static_cast<size_t>(stream)];
  const int64_t exact = (timed.time_ns - start_ns_ + kMillisecond / 2) / kMillisecond;
  const int64_t time_ms = std::max(exact, to.last_ms + 1);
  to.last_ms = time_ms;
  last_ns_ = std::max(last_ns_, time_ms * kMillisecond);
  batch_bytes_ += timed.frame.bytes.size();
  batch_.push_back({stream, time_ms, std::move(timed.frame)});
  return time_ms * kMillisecond;
}

void Stretch::end_track(TrackId track) {
  for (Stream& stream : streams_) {
    if (stream.track.id == track) stream.live = false;
  }
}

Result<> Stretch::flush() {
  if (batch_.empty()) return {};
  std::stable_sort(batch_.begin(), batch_.end(),
                   [](const Waiting& a, const Waiting& b) { return a.time_ms < b.time_ms; });
  for (const Waiting& w : batch_) {
    auto written = file_->write(w.stream, w.time_ms, w.frame.bytes, w.frame.key);
    if (!written) return written;
  }
  batch_.clear();
  batch_bytes_ = 0;
  return file_->flush();
}

Result<> Stretch::close() {
  auto flushed = flush();
  auto closed = file_->close();
  return flushed ? closed : flushed;
}

bool Stretch::has_live() const {
  return std::any_of(streams_.begin(), streams_.end(), [](const Stream& s) { return s.live; });
}

std::vector<TrackId> Stretch::live_videos(const TrackInfo& instead) const {
  std::vector<TrackId> videos;
  for (const Stream& s : streams_) {
    if (s.live && s.parameters.media == MediaKind::kVideo && !replaces(instead, s.track))
      videos.push_back(s.track.id);
  }
  return videos;
}

}  // namespace callbot::recordings
