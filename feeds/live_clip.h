// feeds/live_clip.h: media that comes while it is sent, through standard input or a pipe: decoded,
// encoded and handed on at once. Each request for a key frame is answered with the next picture.
//
// Thread:  next() on one; request_key_frame and interrupt on any.
// Owner:   the sender.
// Fails:   create: as InputFile (it waits for the beginning of the input), kUnsupported; next(): as
//          InputFile.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "base/clip.h"
#include "feeds/clip_writer.h"
#include "feeds/media_decoder.h"
#include "feeds/prepare.h"

namespace callbot::feeds {

class LiveClip final : public ClipReader {
 public:
  static Result<std::unique_ptr<LiveClip>> create(std::unique_ptr<InputFile> file,
                                                  const FeedWish& wish);

  const std::vector<ClipStream>& streams() const override { return streams_; }
  Result<std::optional<ClipFrame>> next() override;
  void request_key_frame(size_t stream) override;
  void interrupt() override { file_->interrupt(); }
  Pace pace() const override { return Pace::kLive; }

 private:
  LiveClip(std::unique_ptr<InputFile> file, MediaFacts facts)
      : file_(std::move(file)), facts_(std::move(facts)) {}
  Result<> add_video(const FeedWish& wish);
  Result<> add_audio();
  Result<> take(const AVPacket& packet);
  Result<> picture(const AVFrame& frame, int64_t time_ns);
  void encoded(size_t stream, const AVPacket& packet, AVRational base);

  std::unique_ptr<InputFile> file_;
  MediaFacts facts_;
  std::vector<ClipStream> streams_;
  std::unique_ptr<ClipWriter> encoders_;
  std::unique_ptr<PictureDecoder> pictures_;
  std::unique_ptr<SoundDecoder> sound_;
  std::optional<int64_t> begin_ns_;  // of the input's time
  int64_t last_tick_ = -1;
  std::atomic<bool> key_wanted_{false};
  bool ended_ = false;
  AvPacket packet_{av_packet_alloc()};
  std::deque<ClipFrame> ready_;
};

}  // namespace callbot::feeds
