#include "pipelines/switched_pictures.h"

#include <gst/video/video.h>

#include <algorithm>
#include <utility>

#include "pipelines/test_pattern.h"

namespace callbot::pipelines {

// Draws into buffers of a pool: memory of this size costs page faults each time it is new.
class SwitchedPictures::Maker {
 public:
  static Result<std::unique_ptr<Maker>> create(const PictureConfig& config, bool with_sound) {
    auto picture = PatternPicture::create(config);
    if (!picture) return tl::unexpected(picture.error());
    return std::make_unique<Maker>(std::move(*picture), config, with_sound);
  }
  Maker(std::unique_ptr<PatternPicture> picture, const PictureConfig& config, bool with_sound)
      : picture_(std::move(picture)),
        fps_(config.fps),
        since_(config.since_frame),
        with_sound_(with_sound) {
    gst_video_info_set_format(&info_, GST_VIDEO_FORMAT_I420, config.width, config.height);
    GST_VIDEO_INFO_FPS_N(&info_) = config.fps;
    GST_VIDEO_INFO_FPS_D(&info_) = 1;
    gst_video_colorimetry_from_string(&info_.colorimetry, GST_VIDEO_COLORIMETRY_BT601);
    pool_ = GRef<GstBufferPool>::adopt(gst_buffer_pool_new());
    GstStructure* settings = gst_buffer_pool_get_config(pool_.get());
    gst_buffer_pool_config_set_params(settings, caps().get(), info_.size, 2, 0);
    gst_buffer_pool_set_config(pool_.get(), settings);
    gst_buffer_pool_set_active(pool_.get(), TRUE);
  }
  ~Maker() { gst_buffer_pool_set_active(pool_.get(), FALSE); }
  Maker(const Maker&) = delete;
  Maker& operator=(const Maker&) = delete;

  GRef<GstCaps> caps() const { return GRef<GstCaps>::adopt(gst_video_info_to_caps(&info_)); }

  GRef<GstBuffer> make(uint64_t frame, bool sound_on) {
    GstBuffer* buffer = nullptr;
    if (gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, nullptr) != GST_FLOW_OK) return {};
    auto made = GRef<GstBuffer>::adopt(buffer);
    GstMapInfo map;
    if (!gst_buffer_map(made.get(), &map, GST_MAP_WRITE)) return {};
    const auto plane = [&](int n) { return map.data + GST_VIDEO_INFO_PLANE_OFFSET(&info_, n); };
    const auto stride = [&](int n) {
      return static_cast<size_t>(GST_VIDEO_INFO_PLANE_STRIDE(&info_, n));
    };
    picture_->draw(frame, with_sound_ && sound_on && (frame - since_) % fps_ == 0,
                   {plane(0), stride(0), plane(1), plane(2), stride(1), info_.width, info_.height});
    gst_buffer_unmap(made.get(), &map);
    return made;
  }

 private:
  std::unique_ptr<PatternPicture> picture_;
  uint64_t fps_, since_;  // the frame with which this rate began
  bool with_sound_;
  GstVideoInfo info_{};
  GRef<GstBufferPool> pool_;
};

Result<std::shared_ptr<SwitchedPictures>> SwitchedPictures::create(const PatternStretch& first,
                                                                   bool with_sound) {
  auto maker = Maker::create(first.look, with_sound);
  if (!maker) return tl::unexpected(maker.error());
  return std::shared_ptr<SwitchedPictures>(
      new SwitchedPictures(first, with_sound, std::move(*maker)));
}

SwitchedPictures::SwitchedPictures(const PatternStretch& first, bool with_sound,
                                   std::unique_ptr<Maker> maker)
    : first_(first.look),
      with_sound_(with_sound),
      first_caps_(maker->caps()),
      made_(std::move(maker)),
      present_(first) {}

SwitchedPictures::~SwitchedPictures() = default;

Result<> SwitchedPictures::add(const PatternStretch& next) {
  PictureConfig before;
  {
    const std::lock_guard lock(mutex_);
    before = waiting_.empty() ? present_.look : waiting_.back().stretch.look;
  }
  const PictureConfig& look = next.look;
  const bool other =
      look.width != before.width || look.height != before.height || look.fps != before.fps;
  auto maker = other ? Maker::create(look, with_sound_) : Result<std::unique_ptr<Maker>>();
  if (!maker) return tl::unexpected(maker.error());
  const std::lock_guard lock(mutex_);
  waiting_.push_back({next, std::move(*maker)});
  return {};
}

void SwitchedPictures::withdraw(uint64_t at) {
  const std::lock_guard lock(mutex_);
  if (!waiting_.empty() && waiting_.back().stretch.at == at) waiting_.pop_back();
}

RawFrame SwitchedPictures::make(uint64_t frame, bool sound_on) {
  GRef<GstCaps> caps;
  int bitrate = 0;
  {
    const std::lock_guard lock(mutex_);
    for (; !waiting_.empty() && waiting_.front().stretch.at <= frame; waiting_.pop_front()) {
      Waiting& next = waiting_.front();
      if (next.stretch.bitrate != present_.bitrate) bitrate = next.stretch.bitrate;
      present_ = next.stretch;
      if (!next.maker) continue;
      made_ = std::move(next.maker);
      caps = made_->caps();
    }
  }
  if (first_.slides) resize_screen(frame, caps);
  RawFrame raw(made_->make(frame, sound_on));
  raw.caps = std::move(caps);
  raw.bitrate = bitrate;
  return raw;
}

// A shared window: as large as it can be, then narrower, then small.
void SwitchedPictures::resize_screen(uint64_t frame, GRef<GstCaps>& caps) {
  const uint64_t turn = frame / (kScreenSeconds * first_.fps) % 3;
  if (turn == turn_) return;
  turn_ = turn;
  PictureConfig look = first_;
  const auto share = [](int value, int of_four, int least) {
    return std::max(value * of_four / 8 * 2, least);
  };
  if (turn > 0) look.width = share(first_.width, turn == 1 ? 3 : 2, kNarrowestPicture);
  if (turn > 1) look.height = share(first_.height, 2, kLowestPicture);
  auto maker = Maker::create(look, with_sound_);
  if (!maker) return;
  made_ = std::move(*maker);
  caps = made_->caps();
}

}  // namespace callbot::pipelines
