// feeds/clip_writer.h: pictures and samples, encoded and muxed into a file by FFmpeg.
//
// The same input gives the same bytes. Encoded for a call: no frame waits for a later one, a key
// frame each second or as told, one encoder thread.
//
// Thread:  one.
// Owner:   whoever makes the file; it is whole after finish().
// Fails:   kUnsupported (no such encoder or container here), kStorage (it cannot be written),
//          kInternal with FFmpeg's words.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/video_mark.h"
#include "feeds/av.h"

namespace callbot::feeds {

// Between key frames, at most: who lost the picture has it back within that time.
constexpr int64_t kKeyDistance_ns = 1'000'000'000;

// What the stream says of its pictures' values.
struct Colours {
  AVColorRange range = AVCOL_RANGE_MPEG;
  AVColorSpace space = AVCOL_SPC_UNSPECIFIED;
  AVColorPrimaries primaries = AVCOL_PRI_UNSPECIFIED;
  AVColorTransferCharacteristic transfer = AVCOL_TRC_UNSPECIFIED;
};

struct VideoSettings {
  std::string codec = "vp8";  // vp8, vp9, h264; jpeg, raw
  int width = 0, height = 0;  // even
  int fps = 30;               // about
  AVRational tick{1, 30};     // what times of pictures count in
  int bitrate = 1'500'000;    // bit/s
  int64_t key_distance_ns = kKeyDistance_ns;
  Colours colours = {};
};

struct AudioSettings {
  std::string codec = "opus";  // opus, pcmu, pcma, pcm (16 bit)
  int channels = 1;            // samples come at 48 kHz; pcmu and pcma: at 8 kHz, mono
  int bitrate = 32'000;
};

class ClipWriter {
 public:
  // `container`: a name of FFmpeg's: nut, matroska, webm, yuv4mpegpipe, mjpeg, wav.
  static Result<std::unique_ptr<ClipWriter>> create(const fs::path& path,
                                                    const std::string& container);
  // Nothing is written: encoded packets are given to `take` at once. Encodes faster, worse.
  using Take = std::function<void(size_t stream, const AVPacket& packet, AVRational base)>;
  static std::unique_ptr<ClipWriter> live(Take take);
  ~ClipWriter();

  // Streams first; then begin(), then media, roughly in step.
  Result<size_t> add(const VideoSettings& settings);
  Result<size_t> add(const AudioSettings& settings);
  Result<size_t> add_copy(const AVStream& stream);
  Result<> begin();

  // 8-bit 4:2:0 of the stream's size; `time` in the stream's ticks.
  Result<> picture(size_t stream, const AVFrame& picture, int64_t time);
  // Draws into a picture of ours.
  Result<> picture(size_t stream, int64_t time,
                   const std::function<void(const PictureView&)>& draw);
  // The next samples, interleaved; any number of them.
  Result<> samples(size_t stream, std::span<const int16_t> samples);
  // Of a copied stream, in the times of `base`, moved by `shift_ns`.
  Result<> packet(size_t stream, const AVPacket& packet, AVRational base, int64_t shift_ns);
  // The next picture is a key frame.
  void request_key_frame(size_t stream);
  Result<> finish();

 private:
  struct Track;
  explicit ClipWriter(fs::path path);
  Result<size_t> open(AvCodecContext encoder, const char* options);
  Result<> encode(Track& track, const AVFrame* frame);
  Result<> sound_frame(Track& track, size_t count);
  Result<> failed(int av_error) const;

  fs::path path_;
  Take take_;
  AVFormatContext* format_ = nullptr;
  std::vector<std::unique_ptr<Track>> tracks_;
};

}  // namespace callbot::feeds
