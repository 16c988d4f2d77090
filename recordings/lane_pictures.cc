#include "recordings/lane_pictures.h"

namespace callbot::recordings {
namespace {

constexpr AVRational kNs = {1, 1'000'000'000};

}  // namespace

LanePictures::LanePictures(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces,
                           int threads, std::vector<TimeSpan> cuts)
    : view_(folder, std::move(pieces), MediaKind::kVideo, std::move(cuts)), threads_(threads) {}

Result<std::optional<LanePicture>> LanePictures::next() {
  for (;;) {
    LanePicture picture{AvFrame(av_frame_alloc())};
    const int got =
        decoder_ ? avcodec_receive_frame(decoder_.get(), picture.frame.get()) : AVERROR(EAGAIN);
    if (got >= 0) {
      picture.time_ns = picture.frame->pts;
      return picture;
    }
    if (got == AVERROR_EOF) {
      decoder_.reset();
      draining_ = false;
    }
    if (ended_ && !decoder_) return std::nullopt;
    if (auto fed = feed(); !fed) return tl::unexpected(fed.error());
  }
}

// Gives the decoder one packet more, or its end before another piece begins.
Result<> LanePictures::feed() {
  if (draining_) return {};
  if (!waiting_) {
    auto packet = view_.next();
    if (!packet) return tl::unexpected(packet.error());
    waiting_ = std::move(*packet);
    ended_ = !waiting_;
  }
  if (decoder_ && (ended_ || waiting_->new_piece)) {
    avcodec_send_packet(decoder_.get(), nullptr);
    draining_ = true;
    return {};
  }
  if (ended_) return {};
  if (!decoder_) {
    if (auto opened = open_decoder(waiting_->piece); !opened) return opened;
  }
  AVPacket& packet = *waiting_->packet;
  packet.pts = packet.dts = waiting_->time_ns;
  avcodec_send_packet(decoder_.get(), &packet);  // what it refuses gives no picture
  waiting_.reset();
  return {};
}

Result<> LanePictures::open_decoder(int piece) {
  const AVCodecParameters* p = view_.parameters(piece);
  const AVCodec* codec = avcodec_find_decoder(p->codec_id);
  if (codec == nullptr)
    return fail(Code::kUnsupported,
                std::string("this FFmpeg has no decoder for ") + avcodec_get_name(p->codec_id));
  decoder_.reset(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder_.get(), p);
  decoder_->pkt_timebase = kNs;
  decoder_->thread_count = threads_;
  const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
  if (opened >= 0) return {};
  return tl::unexpected(av_failure(Code::kUnsupported, codec->name, opened));
}

}  // namespace callbot::recordings
