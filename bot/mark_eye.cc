#include "bot/mark_eye.h"

#include "recordings/av.h"
#include "recordings/codec_parameters.h"

namespace callbot::bot {

using recordings::AvCodecContext;
using recordings::AvFrame;
using recordings::AvPacket;

struct MarkEye::Decoder {
  std::string participant;
  AvCodecContext context;
  AvPacket packet{av_packet_alloc()};
  AvFrame frame{av_frame_alloc()};
};

std::vector<SeenMark> SeenMarks::marks() const {
  std::lock_guard lock(mutex_);
  return marks_;
}
uint64_t SeenMarks::unread() const {
  std::lock_guard lock(mutex_);
  return unread_;
}
uint64_t SeenMarks::undecodable() const {
  std::lock_guard lock(mutex_);
  return undecodable_;
}

MarkEye::MarkEye(std::shared_ptr<SeenMarks> seen) : seen_(std::move(seen)) {
  recordings::take_av_log();
}
MarkEye::~MarkEye() = default;

Result<> MarkEye::begin_track(const TrackInfo& track) {
  if (track.kind != MediaKind::kVideo) return {};
  const AVCodec* codec = avcodec_find_decoder(recordings::codec_id(track.codec));
  if (codec == nullptr) return {};
  auto decoder = std::make_unique<Decoder>();
  decoder->participant = track.participant;
  decoder->context.reset(avcodec_alloc_context3(codec));
  decoder->context->thread_count = 1;  // a frame in gives its picture out at once
  decoder->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (avcodec_open2(decoder->context.get(), codec, nullptr) == 0)
    decoders_[track.id] = std::move(decoder);
  return {};
}

Result<> MarkEye::write(TrackId track, const Frame& frame) {
  const auto found = decoders_.find(track);
  if (found == decoders_.end()) return {};
  Decoder& d = *found->second;
  // FFmpeg reads a little beyond the end.
  std::vector<uint8_t> bytes(frame.bytes.begin(), frame.bytes.end());
  bytes.resize(frame.bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE);
  d.packet->data = bytes.data();
  d.packet->size = static_cast<int>(frame.bytes.size());
  d.packet->pts = frame.last_arrival_ns;
  const bool taken = avcodec_send_packet(d.context.get(), d.packet.get()) == 0;
  d.packet->data = nullptr;
  d.packet->size = 0;
  if (!taken) {
    std::lock_guard lock(seen_->mutex_);
    ++seen_->undecodable_;
    return {};
  }
  while (avcodec_receive_frame(d.context.get(), d.frame.get()) == 0) {
    const AVFrame& picture = *d.frame;
    const auto mark = read_video_mark(picture.data[0], static_cast<size_t>(picture.linesize[0]),
                                      picture.width, picture.height);
    std::lock_guard lock(seen_->mutex_);
    if (mark)
      seen_->marks_.push_back({d.participant, *mark, picture.pts, picture.width, picture.height});
    else
      ++seen_->unread_;
  }
  return {};
}

Result<> MarkEye::end_track(TrackId track) {
  decoders_.erase(track);
  return {};
}

}  // namespace callbot::bot
