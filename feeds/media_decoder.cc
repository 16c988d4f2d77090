#include "feeds/media_decoder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "feeds/media_facts.h"

namespace callbot::feeds {
namespace {

// Times of sound are often rounded to milliseconds: less than this is no gap.
constexpr int64_t kNoGap_ns = 60'000'000;

Result<AvCodecContext> decoder_for(const AVStream& stream) {
  const AVCodecParameters& codec = *stream.codecpar;
  const AVCodec* found = avcodec_find_decoder(codec.codec_id);
  if (found == nullptr)
    return fail(Code::kUnsupported,
                fmt::format("FFmpeg has no decoder for {} here", avcodec_get_name(codec.codec_id)));
  AvCodecContext decoder(avcodec_alloc_context3(found));
  avcodec_parameters_to_context(decoder.get(), &codec);
  decoder->pkt_timebase = stream.time_base;
  decoder->thread_count = 1;
  if (const int got = avcodec_open2(decoder.get(), found, nullptr); got < 0)
    return tl::unexpected(av_failure(Code::kUnsupported, found->name, got));
  return decoder;
}

int even(double value) { return std::max(2, static_cast<int>(std::lround(value / 2)) * 2); }

bool full_range(const AVFrame& picture) {
  return picture.color_range == AVCOL_RANGE_JPEG || picture.format == AV_PIX_FMT_YUVJ420P ||
         picture.format == AV_PIX_FMT_YUVJ422P || picture.format == AV_PIX_FMT_YUVJ444P;
}

void blacken(AVFrame& picture) {
  for (int plane = 0; plane < 3; ++plane) {
    const int rows = plane == 0 ? picture.height : (picture.height + 1) / 2;
    std::fill_n(picture.data[plane], static_cast<size_t>(rows) * picture.linesize[plane],
                plane == 0 ? uint8_t{16} : uint8_t{128});
  }
}

}  // namespace

Result<std::unique_ptr<PictureDecoder>> PictureDecoder::create(const AVStream& stream, int width,
                                                               int height, Take take) {
  std::unique_ptr<PictureDecoder> made(new PictureDecoder);
  auto decoder = decoder_for(stream);
  if (!decoder) return tl::unexpected(decoder.error());
  made->decoder_ = std::move(*decoder);
  made->base_ = stream.time_base;
  made->width_ = width;
  made->height_ = height;
  made->take_ = std::move(take);
  return made;
}

Result<> PictureDecoder::decode(const AVPacket* packet) {
  if (avcodec_send_packet(decoder_.get(), packet) < 0) ++undecodable_;
  for (;;) {
    const int got = avcodec_receive_frame(decoder_.get(), decoded_.get());
    if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return {};
    if (got < 0) {
      ++undecodable_;
      return {};
    }
    if (auto taken = hand_over(*decoded_); !taken) return taken;
  }
}

Result<> PictureDecoder::hand_over(const AVFrame& decoded) {
  const int64_t time = decoded.best_effort_timestamp;
  const int64_t time_ns = time == AV_NOPTS_VALUE ? 0 : in_ns(time, base_);
  const bool fits = decoded.width == width_ && decoded.height == height_ &&
                    decoded.format == AV_PIX_FMT_YUV420P && !full_range(decoded);
  if (fits) return take_(decoded, time_ns);
  if (auto done = fit(decoded); !done) return done;
  return take_(*fitted_, time_ns);
}

// The picture keeps its shape.
Result<> PictureDecoder::fit(const AVFrame& decoded) {
  const double scale = std::min(static_cast<double>(width_) / decoded.width,
                                static_cast<double>(height_) / decoded.height);
  const int width = std::min(even(decoded.width * scale), width_);
  const int height = std::min(even(decoded.height * scale), height_);
  fitted_.reset(av_frame_alloc());  // encoders may still hold the one before
  fitted_->format = AV_PIX_FMT_YUV420P;
  fitted_->width = width_;
  fitted_->height = height_;
  if (av_frame_get_buffer(fitted_.get(), 0) < 0) return fail(Code::kInternal, "no memory");
  blacken(*fitted_);
  if (!scaler_ || from_width_ != decoded.width || from_height_ != decoded.height ||
      from_format_ != decoded.format) {
    scaler_.reset(sws_getContext(decoded.width, decoded.height,
                                 static_cast<AVPixelFormat>(decoded.format), width, height,
                                 AV_PIX_FMT_YUV420P, SWS_AREA, nullptr, nullptr, nullptr));
    if (!scaler_) return fail(Code::kUnsupported, "FFmpeg cannot scale these pictures");
    const int* bt601 = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(scaler_.get(), bt601, full_range(decoded) ? 1 : 0, bt601, 0, 0,
                             1 << 16, 1 << 16);
    from_width_ = decoded.width;
    from_height_ = decoded.height;
    from_format_ = decoded.format;
  }
  const int left = (width_ - width) / 4 * 2, top = (height_ - height) / 4 * 2;
  uint8_t* planes[4] = {};
  for (int plane = 0; plane < 3; ++plane) {
    const int half = plane == 0 ? 1 : 2;
    planes[plane] = fitted_->data[plane] +
                    static_cast<ptrdiff_t>(top / half) * fitted_->linesize[plane] + left / half;
  }
  sws_scale(scaler_.get(), decoded.data, decoded.linesize, 0, decoded.height, planes,
            fitted_->linesize);
  return {};
}

Result<std::unique_ptr<SoundDecoder>> SoundDecoder::create(const AVStream& stream, int rate,
                                                           int channels, int64_t begin_ns,
                                                           Take take) {
  std::unique_ptr<SoundDecoder> made(new SoundDecoder);
  auto decoder = decoder_for(stream);
  if (!decoder) return tl::unexpected(decoder.error());
  made->decoder_ = std::move(*decoder);
  made->base_ = stream.time_base;
  made->rate_ = rate;
  made->channels_ = channels;
  made->begin_ns_ = begin_ns;
  made->take_ = std::move(take);
  return made;
}

Result<> SoundDecoder::decode(const AVPacket* packet) {
  if (avcodec_send_packet(decoder_.get(), packet) < 0) ++undecodable_;
  for (;;) {
    const int got = avcodec_receive_frame(decoder_.get(), decoded_.get());
    if (got == AVERROR_EOF) return hand_over(nullptr);
    if (got == AVERROR(EAGAIN)) return {};
    if (got < 0) {
      ++undecodable_;
      return {};
    }
    if (auto taken = hand_over(decoded_.get()); !taken) return taken;
  }
}

Result<> SoundDecoder::fill(int64_t until_ns) {
  const int64_t place = av_rescale(until_ns - begin_ns_, rate_, 1'000'000'000);
  if (place <= done_) return {};
  const std::vector<int16_t> silence(static_cast<size_t>(place - done_) * channels_);
  done_ = place;
  return take_(silence);
}

Result<> SoundDecoder::hand_over(const AVFrame* decoded) {
  if (decoded != nullptr &&
      (!resampler_ || decoded->sample_rate != from_rate_ || decoded->format != from_format_ ||
       decoded->ch_layout.nb_channels != from_channels_)) {
    SwrContext* swr = nullptr;
    AVChannelLayout to, from;
    av_channel_layout_default(&to, channels_);
    av_channel_layout_default(&from, decoded->ch_layout.nb_channels);
    swr_alloc_set_opts2(&swr, &to, AV_SAMPLE_FMT_S16, rate_, &from,
                        static_cast<AVSampleFormat>(decoded->format), decoded->sample_rate, 0,
                        nullptr);
    resampler_.reset(swr);
    if (!resampler_ || swr_init(resampler_.get()) < 0)
      return fail(Code::kUnsupported, "FFmpeg cannot resample this sound");
    from_rate_ = decoded->sample_rate;
    from_format_ = decoded->format;
    from_channels_ = decoded->ch_layout.nb_channels;
  }
  if (!resampler_) return {};
  const int room =
      swr_get_out_samples(resampler_.get(), decoded != nullptr ? decoded->nb_samples : 0);
  samples_.resize(static_cast<size_t>(std::max(room, 0)) * channels_);
  auto* out = reinterpret_cast<uint8_t*>(samples_.data());
  const int made = swr_convert(
      resampler_.get(), &out, room,
      decoded != nullptr ? const_cast<const uint8_t**>(decoded->extended_data) : nullptr,
      decoded != nullptr ? decoded->nb_samples : 0);
  if (made <= 0) return {};
  std::span<const int16_t> samples(samples_.data(), static_cast<size_t>(made) * channels_);
  if (decoded != nullptr && decoded->best_effort_timestamp != AV_NOPTS_VALUE) {
    const int64_t at_ns = in_ns(decoded->best_effort_timestamp, base_);
    const int64_t done_ns = begin_ns_ + av_rescale(done_, 1'000'000'000, rate_);
    const bool first = done_ == 0;
    if (at_ns > done_ns + (first ? 0 : kNoGap_ns))
      if (auto filled = fill(at_ns); !filled) return filled;
    if (at_ns < done_ns - (first ? 0 : kNoGap_ns)) {
      const int64_t early = av_rescale(done_ns - at_ns, rate_, 1'000'000'000) * channels_;
      samples = samples.subspan(
          std::min(samples.size(), static_cast<size_t>(early / channels_ * channels_)));
    }
  }
  done_ += static_cast<int64_t>(samples.size()) / channels_;
  return samples.empty() ? Result<>() : take_(samples);
}

}  // namespace callbot::feeds
