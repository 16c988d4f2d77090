#include "tests/support/composed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "recordings/av.h"
#include "tests/support/exported.h"

namespace callbot::test {

using namespace recordings;

std::optional<VideoMark> Shown::mark(const Rect& at) const {
  return read_video_mark(luma.data() + at.y * width + at.x, static_cast<size_t>(width), at.width,
                         at.height);
}

double Shown::mean(const Rect& at) const {
  double sum = 0;
  for (int y = at.y; y < at.y + at.height; ++y) {
    for (int x = at.x; x < at.x + at.width; ++x)
      sum += luma[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
  return sum / (at.width * at.height);
}

void each_frame(const std::filesystem::path& path, const std::function<void(const Shown&)>& look) {
  auto input = open_media(path);
  ASSERT_TRUE(input && *input) << path;
  ASSERT_GE(avformat_find_stream_info(input->get(), nullptr), 0);
  const int stream = av_find_best_stream(input->get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  ASSERT_GE(stream, 0) << path;
  const AVStream& s = *(*input)->streams[stream];
  AvCodecContext decoder(avcodec_alloc_context3(avcodec_find_decoder(s.codecpar->codec_id)));
  avcodec_parameters_to_context(decoder.get(), s.codecpar);
  ASSERT_GE(avcodec_open2(decoder.get(), nullptr, nullptr), 0);
  AvPacket packet(av_packet_alloc());
  AvFrame frame(av_frame_alloc());
  Shown shown;
  const auto take = [&] {
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
      // The number that its time says: a missing one is seen.
      shown.number = static_cast<int>(std::lround(static_cast<double>(frame->pts) *
                                                  av_q2d(s.time_base) * av_q2d(s.avg_frame_rate)));
      shown.width = frame->width;
      shown.height = frame->height;
      shown.luma.resize(static_cast<size_t>(frame->width) * static_cast<size_t>(frame->height));
      for (int y = 0; y < frame->height; ++y)
        std::copy_n(frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0], frame->width,
                    shown.luma.begin() + static_cast<ptrdiff_t>(y) * frame->width);
      look(shown);
    }
  };
  while (av_read_frame(input->get(), packet.get()) >= 0) {
    if (packet->stream_index == stream) {
      EXPECT_GE(avcodec_send_packet(decoder.get(), packet.get()), 0);
      take();
    }
    av_packet_unref(packet.get());
  }
  avcodec_send_packet(decoder.get(), nullptr);
  take();
}

std::vector<Chapter> chapters_in(const std::filesystem::path& path) {
  auto input = open_media(path);
  EXPECT_TRUE(input && *input) << path;
  std::vector<Chapter> out;
  for (unsigned i = 0; i < (*input)->nb_chapters; ++i) {
    const AVChapter& c = *(*input)->chapters[i];
    const AVDictionaryEntry* title = av_dict_get(c.metadata, "title", nullptr, 0);
    out.push_back({av_rescale_q(c.start, c.time_base, {1, 1'000'000'000}),
                   av_rescale_q(c.end, c.time_base, {1, 1'000'000'000}),
                   title != nullptr ? title->value : ""});
  }
  return out;
}

std::string fingerprint(const std::filesystem::path& path) {
  const Said said =
      ask({"ffmpeg", "-nostdin", "-v", "error", "-i", path.string(), "-f", "md5", "-"});
  EXPECT_EQ(said.status, 0) << said.text;
  return said.text;
}

}  // namespace callbot::test
