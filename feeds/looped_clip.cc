#include "feeds/looped_clip.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace callbot::feeds {
namespace {

constexpr int64_t kPcmSample_ns = 125'000;
constexpr size_t kG711Bytes = 160;   // 20 ms
constexpr int64_t kG711NoGap = 480;  // bytes: times of sound are often rounded
// 20 ms of CELT, full band, mono (RFC 6716, 3.1), that say nothing.
constexpr uint8_t kSilentOpus[] = {0xf8, 0xff, 0xfe};
constexpr int64_t kSilentOpus_ns = 20'000'000;

int64_t rounded(int64_t value, int64_t step) {
  return static_cast<int64_t>(std::llround(static_cast<double>(value) / static_cast<double>(step)));
}

std::vector<uint8_t> bytes_of(const AVPacket& packet) {
  return {packet.data, packet.data + packet.size};
}

// H.264 in MP4 and Matroska has lengths before its units, and its parameter sets apart.
Result<AvFilter> annex_b_filter(const AVStream& stream) {
  const AVCodecParameters& codec = *stream.codecpar;
  if (codec.codec_id != AV_CODEC_ID_H264 || codec.extradata_size < 1 || codec.extradata[0] != 1)
    return AvFilter();
  AVBSFContext* raw = nullptr;
  const int got = av_bsf_alloc(av_bsf_get_by_name("h264_mp4toannexb"), &raw);
  if (got < 0) return tl::unexpected(av_failure(Code::kUnsupported, "h264_mp4toannexb", got));
  AvFilter filter(raw);
  avcodec_parameters_copy(filter->par_in, &codec);
  filter->time_base_in = stream.time_base;
  if (const int ready = av_bsf_init(filter.get()); ready < 0)
    return tl::unexpected(av_failure(Code::kBadInput, "h264_mp4toannexb", ready));
  return filter;
}

}  // namespace

LoopedClip::LoopedClip(std::vector<PreparedClip> clips, LoopConfig config)
    : clips_(std::move(clips)), config_(config) {
  ClipStream video{.kind = MediaKind::kVideo}, audio{.kind = MediaKind::kAudio};
  for (const PreparedClip& clip : clips_) {
    if (const auto& track = clip.facts.video) {
      video.codec = track->codec;
      video.width = std::max(video.width, track->width);
      video.height = std::max(video.height, track->height);
      video.fps = std::max(video.fps, static_cast<int>(std::lround(track->fps)));
    }
    if (const auto& track = clip.facts.audio) {
      audio.codec = track->codec;
      audio.channels = std::max(audio.channels, track->channels);
    }
  }
  if (!video.codec.empty()) streams_.push_back(video);
  audio_ = streams_.size();
  if (!audio.codec.empty()) streams_.push_back(audio);
}

Result<std::unique_ptr<LoopedClip>> LoopedClip::create(std::vector<PreparedClip> clips,
                                                       LoopConfig config) {
  if (clips.empty()) return fail(Code::kUsage, "nothing to send");
  const MediaFacts& first = clips.front().facts;
  if (config.at_ns >= first.length_ns)
    return fail(Code::kUsage, fmt::format("{}: --at {:.1f}s: expected less than its {:.1f} s",
                                          first.name, static_cast<double>(config.at_ns) / 1e9,
                                          static_cast<double>(first.length_ns) / 1e9));
  std::unique_ptr<LoopedClip> made(new LoopedClip(std::move(clips), config));
  if (config.at_ns > 0) {
    const MediaFacts& facts = made->clips_.front().facts;
    made->start_ns_ = config.at_ns;
    if (facts.video) {
      const auto& keys = facts.video->key_ns;
      const auto after = std::upper_bound(keys.begin(), keys.end(), facts.begin_ns + config.at_ns);
      if (after != keys.begin()) made->start_ns_ = *(after - 1) - facts.begin_ns;
    }
    made->base_ns_ = -made->start_ns_;
  }
  if (auto begun = made->begin_round(); !begun) return tl::unexpected(begun.error());
  return made;
}

Result<> LoopedClip::begin_round() {
  video_packets_ = audio_packets_ = 0;
  first_ns_.reset();
  slot_ns_.reset();
  last_step_ = -1;
  g711_goes_on_ = false;
  annex_b_.reset();
  if (const auto& video = clip().facts.video) {
    auto filter = annex_b_filter(*clip().file->format().streams[video->index]);
    if (!filter) return tl::unexpected(std::move(filter.error()).in(clip().file->name()));
    annex_b_ = std::move(*filter);
  }
  reading_ = true;
  return {};
}

// False: there is no other round.
Result<bool> LoopedClip::end_round() {
  const MediaFacts& facts = clip().facts;
  const uint64_t expected =
      (facts.video ? facts.video->packets : 0) + (facts.audio ? facts.audio->packets : 0);
  if (video_packets_ + audio_packets_ < expected)
    return fail(Code::kBadInput,
                fmt::format("{}: has become shorter while it was sent: {} of {} packets",
                            clip().file->name(), video_packets_ + audio_packets_, expected));
  base_ns_ += facts.length_ns;
  start_ns_ = 0;
  if (!facts.audio) be_silent_until(base_ns_);
  if (++current_ == clips_.size()) {
    current_ = 0;
    if (++rounds_done_ == config_.rounds) return false;
  }
  if (auto again = clip().file->rewind(); !again) return tl::unexpected(again.error());
  if (auto begun = begin_round(); !begun) return tl::unexpected(begun.error());
  return true;
}

Result<std::optional<ClipFrame>> LoopedClip::next() {
  while (ready_.empty()) {
    if (ended_) return std::nullopt;
    auto more = clip().file->read(*packet_);
    if (!more) return tl::unexpected(more.error());
    if (*more) {
      if (auto taken = take(*packet_); !taken) return tl::unexpected(taken.error());
      continue;
    }
    auto again = end_round();
    if (!again) return tl::unexpected(again.error());
    ended_ = !*again;
  }
  std::optional<ClipFrame> frame(std::move(ready_.front()));
  ready_.pop_front();
  return frame;
}

Result<> LoopedClip::take(const AVPacket& packet) {
  const MediaFacts& facts = clip().facts;
  const AVStream* stream = clip().file->format().streams[packet.stream_index];
  const int64_t time = time_of(packet);
  const int64_t at_ns =
      time == AV_NOPTS_VALUE ? 0 : in_ns(time, stream->time_base) - facts.begin_ns;
  if (facts.video && packet.stream_index == facts.video->index) {
    ++video_packets_;
    if (at_ns < start_ns_) return {};
    if (!facts.audio) be_silent_until(base_ns_ + at_ns);
    return take_video(packet, at_ns);
  } else if (facts.audio && packet.stream_index == facts.audio->index) {
    ++audio_packets_;
    if (facts.audio->codec == "opus")
      take_packet(bytes_of(packet), at_ns);
    else if (at_ns >= start_ns_)
      take_g711(packet, at_ns);
  }
  return {};
}

Result<> LoopedClip::take_video(const AVPacket& packet, int64_t at_ns) {
  ClipFrame frame{
      .stream = video_, .time_ns = base_ns_ + at_ns, .key = (packet.flags & AV_PKT_FLAG_KEY) != 0};
  if (!annex_b_) {
    frame.bytes = bytes_of(packet);
    ready_.push_back(std::move(frame));
    return {};
  }
  const AvPacket copy(av_packet_clone(&packet));
  if (const int got = av_bsf_send_packet(annex_b_.get(), copy.get()); got < 0)
    return tl::unexpected(av_failure(Code::kBadInput, clip().file->name(), got));
  const AvPacket filtered(av_packet_alloc());
  while (av_bsf_receive_packet(annex_b_.get(), filtered.get()) >= 0) {
    frame.bytes = bytes_of(*filtered);
    ready_.push_back(frame);
    av_packet_unref(filtered.get());
  }
  return {};
}

// A packet of sound that begins at `at_ns` of the clip, put into the step that sound keeps. What
// the round has too much of is left out as soon as the next round's first packet fits better there.
void LoopedClip::take_packet(std::vector<uint8_t> bytes, int64_t at_ns) {
  const int64_t step = clip().facts.audio->packet_ns;
  // Coders begin a little before the picture; the next round begins as much before this one's end.
  const int64_t early = std::min<int64_t>(clip().facts.audio->first_ns - clip().facts.begin_ns, 0);
  if (at_ns - early < start_ns_) return;
  if (!slot_ns_) {
    slot_ns_ = base_ns_ + at_ns;
    if (sound_end_ns_)
      slot_ns_ =
          *sound_end_ns_ + std::max<int64_t>(rounded(*slot_ns_ - *sound_end_ns_, step), 0) * step;
    first_ns_ = at_ns;
  }
  const int64_t nth = std::max(rounded(at_ns - *first_ns_, step), last_step_ + 1);
  const int64_t time = *slot_ns_ + nth * step;
  if (time + step / 2 > base_ns_ + clip().facts.length_ns + early) return;
  last_step_ = nth;
  sound_end_ns_ = time + step;
  ready_.push_back({.stream = audio_, .bytes = std::move(bytes), .time_ns = time, .key = true});
}

// A clip without sound among others that have some: a receiver shall not take it for a gap.
void LoopedClip::be_silent_until(int64_t end_ns) {
  if (audio_ >= streams_.size()) return;
  if (streams_[audio_].codec != "opus") {
    const int64_t end = rounded(end_ns, kPcmSample_ns);
    if (!g711_end_) g711_end_ = 0;
    g711_.insert(g711_.end(), static_cast<size_t>(std::max<int64_t>(end - *g711_end_, 0)),
                 silent_byte());
    *g711_end_ = std::max(*g711_end_, end);
    return send_g711();
  }
  if (!sound_end_ns_) sound_end_ns_ = 0;
  for (; *sound_end_ns_ + kSilentOpus_ns / 2 <= end_ns; *sound_end_ns_ += kSilentOpus_ns)
    ready_.push_back({.stream = audio_,
                      .bytes = {std::begin(kSilentOpus), std::end(kSilentOpus)},
                      .time_ns = *sound_end_ns_,
                      .key = true});
}

uint8_t LoopedClip::silent_byte() const { return streams_[audio_].codec == "pcma" ? 0xd5 : 0xff; }

// Each byte is a sample, so that rounds follow one another to the sample. Files have pieces of any
// length, at times that are often rounded.
void LoopedClip::take_g711(const AVPacket& packet, int64_t at_ns) {
  const int64_t end = rounded(base_ns_ + clip().facts.length_ns, kPcmSample_ns);
  int64_t at = rounded(base_ns_ + at_ns, kPcmSample_ns);
  if (!g711_end_) g711_end_ = std::max<int64_t>(at, 0);
  const bool goes_on = g711_goes_on_ && std::abs(at - *g711_end_) < kG711NoGap;
  if (goes_on) at = *g711_end_;
  g711_goes_on_ = true;
  g711_.insert(g711_.end(), static_cast<size_t>(std::max<int64_t>(at - *g711_end_, 0)),
               silent_byte());
  *g711_end_ = std::max(at, *g711_end_);
  const int64_t skip = std::clamp<int64_t>(*g711_end_ - at, 0, packet.size);
  const int64_t take = std::clamp<int64_t>(end - *g711_end_, 0, packet.size - skip);
  g711_.insert(g711_.end(), packet.data + skip, packet.data + skip + take);
  *g711_end_ += take;
  send_g711();
}

void LoopedClip::send_g711() {
  size_t used = 0;
  for (; used + kG711Bytes <= g711_.size(); used += kG711Bytes) {
    const auto from = g711_.begin() + static_cast<ptrdiff_t>(used);
    const int64_t at = *g711_end_ - static_cast<int64_t>(g711_.size() - used);
    ready_.push_back({.stream = audio_,
                      .bytes = {from, from + kG711Bytes},
                      .time_ns = at * kPcmSample_ns,
                      .key = true});
  }
  g711_.erase(g711_.begin(), g711_.begin() + static_cast<ptrdiff_t>(used));
}

}  // namespace callbot::feeds
