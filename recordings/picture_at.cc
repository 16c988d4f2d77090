#include "recordings/picture_at.h"

#include "recordings/lane_pictures.h"
#include "recordings/lane_view.h"

namespace callbot::recordings {

Result<std::optional<SmallJpeg>> picture_at(const std::filesystem::path& folder,
                                            const std::vector<TimelinePiece>& video,
                                            int64_t time_ns, int width, int height) {
  if (video.empty()) return std::nullopt;
  const int64_t key_ns = key_frame_time(folder, video, time_ns);
  LanePictures pictures(folder, video, 1, {{0, key_ns}});
  std::optional<LanePicture> shown;
  for (;;) {
    auto picture = pictures.next();
    if (!picture) return tl::unexpected(picture.error());
    if (!*picture || (*picture)->time_ns > time_ns - key_ns) break;
    shown = std::move(*picture);
  }
  if (!shown) return std::nullopt;
  return small_jpeg(*shown->frame, width, height).map([](SmallJpeg jpeg) {
    return std::optional(std::move(jpeg));
  });
}

}  // namespace callbot::recordings
