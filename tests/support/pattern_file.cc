#include "tests/support/pattern_file.h"

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/audio_mark.h"
#include "base/video_mark.h"

namespace callbot::test {
namespace {

struct Picture {
  explicit Picture(const PictureFile& what)
      : w(what.width), h(what.height), luma(w * h), cb(w / 2 * (h / 2), 128), cr(cb) {}
  PictureView view() {
    return {luma.data(),
            static_cast<size_t>(w),
            cb.data(),
            cr.data(),
            static_cast<size_t>(w / 2),
            w,
            h};
  }
  int w, h;
  std::vector<uint8_t> luma, cb, cr;
};

// A bar that moves, below the mark.
void draw(Picture& picture, int n, uint16_t source) {
  std::fill(picture.luma.begin(), picture.luma.end(), uint8_t{90});
  const int at = n * 7 % (picture.w - 20);
  for (int y = 0; y < picture.h; ++y)
    std::fill_n(picture.luma.begin() + y * picture.w + at, 20, uint8_t{200});
  if (!write_video_mark(picture.view(), {static_cast<uint32_t>(n), source, 0})) abort();
}

std::vector<uint8_t> jpeg(AVCodecContext* encoder, Picture& picture) {
  AVFrame* frame = av_frame_alloc();
  frame->format = encoder->pix_fmt;
  frame->width = picture.w;
  frame->height = picture.h;
  uint8_t* planes[] = {picture.luma.data(), picture.cb.data(), picture.cr.data()};
  for (int i = 0; i < 3; ++i) {
    frame->data[i] = planes[i];
    frame->linesize[i] = i == 0 ? picture.w : picture.w / 2;
  }
  frame->quality = 3 * FF_QP2LAMBDA;
  AVPacket* packet = av_packet_alloc();
  if (avcodec_send_frame(encoder, frame) != 0 || avcodec_receive_packet(encoder, packet) != 0)
    abort();
  std::vector<uint8_t> bytes(packet->data, packet->data + packet->size);
  av_packet_free(&packet);
  av_frame_free(&frame);
  return bytes;
}

AVCodecContext* jpeg_encoder(const PictureFile& what) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  AVCodecContext* encoder = avcodec_alloc_context3(codec);
  encoder->width = what.width;
  encoder->height = what.height;
  encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
  encoder->time_base = {1, what.fps};
  encoder->flags |= AV_CODEC_FLAG_QSCALE;
  if (avcodec_open2(encoder, codec, nullptr) != 0) abort();
  return encoder;
}

template <class T>
void put(std::ofstream& file, T value) {
  file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

std::filesystem::path write_pictures(const std::filesystem::path& path, const PictureFile& what) {
  std::ofstream file(path, std::ios::binary);
  Picture picture(what);
  const bool y4m = path.extension() == ".y4m";
  AVCodecContext* encoder = y4m ? nullptr : jpeg_encoder(what);
  if (y4m)
    file << "YUV4MPEG2 W" << what.width << " H" << what.height << " F" << what.fps
         << ":1 Ip A1:1 C420jpeg\n";
  for (int n = 0; n < what.frames; ++n) {
    draw(picture, n, what.source);
    const auto write = [&](const std::vector<uint8_t>& bytes) {
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    };
    if (!y4m) {
      write(jpeg(encoder, picture));
      continue;
    }
    file << "FRAME\n";
    for (const auto* plane : {&picture.luma, &picture.cb, &picture.cr}) write(*plane);
  }
  avcodec_free_context(&encoder);
  if (!file.flush()) abort();
  return path;
}

std::filesystem::path write_chirps(const std::filesystem::path& path, int seconds) {
  std::vector<float> samples(static_cast<size_t>(seconds) * kMarkSampleRate);
  for (int n = 0; n < seconds; ++n)
    add_chirp({samples.data() + n * kMarkSampleRate, static_cast<size_t>(kChirpSamples)},
              static_cast<uint64_t>(n));
  const auto bytes = static_cast<uint32_t>(samples.size() * 2);
  std::ofstream file(path, std::ios::binary);
  file << "RIFF";
  put<uint32_t>(file, 36 + bytes);
  file << "WAVEfmt ";
  put<uint32_t>(file, 16);
  put<uint16_t>(file, 1);  // PCM
  put<uint16_t>(file, 1);
  put<uint32_t>(file, kMarkSampleRate);
  put<uint32_t>(file, kMarkSampleRate * 2);
  put<uint16_t>(file, 2);
  put<uint16_t>(file, 16);
  file << "data";
  put<uint32_t>(file, bytes);
  for (const float sample : samples)
    put<int16_t>(file, static_cast<int16_t>(std::clamp(sample, -1.0F, 1.0F) * 32767));
  if (!file.flush()) abort();
  return path;
}

}  // namespace callbot::test
