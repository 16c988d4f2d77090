// quality/reference.h: PSNR and SSIM of a received picture against the one that was sent, which is
// painted again from its mark's counter.
//
// Both of luma, in our own arithmetic: PSNR as 10 log10(255^2 / mse), at most 100 dB; SSIM after
// Wang et al. 2004 over 8x8 windows every 4 pixels, equally weighted, as FFmpeg's filters of these
// names do (the tests compare with them). A picture that came in another size is scaled to the one
// that was sent, bicubic. The marked strip counts like the rest.
//
// VMAF is asked of FFmpeg (quality/vmaf.h), of every fourth that is compared: here its pictures are
// got ready.
//
// Thread:  one at a time.
// Owner:   PictureMeter.
// Fails:   nullopt where nobody can paint the frame.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/video_mark.h"
#include "quality/av.h"
#include "quality/vmaf.h"

namespace callbot::quality {

double luma_psnr(const LumaView& a, const LumaView& b);  // of the same size
double luma_ssim(const LumaView& a, const LumaView& b);

struct PaintedSize {
  int width = 0, height = 0;
  friend bool operator==(const PaintedSize&, const PaintedSize&) = default;
};

struct Painting {
  int width = 0, height = 0;
  // The size in which that frame was sent, where there are several; `received`: as it came. None:
  // it cannot be painted.
  std::function<std::optional<PaintedSize>(uint16_t source, uint32_t counter, PaintedSize received)>
      size = {};
  // Frame `counter` of the source, all of the picture; false: it has none. One thread at a time.
  std::function<bool(uint16_t source, uint32_t counter, const PictureView& picture)> paint;
  int every = 15;  // compare every n-th picture
};

class Reference {
 public:
  Reference(Painting painting, bool vmaf);

  struct Likeness {
    double psnr = 0, ssim = 0;
    std::optional<VmafPictures> vmaf = {};
  };
  // None also for those between every n-th.
  std::optional<Likeness> compare(const AVFrame& received, const VideoMark& mark);

 private:
  std::optional<LumaView> painted(const VideoMark& mark, PaintedSize size);
  LumaView scaled(const AVFrame& received, const LumaView& luma, PaintedSize to);
  std::optional<VmafPictures> for_vmaf(const LumaView& received, const VideoMark& mark,
                                       PaintedSize size);

  Painting painting_;
  const bool vmaf_;
  int count_ = 0;
  std::vector<uint8_t> sent_, scaled_;
  AvScaler scaler_;
  PaintedSize scaled_from_, scaled_to_;
};

}  // namespace callbot::quality
