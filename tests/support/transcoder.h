// tests/support/transcoder.h: puts media through real codecs and reads the marks of what comes
// out.
//
// Thread:  push() any one thread at a time; the rest the test's.
// Owner:   the test.
// Fails:   a pipeline that cannot be made or that reports an error fails the test.
#pragma once

#include <gst/gst.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/audio_mark.h"
#include "base/gref.h"
#include "base/video_mark.h"

namespace callbot::test {

// A 4:2:0 picture without gaps between lines, as GStreamer's I420 caps mean it.
class PictureBuffer {
 public:
  PictureBuffer(int width, int height);
  PictureView view();
  GRef<GstCaps> caps(int fps) const;
  // A GStreamer buffer with this picture.
  GRef<GstBuffer> copy(int64_t pts_ns) const;
  std::vector<uint8_t> bytes;

 private:
  int width_, height_;
};

struct DecodedPicture {
  int64_t pts_ns = 0;
  int width = 0, height = 0;
  std::optional<VideoMark> mark;
};

// appsrc - what is named here - appsink.
class Transcoder {
 public:
  // `elements` as gst_parse_launch takes them, ending in raw I420 video or S16LE mono audio at
  // 48 kHz. Live: appsrc takes what it is given at once.
  Transcoder(const std::string& elements, const GstCaps* caps);
  virtual ~Transcoder();
  Transcoder(const Transcoder&) = delete;
  Transcoder& operator=(const Transcoder&) = delete;

  void push(const GRef<GstBuffer>& buffer);
  // No more input: waits until everything has come out, at most ten seconds.
  void finish();

  std::vector<DecodedPicture> pictures() const;
  // Samples as they came; where time jumps by more than a packet, silence.
  std::vector<float> samples() const;
  int64_t samples_begin_ns() const;

 private:
  void take(GstSample* sample);
  void take_picture(const GstCaps* caps, const GstMapInfo& map, int64_t pts);
  void take_samples(const GstMapInfo& map, int64_t pts);

  GRef<GstElement> pipeline_, source_;
  mutable std::mutex mutex_;
  std::vector<DecodedPicture> pictures_;
  std::vector<float> samples_;
  int64_t begin_ns_ = -1;
};

// The elements that decode RTP of this codec.
std::string decoder_of(const std::string& codec);

std::vector<FoundChirp> chirps_of(const std::vector<float>& samples);

}  // namespace callbot::test
