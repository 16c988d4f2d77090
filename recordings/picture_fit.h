// recordings/picture_fit.h: pictures of any size and layout as 4:2:0 of one size, whole, in their
// own proportions, on black.
//
// Thread:  one.
// Owner:   the caller.
// Fails:   kUnsupported for a layout that libswscale does not read.
#pragma once

extern "C" {
#include <libswscale/swscale.h>
}

#include "recordings/av.h"

namespace callbot::recordings {

class PictureFit {
 public:
  PictureFit(int width, int height) : width_(width), height_(height) {}
  // A new frame, or a new reference where nothing has to change.
  Result<AvFrame> fit(const AVFrame& picture);

 private:
  struct ScalerFreer {
    void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
  };
  int width_, height_;
  std::unique_ptr<SwsContext, ScalerFreer> scaler_;
};

}  // namespace callbot::recordings
