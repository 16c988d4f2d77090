#include "recordings/stream_probe.h"

#include <algorithm>

#include "recordings/codec_parameters.h"

namespace callbot::recordings {
namespace {

// What senders put into an RTP packet at most, about: an MTU of 1500 less all headers.
constexpr uint64_t kRtpPayload = 1200;

}  // namespace

Result<std::unique_ptr<StreamProbe>> StreamProbe::open(const AVStream& stream, int threads) {
  const AVCodecParameters& p = *stream.codecpar;
  if (p.codec_type != AVMEDIA_TYPE_AUDIO && p.codec_type != AVMEDIA_TYPE_VIDEO) return nullptr;
  const bool video = p.codec_type == AVMEDIA_TYPE_VIDEO;
  auto probe = video ? make_picture_probe() : make_sound_probe();
  probe->result_.media = video ? MediaKind::kVideo : MediaKind::kAudio;
  probe->result_.codec = codec_name(p.codec_id);
  probe->time_base_ = stream.time_base;
  const AVCodec* decoder = avcodec_find_decoder(p.codec_id);
  if (decoder == nullptr) return fail(Code::kUnsupported, "no decoder for " + probe->result_.codec);
  probe->context_.reset(avcodec_alloc_context3(decoder));
  probe->frame_.reset(av_frame_alloc());
  AVCodecContext* context = probe->context_.get();
  avcodec_parameters_to_context(context, &p);
  context->pkt_timebase = stream.time_base;
  context->thread_count = video ? threads : 1;
  const int opened = avcodec_open2(context, decoder, nullptr);
  if (opened < 0)
    return tl::unexpected(
        av_failure(Code::kUnsupported, "decoder for " + probe->result_.codec, opened));
  return probe;
}

void StreamProbe::packet(const AVPacket& packet) {
  const double time = static_cast<double>(packet.pts) * av_q2d(time_base_);
  if (!result_.packets.empty() && time < result_.packets.back()) result_.backwards.push_back(time);
  result_.packets.push_back(time);
  result_.rtp_packets += 1 + static_cast<uint64_t>(packet.size) / kRtpPayload;
  sent_.push_back(
      {packet.pts, is_shown(result_.codec, {packet.data, static_cast<size_t>(packet.size)})});
  decode(&packet);
}

ProbedStream StreamProbe::finish() {
  decode(nullptr);
  for (const Sent& sent : sent_) {
    if (sent.shown)
      result_.undecodable.push_back(static_cast<double>(sent.pts) * av_q2d(time_base_));
  }
  sent_.clear();
  ended();
  return std::move(result_);
}

// The decoder may be several frames behind (frame threads): an error belongs to the oldest packet
// that gave nothing so far.
void StreamProbe::failed() {
  if (sent_.empty()) return;
  result_.undecodable.push_back(static_cast<double>(sent_.front().pts) * av_q2d(time_base_));
  sent_.erase(sent_.begin());
}

void StreamProbe::decode(const AVPacket* packet) {
  int result = AVERROR(EAGAIN);
  while (result == AVERROR(EAGAIN)) {
    result = avcodec_send_packet(context_.get(), packet);
    if (result < 0 && result != AVERROR(EAGAIN) && result != AVERROR_EOF) failed();
    if (!take_frames() && result == AVERROR(EAGAIN)) return;  // takes nothing, gives nothing
  }
}

bool StreamProbe::take_frames() {
  bool any = false;
  for (;;) {
    const int result = avcodec_receive_frame(context_.get(), frame_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return any;
    any = true;
    if (result < 0) {
      failed();
      continue;
    }
    const auto found = std::find_if(sent_.begin(), sent_.end(),
                                    [&](const Sent& sent) { return sent.pts == frame_->pts; });
    // Those before it gave nothing: hidden on purpose, or lost in the decoder.
    if (found != sent_.end()) {
      for (auto sent = sent_.begin(); sent != found; ++sent) {
        if (sent->shown)
          result_.undecodable.push_back(static_cast<double>(sent->pts) * av_q2d(time_base_));
      }
      sent_.erase(sent_.begin(), found + 1);
    }
    decoded(*frame_, static_cast<double>(frame_->pts) * av_q2d(time_base_));
    av_frame_unref(frame_.get());
  }
}

}  // namespace callbot::recordings
