// Tracks that are decoded and encoded again.
#include <algorithm>
#include <deque>

#include "recordings/encoders.h"
#include "recordings/export_track.h"
#include "recordings/lane_pictures.h"
#include "recordings/lane_sound.h"
#include "recordings/picture_fit.h"

namespace callbot::recordings {
namespace {

constexpr AVRational kNs = {1, 1'000'000'000};
constexpr AVRational kVideoBase = {1, 90000};
constexpr int64_t kKeyEveryNs = 4'000'000'000;  // where a player may seek to
constexpr int64_t kUsualFrameNs = 33'000'000;

int64_t in_video(int64_t ns) { return av_rescale_q(ns, kNs, kVideoBase); }

class EncodedVideo final : public ExportTrack {
 public:
  explicit EncodedVideo(const TrackPlan& plan)
      : plan_(plan), pictures_(plan.folder, plan.pieces, plan.threads, plan.cuts) {}

  Result<bool> begin() {
    auto first = pictures_.next();
    if (!first) return tl::unexpected(first.error());
    if (!*first) return false;
    ahead_ = std::move(*first);
    const int width = std::max(plan_.width, ahead_->frame->width) & ~1;
    const int height = std::max(plan_.height, ahead_->frame->height) & ~1;
    auto encoder = open_encoder(PictureEncoding{.codec = plan_.codec,
                                                .width = std::max(width, 2),
                                                .height = std::max(height, 2),
                                                .time_base = kVideoBase,
                                                .threads = plan_.threads});
    if (!encoder) return tl::unexpected(encoder.error());
    encoder_ = std::move(*encoder);
    fit_.emplace(encoder_->width, encoder_->height);
    parameters_.reset(avcodec_parameters_alloc());
    avcodec_parameters_from_context(parameters_.get(), encoder_.get());
    return true;
  }

  const AVCodecParameters& parameters() const override { return *parameters_; }
  AVRational time_base() const override { return kVideoBase; }
  std::vector<std::string> notes() const override { return pictures_.notes(); }

  // One packet is held back: the next one says how long it stands.
  Result<AvPacket> next() override {
    while (done_.size() < 2 && !flushed_) {
      if (auto fed = feed(); !fed) return tl::unexpected(fed.error());
    }
    if (done_.empty()) return AvPacket();
    AvPacket packet = std::move(done_.front());
    done_.pop_front();
    const int64_t last_end = in_video(std::max(plan_.to_ns - plan_.from_ns, 0L));
    const int64_t usual = packet->pts + in_video(kUsualFrameNs);
    const int64_t end = done_.empty() ? std::max(last_end, usual) : done_.front()->pts;
    packet->duration = std::max<int64_t>(1, end - packet->pts);
    return packet;
  }

 private:
  Result<> feed() {
    if (!ahead_) {
      auto picture = pictures_.next();
      if (!picture) return tl::unexpected(picture.error());
      ahead_ = std::move(*picture);
    }
    if (!ahead_) {
      avcodec_send_frame(encoder_.get(), nullptr);
      flushed_ = true;
      return receive();
    }
    auto fitted = fit_->fit(*ahead_->frame);
    if (!fitted) return tl::unexpected(fitted.error());
    const int64_t time_ns = ahead_->time_ns;
    ahead_.reset();
    AVFrame& frame = **fitted;
    frame.pts = std::max(in_video(time_ns - plan_.from_ns), last_ + 1);
    last_ = frame.pts;
    const bool key = time_ns - key_ns_ >= kKeyEveryNs;
    frame.pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    if (key) key_ns_ = time_ns;
    const int sent = avcodec_send_frame(encoder_.get(), &frame);
    if (sent < 0) return tl::unexpected(av_failure(Code::kInternal, plan_.codec, sent));
    return receive();
  }

  Result<> receive() {
    for (;;) {
      AvPacket packet(av_packet_alloc());
      const int got = avcodec_receive_packet(encoder_.get(), packet.get());
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return {};
      if (got < 0) return tl::unexpected(av_failure(Code::kInternal, plan_.codec, got));
      done_.push_back(std::move(packet));
    }
  }

  TrackPlan plan_;
  LanePictures pictures_;
  std::optional<LanePicture> ahead_;
  std::optional<PictureFit> fit_;
  AvCodecContext encoder_;
  AvParameters parameters_;
  std::deque<AvPacket> done_;
  bool flushed_ = false;
  int64_t last_ = -1, key_ns_ = -kKeyEveryNs;
};

class EncodedSound final : public ExportTrack {
 public:
  EncodedSound(const TrackPlan& plan, SoundFormat format)
      : plan_(plan),
        format_(format),
        sound_(plan.folder, plan.pieces, format, plan.from_ns, plan.cuts),
        left_(av_rescale(plan.to_ns - plan.from_ns, format.rate, kNs.den)) {}

  Result<> begin() {
    auto encoder = open_encoder(SoundEncoding{plan_.codec, format_.rate, format_.channels});
    if (!encoder) return tl::unexpected(encoder.error());
    encoder_ = std::move(*encoder);
    parameters_.reset(avcodec_parameters_alloc());
    avcodec_parameters_from_context(parameters_.get(), encoder_.get());
    if (!plan_.pre_skip) shift_ = take_pre_skip(*parameters_);
    return {};
  }

  const AVCodecParameters& parameters() const override { return *parameters_; }
  AVRational time_base() const override { return {1, format_.rate}; }
  std::vector<std::string> notes() const override { return sound_.notes(); }

  Result<AvPacket> next() override {
    for (;;) {
      AvPacket packet(av_packet_alloc());
      const int got = avcodec_receive_packet(encoder_.get(), packet.get());
      if (got >= 0) {
        packet->pts += shift_;
        packet->dts += shift_;
        return packet;
      }
      if (got == AVERROR_EOF) return AvPacket();
      if (got != AVERROR(EAGAIN))
        return tl::unexpected(av_failure(Code::kInternal, plan_.codec, got));
      if (auto fed = feed(); !fed) return tl::unexpected(fed.error());
    }
  }

 private:
  static constexpr int kPcmFrames = 4096;

  Result<> feed() {
    if (left_ <= 0) {
      avcodec_send_frame(encoder_.get(), nullptr);
      return {};
    }
    const int whole = encoder_->frame_size > 0 ? encoder_->frame_size : kPcmFrames;
    const int count = static_cast<int>(std::min<int64_t>(whole, left_));
    samples_.resize(static_cast<size_t>(count) * static_cast<size_t>(format_.channels));
    if (auto read = sound_.read(samples_); !read) return read;
    left_ -= count;
    const bool short_last = (encoder_->codec->capabilities & AV_CODEC_CAP_SMALL_LAST_FRAME) != 0 ||
                            encoder_->frame_size == 0;
    if (!short_last)
      samples_.resize(static_cast<size_t>(whole) * static_cast<size_t>(format_.channels));
    const int given = short_last ? count : whole;
    AvFrame frame = sound_frame(*encoder_, samples_.data(), given, position_);
    if (!frame) return fail(Code::kStorage, "out of memory");
    position_ += given;
    const int sent = avcodec_send_frame(encoder_.get(), frame.get());
    if (sent < 0) return tl::unexpected(av_failure(Code::kInternal, plan_.codec, sent));
    return {};
  }

  TrackPlan plan_;
  SoundFormat format_;
  LaneSound sound_;
  int64_t left_;  // samples a channel
  int64_t position_ = 0;
  int shift_ = 0;  // samples
  std::vector<float> samples_;
  AvCodecContext encoder_;
  AvParameters parameters_;
};

}  // namespace

int channels_of(const std::vector<TimelinePiece>& pieces) {
  int most = 1;
  for (const TimelinePiece& p : pieces) most = std::max(most, std::min(p.channels, 2));
  return most;
}

Result<std::unique_ptr<ExportTrack>> encode_video(const TrackPlan& plan) {
  auto track = std::make_unique<EncodedVideo>(plan);
  auto any = track->begin();
  if (!any) return tl::unexpected(any.error());
  if (!*any) track.reset();
  return track;
}

Result<std::unique_ptr<ExportTrack>> encode_audio(const TrackPlan& plan) {
  LaneView look(plan.folder, plan.pieces, MediaKind::kAudio, plan.cuts);
  auto first = look.peek();
  if (!first) return tl::unexpected(first.error());
  if (*first == nullptr) return nullptr;
  auto track = std::make_unique<EncodedSound>(plan, SoundFormat{48000, channels_of(plan.pieces)});
  if (auto begun = track->begin(); !begun) return tl::unexpected(begun.error());
  return track;
}

}  // namespace callbot::recordings
