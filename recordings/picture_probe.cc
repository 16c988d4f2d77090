// Measures pictures: brightness, difference, marks.
extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <vector>

#include "recordings/stream_probe.h"

namespace callbot::recordings {
namespace {

// Every eighth pixel in both directions is enough to tell black or frozen, and costs next to
// nothing beside decoding.
constexpr int kGrid = 8;

class PictureProbe final : public StreamProbe {
 protected:
  void decoded(const AVFrame& frame, double time) override {
    ProbedPicture picture;
    picture.time = time;
    picture.width = frame.width;
    picture.height = frame.height;
    picture.damaged = frame.decode_error_flags != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0;
    if (has_luma(static_cast<AVPixelFormat>(frame.format))) measure(frame, picture);
    result_.pictures.push_back(picture);
  }

 private:
  static bool has_luma(AVPixelFormat format) {
    const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
    return d != nullptr && (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_HWACCEL)) == 0 &&
           d->comp[0].depth == 8 && d->comp[0].plane == 0 && d->comp[0].step == 1;
  }

  void measure(const AVFrame& frame, ProbedPicture& picture) {
    const uint8_t* luma = frame.data[0];
    const auto stride = static_cast<size_t>(frame.linesize[0]);
    picture.measured = true;
    picture.mark = read_video_mark(luma, stride, frame.width, frame.height);
    const int top = picture.mark ? video_mark_height(frame.width) + kGrid : 0;
    std::vector<uint8_t> grid;
    grid.reserve(last_.size());
    double sum = 0;
    double squares = 0;
    for (int y = top; y < frame.height; y += kGrid) {
      const uint8_t* row = luma + static_cast<size_t>(y) * stride;
      for (int x = 0; x < frame.width; x += kGrid) {
        grid.push_back(row[x]);
        sum += row[x];
        squares += static_cast<double>(row[x]) * row[x];
      }
    }
    const auto n = static_cast<double>(std::max<size_t>(grid.size(), 1));
    picture.mean = static_cast<float>(sum / n);
    picture.deviation =
        static_cast<float>(std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n))));
    if (grid.size() == last_.size() && !grid.empty()) picture.difference = difference(grid);
    last_ = std::move(grid);
  }

  float difference(const std::vector<uint8_t>& grid) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < grid.size(); ++i)
      sum += static_cast<uint64_t>(std::abs(static_cast<int>(grid[i]) - last_[i]));
    return static_cast<float>(static_cast<double>(sum) / static_cast<double>(grid.size()));
  }

  std::vector<uint8_t> last_;
};

}  // namespace

std::unique_ptr<StreamProbe> make_picture_probe() { return std::make_unique<PictureProbe>(); }

}  // namespace callbot::recordings
