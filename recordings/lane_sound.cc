#include "recordings/lane_sound.h"

#include <algorithm>
#include <cmath>

#include "recordings/codec_parameters.h"

namespace callbot::recordings {
namespace {

constexpr AVRational kNs = {1, 1'000'000'000};
constexpr int64_t kHardNs = 10'000'000;  // from here on time is put right at once
constexpr int64_t kSoftNs = 2'000'000;   // from here on within the next second
// What libopus' encoder adds (RFC 6716, 2.1.4: 6.5 ms); our OpusHead has no pre-skip for it.
constexpr int64_t kOpusLookaheadNs = 6'500'000;

}  // namespace

LaneSound::LaneSound(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces,
                     SoundFormat format, int64_t from_ns, std::vector<TimeSpan> cuts)
    : view_(folder, std::move(pieces), MediaKind::kAudio, std::move(cuts)),
      format_(format),
      from_ns_(from_ns),
      frame_(av_frame_alloc()) {}

LaneSound::~LaneSound() = default;

Result<> LaneSound::read(std::span<float> samples) {
  const size_t frames = samples.size() / channels();
  for (size_t done = 0; done < frames;) {
    while (chunk_used_ * channels() >= chunk_.size() && !ended_) {
      if (auto filled = refill(); !filled) return filled;
    }
    const int64_t chunk_now = chunk_at_ + static_cast<int64_t>(chunk_used_);
    const size_t left = chunk_.size() / channels() - chunk_used_;
    float* out = samples.data() + done * channels();
    if (left == 0 || chunk_now > position_) {  // a hole
      const size_t hole =
          left == 0 ? frames - done
                    : std::min<size_t>(frames - done, static_cast<size_t>(chunk_now - position_));
      std::fill_n(out, hole * channels(), 0.0F);
      done += hole;
      position_ += static_cast<int64_t>(hole);
      continue;
    }
    const size_t count = std::min(left, frames - done);
    std::copy_n(chunk_.data() + chunk_used_ * channels(), count * channels(), out);
    chunk_used_ += count;
    done += count;
    position_ += static_cast<int64_t>(count);
  }
  return {};
}

// Decodes the next packet into the chunk, which is used up.
Result<> LaneSound::refill() {
  chunk_.clear();
  chunk_used_ = 0;
  auto packet = view_.next();
  if (!packet) return tl::unexpected(packet.error());
  if (!*packet) {
    ended_ = true;
    if (decoder_) decode(nullptr);
    return {};
  }
  if ((*packet)->new_piece) {
    if (decoder_) decode(nullptr);
    if (auto opened = open_decoder((*packet)->piece); !opened) return opened;
    began_ = false;
    toc_.reset();
  }
  AVPacket& raw = *(*packet)->packet;
  const bool opus = decoder_->codec_id == AV_CODEC_ID_OPUS;
  if (opus) conceal(until_ns_, (*packet)->time_ns);
  until_ns_ = (*packet)->time_ns + (*packet)->duration_ns;
  if (opus && raw.size > 1) toc_ = raw.data[0];
  raw.pts = raw.dts = (*packet)->time_ns - (opus ? kOpusLookaheadNs : 0) - from_ns_;
  raw.duration = 0;
  decode(&raw);
  return {};
}

// Packets that were lost; not where the sender paused.
void LaneSound::conceal(int64_t from_ns, int64_t to_ns) {
  if (!toc_ || to_ns - from_ns > kMostLostNs) return;
  const uint8_t lost = opus_lost(*toc_);
  const int64_t frame_ns = opus_duration_ns({&lost, 1});
  for (int64_t at = from_ns; frame_ns > 0 && at + frame_ns <= to_ns + kSoftNs; at += frame_ns) {
    AvPacket packet(av_packet_alloc());
    if (av_new_packet(packet.get(), 1) < 0) return;
    packet->data[0] = lost;
    packet->pts = packet->dts = at - kOpusLookaheadNs - from_ns_;
    decode(packet.get());
  }
}

Result<> LaneSound::open_decoder(int piece) {
  const AVCodecParameters* p = view_.parameters(piece);
  // FFmpeg's own decoder of Opus conceals nothing.
  const AVCodec* codec =
      p->codec_id == AV_CODEC_ID_OPUS ? avcodec_find_decoder_by_name("libopus") : nullptr;
  if (codec == nullptr) codec = avcodec_find_decoder(p->codec_id);
  if (codec == nullptr)
    return fail(Code::kUnsupported,
                std::string("this FFmpeg has no decoder for ") + avcodec_get_name(p->codec_id));
  decoder_.reset(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder_.get(), p);
  decoder_->pkt_timebase = kNs;
  decoder_->thread_count = 1;
  decoder_->request_sample_fmt = AV_SAMPLE_FMT_FLT;
  const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
  if (opened >= 0) return {};
  return tl::unexpected(av_failure(Code::kUnsupported, codec->name, opened));
}

void LaneSound::decode(const AVPacket* packet) {
  avcodec_send_packet(decoder_.get(), packet);  // what it refuses is a hole
  while (avcodec_receive_frame(decoder_.get(), frame_.get()) >= 0) {
    if (frame_->nb_samples > 0) take(*frame_);
    av_frame_unref(frame_.get());
  }
}

void LaneSound::take(const AVFrame& frame) {
  if (!fit_resampler(frame)) return;
  const int64_t delay = swr_get_delay(resampler_.get(), format_.rate);
  const int64_t wanted = frame.pts == AV_NOPTS_VALUE
                             ? end_
                             : static_cast<int64_t>(std::llround(static_cast<double>(frame.pts) /
                                                                 1e9 * format_.rate)) -
                                   delay;
  const int64_t off = wanted - end_;
  const int64_t soft = av_rescale(kSoftNs, format_.rate, kNs.den);
  const int64_t hard = av_rescale(kHardNs, format_.rate, kNs.den);
  const bool jumps = !began_ || std::abs(off) >= hard;
  if (!jumps)
    swr_set_compensation(resampler_.get(), std::abs(off) >= soft ? static_cast<int>(off) : 0,
                         format_.rate);
  const auto most = static_cast<size_t>(swr_get_out_samples(resampler_.get(), frame.nb_samples));
  std::vector<float> samples(most * channels());
  auto* out = reinterpret_cast<uint8_t*>(samples.data());
  const int got = swr_convert(resampler_.get(), &out, static_cast<int>(most),
                              const_cast<const uint8_t**>(frame.extended_data), frame.nb_samples);
  if (got <= 0) return;
  if (chunk_.empty()) chunk_at_ = end_;
  chunk_.insert(
      chunk_.end(), samples.begin(),
      samples.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(got) * channels()));
  place(jumps ? wanted : end_, static_cast<size_t>(got));
  began_ = true;
}

// Puts the last `count` frames of the chunk at `wanted`: behind a hole, or without their beginning.
void LaneSound::place(int64_t wanted, size_t count) {
  const size_t before = chunk_.size() / channels() - count;
  const int64_t from = std::max(end_, position_);
  if (wanted > end_) {
    if (before == 0)
      chunk_at_ = wanted;
    else
      chunk_.insert(chunk_.begin() + static_cast<std::ptrdiff_t>(before * channels()),
                    static_cast<size_t>(wanted - end_) * channels(), 0.0F);
  }
  end_ = std::max(wanted, end_) + static_cast<int64_t>(count);
  if (wanted >= from) return;
  const size_t cut = std::min(count, static_cast<size_t>(from - wanted));
  const auto at = chunk_.begin() + static_cast<std::ptrdiff_t>(before * channels());
  chunk_.erase(at, at + static_cast<std::ptrdiff_t>(cut * channels()));
  if (before == 0) chunk_at_ = from;
  end_ = from + static_cast<int64_t>(count - cut);
}

bool LaneSound::fit_resampler(const AVFrame& frame) {
  if (resampler_ && frame.sample_rate == resampler_rate_ && frame.format == resampler_format_ &&
      frame.ch_layout.nb_channels == resampler_channels_)
    return true;
  resampler_ = open_resampler(frame, format_.channels, format_.rate, Stretches::kYes);
  if (!resampler_) return false;
  resampler_rate_ = frame.sample_rate;
  resampler_format_ = frame.format;
  resampler_channels_ = frame.ch_layout.nb_channels;
  began_ = false;
  return true;
}

}  // namespace callbot::recordings
