// Tracks whose packets go into the export as they were received.
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "recordings/codec_parameters.h"
#include "recordings/export_track.h"

namespace callbot::recordings {
namespace {

constexpr AVRational kNs = {1, 1'000'000'000};
constexpr AVRational kVideoBase = {1, 90000};
constexpr int64_t kUsualFrameNs = 33'000'000;  // the last one's length where nothing else says it

int64_t in(AVRational base, int64_t ns) { return av_rescale_q(ns, kNs, base); }
int64_t in_ns(AVRational base, int64_t ticks) { return av_rescale_q(ticks, base, kNs); }

AvParameters copy_of(const AVCodecParameters& from) {
  AvParameters to(avcodec_parameters_alloc());
  avcodec_parameters_copy(to.get(), &from);
  to->codec_tag = 0;  // Matroska's; the muxer chooses its own
  return to;
}

// H.264 and H.265 as a byte stream, with the parameter sets of the packet's own file before each
// key frame that has none: files of one lane may differ in them.
Result<AvFilter> byte_stream(const AVCodecParameters& p) {
  const char* name = p.codec_id == AV_CODEC_ID_H264   ? "h264_mp4toannexb"
                     : p.codec_id == AV_CODEC_ID_HEVC ? "hevc_mp4toannexb"
                                                      : "null";
  AVBSFContext* made = nullptr;
  av_bsf_alloc(av_bsf_get_by_name(name), &made);
  AvFilter bsf(made);
  if (!bsf) return fail(Code::kInternal, std::string("no bitstream filter ") + name);
  avcodec_parameters_copy(bsf->par_in, &p);
  bsf->time_base_in = kNs;
  const int begun = av_bsf_init(bsf.get());
  if (begun < 0) return tl::unexpected(av_failure(Code::kBadInput, name, begun));
  return bsf;
}

class CopiedVideo final : public ExportTrack {
 public:
  explicit CopiedVideo(const TrackPlan& plan)
      : plan_(plan), view_(plan.folder, plan.pieces, MediaKind::kVideo, plan.cuts) {}

  // False: there is nothing.
  Result<bool> begin() {
    auto first = view_.peek();
    if (!first) return tl::unexpected(first.error());
    if (*first == nullptr) return false;
    if (auto opened = open_filter((*first)->piece); !opened) return tl::unexpected(opened.error());
    parameters_ = copy_of(*filter_->par_out);
    if (parameters_->format < 0) parameters_->format = AV_PIX_FMT_YUV420P;  // what WebRTC sends
    if (parameters_->codec_id == AV_CODEC_ID_HEVC)
      parameters_->codec_tag =
          plan_.changes ? MKTAG('h', 'e', 'v', '1') : MKTAG('h', 'v', 'c', '1');
    if (parameters_->codec_id == AV_CODEC_ID_H264 && plan_.changes)
      parameters_->codec_tag = MKTAG('a', 'v', 'c', '3');
    return true;
  }

  const AVCodecParameters& parameters() const override { return *parameters_; }
  AVRational time_base() const override { return kVideoBase; }
  std::vector<std::string> notes() const override { return view_.reader().notes(); }

  Result<AvPacket> next() override {
    for (;;) {
      auto packet = view_.next();
      if (!packet) return tl::unexpected(packet.error());
      if (!*packet) return AvPacket();
      if ((*packet)->new_piece) {
        if (auto opened = open_filter((*packet)->piece); !opened)
          return tl::unexpected(opened.error());
      }
      auto filtered = filter(std::move((*packet)->packet));
      if (!filtered) continue;  // it is none of its codec
      auto after = view_.peek();
      if (!after) return tl::unexpected(after.error());
      const int64_t end_ns = *after != nullptr
                                 ? (*after)->time_ns
                                 : std::max(plan_.to_ns, (*packet)->time_ns + kUsualFrameNs);
      filtered->pts = filtered->dts =
          std::max(in(kVideoBase, (*packet)->time_ns - plan_.from_ns), last_ + 1);
      last_ = filtered->pts;
      filtered->duration =
          std::max<int64_t>(1, in(kVideoBase, end_ns - plan_.from_ns) - filtered->pts);
      return filtered;
    }
  }

 private:
  Result<> open_filter(int piece) {
    auto filter = byte_stream(*view_.parameters(piece));
    if (!filter) return tl::unexpected(filter.error());
    filter_ = std::move(*filter);
    return {};
  }

  AvPacket filter(AvPacket packet) {
    av_bsf_send_packet(filter_.get(), packet.get());
    AvPacket out(av_packet_alloc());
    if (av_bsf_receive_packet(filter_.get(), out.get()) < 0) return {};
    return out;
  }

  TrackPlan plan_;
  LaneView view_;
  AvFilter filter_;
  AvParameters parameters_;
  int64_t last_ = -1;
};

// Sound without holes: players count samples (see export_format.cc). Where nothing was received,
// packets of silence are put in; for a few of Opus that were lost, such as say so, so that a
// decoder that can conceals them.
class CopiedSound final : public ExportTrack {
 public:
  explicit CopiedSound(const TrackPlan& plan)
      : plan_(plan), view_(plan.folder, plan.pieces, MediaKind::kAudio, plan.cuts) {}

  Result<bool> begin() {
    auto first = view_.peek();
    if (!first) return tl::unexpected(first.error());
    if (*first == nullptr) return false;
    parameters_ = copy_of(*view_.parameters((*first)->piece));
    AVCodecParameters& p = *parameters_;
    base_ = {1, std::max(p.sample_rate, 8000)};
    tolerance_ = base_.den / 200;  // 5 ms
    if (p.codec_id == AV_CODEC_ID_OPUS) {
      if (p.extradata_size < 19) return fail(Code::kBadInput, "Opus without its header");
      // The encoder's look-ahead, which the recording's header leaves in (RFC 7845, 4.2).
      p.extradata[10] = kOpusPreSkip & 0xFF;
      p.extradata[11] = kOpusPreSkip >> 8;
      p.initial_padding = pre_skip_ = kOpusPreSkip;
      p.seek_preroll = kSeekPreRoll;
      step_ = kOpusStep;
      if (!plan_.pre_skip) shift_ = take_pre_skip(p);
    }
    if (p.codec_id == AV_CODEC_ID_ADPCM_G722) step_ = kG722Step;
    position_ = -pre_skip_;
    return true;
  }

  const AVCodecParameters& parameters() const override { return *parameters_; }
  AVRational time_base() const override { return base_; }
  std::vector<std::string> notes() const override { return view_.reader().notes(); }

  Result<AvPacket> next() override {
    for (;;) {
      auto ahead = view_.peek();
      if (!ahead) return tl::unexpected(ahead.error());
      const bool end = *ahead == nullptr;
      const int64_t time_ns = (end ? plan_.to_ns : (*ahead)->time_ns) - plan_.from_ns;
      const int64_t hole = in(base_, time_ns) - pre_skip_ - position_;
      const bool began = filling_;
      filling_ = hole >= (began ? step_ : tolerance_);
      if (filling_ && !began) lost_ = !end && in_ns(base_, hole) <= kMostLostNs;
      if (filling_) return silence(hole);
      if (end) return AvPacket();
      auto taken = view_.next();
      if (!taken) return tl::unexpected(taken.error());
      if (hole <= -tolerance_) continue;  // two sounds at a time
      if (step_ == kOpusStep && (*taken)->packet->size > 1) toc_ = (*taken)->packet->data[0];
      return put(std::move((*taken)->packet), in(base_, (*taken)->duration_ns));
    }
  }

 private:
  static constexpr int kSeekPreRoll = 3840;  // samples: 80 ms (RFC 7845, 4.6)
  static constexpr int64_t kOpusStep = 120;  // samples: 2.5 ms
  static constexpr int64_t kG722Step = 2;    // samples: a byte (ITU-T G.722, 1.4.4)

  AvPacket put(AvPacket packet, int64_t duration) {
    packet->pts = packet->dts = position_ + shift_;
    packet->duration = duration;
    packet->flags = AV_PKT_FLAG_KEY;
    position_ += duration;
    return packet;
  }

  Result<AvPacket> silence(int64_t hole) {
    int64_t duration = base_.den / 50;  // 20 ms
    int config = 31;                    // Opus; 30: 10 ms, 29: 5 ms, 28: 2.5 ms
    if (step_ == kOpusStep) {
      for (; duration > hole && config > 28; --config) duration /= 2;
    } else {
      duration = std::min(duration, hole) / step_ * step_;
    }
    const bool opus = step_ == kOpusStep;
    const auto size =
        opus ? 3 : static_cast<int>(duration / step_) * parameters_->ch_layout.nb_channels;
    AvPacket packet(av_packet_alloc());
    if (av_new_packet(packet.get(), size) < 0) return fail(Code::kStorage, "out of memory");
    if (opus && lost_ && toc_) {
      const uint8_t lost = opus_lost(*toc_);
      const int64_t frame = in(base_, opus_duration_ns({&lost, 1}));
      if (frame > 0 && frame <= hole + tolerance_ / 2) {
        av_shrink_packet(packet.get(), 1);
        packet->data[0] = lost;
        return put(std::move(packet), frame);
      }
    }
    if (opus) {
      // RFC 6716: CELT, full band (3.1); the range coder's first symbol says "silence" (4.3).
      packet->data[0] = static_cast<uint8_t>(config << 3 | (toc_.value_or(0) & 4));
      packet->data[1] = 0xFF;
      packet->data[2] = 0xFE;
    } else if (step_ == kG722Step) {
      // What was before dies away, by its leakage (ITU-T G.722, 3.5): after 20 ms these two codes
      // in turn stay below -66 dBFS (measured; either one alone is a tone of -58 at 0 Hz).
      for (int i = 0; i < size; ++i) packet->data[i] = i % 2 == 0 ? 0xFF : 0xFC;
    } else {
      // ITU-T G.711: the code of 0 in mu-law and in A-law.
      std::memset(packet->data, parameters_->codec_id == AV_CODEC_ID_PCM_MULAW ? 0xFF : 0xD5,
                  static_cast<size_t>(size));
    }
    return put(std::move(packet), duration);
  }

  TrackPlan plan_;
  LaneView view_;
  AvParameters parameters_;
  AVRational base_ = {1, 48000};
  int64_t step_ = 1, tolerance_ = 0;  // samples
  int pre_skip_ = 0, shift_ = 0;      // samples
  int64_t position_ = 0;              // samples
  bool filling_ = false;
  bool lost_ = false;                // what is filled now is packets that were lost
  std::optional<uint8_t> toc_ = {};  // first byte of the last packet of Opus received with sound
};

template <class Track>
Result<std::unique_ptr<ExportTrack>> begun(const TrackPlan& plan) {
  auto track = std::make_unique<Track>(plan);
  auto any = track->begin();
  if (!any) return tl::unexpected(any.error());
  if (!*any) track.reset();
  return track;
}

}  // namespace

int take_pre_skip(AVCodecParameters& p) {
  if (p.extradata_size >= 12) p.extradata[10] = p.extradata[11] = 0;  // RFC 7845, 5.1
  return std::exchange(p.initial_padding, 0);
}

Result<std::unique_ptr<ExportTrack>> copy_video(const TrackPlan& plan) {
  return begun<CopiedVideo>(plan);
}

Result<std::unique_ptr<ExportTrack>> copy_audio(const TrackPlan& plan) {
  return begun<CopiedSound>(plan);
}

}  // namespace callbot::recordings
