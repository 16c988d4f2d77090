#include "quality/marked_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recordings/av.h"
#include "tests/support/raw_media.h"
#include "tests/support/temp_folder.h"

namespace callbot::test {
namespace {

using quality::MarkedFile;
using quality::MarkedSource;
using ::testing::SizeIs;

class MarkedFileTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) { return (folder_.path() / name).string(); }
  std::string video(const std::string& name, const RawVideo& v) {
    write_y4m(path(name), v);
    return "-i " + path(name) + " ";
  }
  std::string sound(const std::string& name, int seconds, uint64_t first = 0) {
    write_pcm(path(name), seconds, first);
    return "-f s16le -ar 48000 -ac 1 -i " + path(name) + " ";
  }
  MarkedFile read(const std::string& name) {
    auto file = recordings::open_media(path(name));
    EXPECT_TRUE(file) << (file ? "" : file.error().message);
    auto marks = quality::read_marks(**file);
    EXPECT_TRUE(marks) << (marks ? "" : marks.error().message);
    return marks ? *marks : MarkedFile();
  }
  static void expect_perfect(const MarkedSource& s, uint64_t frames) {
    EXPECT_EQ(s.read, frames) << s.source;
    EXPECT_EQ(s.unread, 0u) << s.source;
    EXPECT_EQ(s.missing, 0u) << s.source;
    EXPECT_EQ(s.duplicate, 0u) << s.source;
    EXPECT_EQ(s.reordered, 0u) << s.source;
    EXPECT_THAT(s.freezes, SizeIs(0)) << s.source;
    EXPECT_NEAR(s.rate, 30, 0.05) << s.source;
  }
  TempFolder folder_;
};

TEST_F(MarkedFileTest, AWebmOfALowRateIsReadWhole) {
  ffmpeg(video("v.y4m", {.frames = 150, .source = 0x0203, .first = 300}) +
         sound("s.pcm", 5, chirp_place(0x0203, 10)) +
         "-vf scale=320:180 -c:v libvpx -deadline realtime -cpu-used -8 -b:v 80k -c:a libopus -b:a "
         "24k " +
         path("out.webm"));
  const MarkedFile file = read("out.webm");
  EXPECT_EQ(file.pictures, 150u);
  EXPECT_EQ(file.bare, 0u);
  EXPECT_NEAR(file.seconds, 5, 0.1);
  ASSERT_THAT(file.sources, SizeIs(1));
  const MarkedSource& s = file.sources[0];
  expect_perfect(s, 150);
  EXPECT_EQ(s.source, 0x0203);
  EXPECT_EQ(s.first_counter, 300u);
  EXPECT_EQ(s.last_counter, 449u);
  EXPECT_NEAR(s.span.to, 149 / 30.0, 0.01);
  ASSERT_THAT(s.skew, SizeIs(1));
  EXPECT_EQ(s.skew[0].pairs, 5u);
  EXPECT_NEAR(s.skew[0].median, 0, 0.008);
  ASSERT_THAT(file.sounds, SizeIs(1));
  EXPECT_THAT(file.sounds[0].chirps, SizeIs(5));
  EXPECT_EQ(s.heard.at(0).chirps.front().number, 10u);
  EXPECT_EQ(file.sounds[0].codec, "opus");
}

TEST_F(MarkedFileTest, EveryTileOfAComposedPictureOfALowRate) {
  std::string inputs;
  for (uint16_t n = 1; n <= 4; ++n)
    inputs += video("v" + std::to_string(n) + ".y4m",
                    {.width = 320, .height = 180, .frames = 60, .source = n});
  // The same bytes on any machine: libvpx chooses its speed by the time it took, if told 0 or more.
  for (const char* codec : {"libx264 -threads 1 -preset veryfast -b:v 150k",
                            "libvpx -deadline realtime -cpu-used -8 -b:v 150k"}) {
    ffmpeg(inputs + "-filter_complex 'xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0' -c:v " + codec +
           " " + path("out.mkv"));
    const MarkedFile file = read("out.mkv");
    ASSERT_THAT(file.sources, SizeIs(4)) << codec;
    for (const MarkedSource& s : file.sources) {
      SCOPED_TRACE(codec);
      // x264's very first picture at this rate is too blurred for the search to find every tile;
      // from where a tile was found on, nothing may be lacking.
      EXPECT_LE(s.first_counter, 1u) << s.source;
      EXPECT_EQ(s.last_counter, 59u) << s.source;
      expect_perfect(s, 60 - s.first_counter);
      // Within half a cell, in which it is read.
      const int column = (s.source - 1) % 2, row = (s.source - 1) / 2;
      EXPECT_NEAR(s.place.x, column * 320, 320 / 48.0 / 2);
      EXPECT_NEAR(s.place.y, row * 180, 320 / 48.0 / 2);
      EXPECT_NEAR(s.place.cell_width * 48, 320, 320 / 48.0 / 2);
    }
  }
}

TEST_F(MarkedFileTest, LetterboxedAndCroppedPictures) {
  const std::string input = video("v.y4m", {.frames = 45});
  for (const char* filter :
       {"scale=480:270,pad=640:480:80:105", "crop=600:360:40:0", "crop=600:360:0:0,scale=480:288",
        "crop=640:240:0:0", "pad=640:480:0:60,scale=400:300", "scale=512:384"}) {
    ffmpeg(input + "-vf " + filter + " -c:v libx264 -preset veryfast -crf 35 " + path("out.mp4"));
    const MarkedFile file = read("out.mp4");
    ASSERT_THAT(file.sources, SizeIs(1)) << filter;
    SCOPED_TRACE(filter);
    expect_perfect(file.sources[0], 45);
  }
}

TEST_F(MarkedFileTest, WhateverPixelsAreMadeOf) {
  const std::string input = video("v.y4m", {.width = 320, .height = 180, .frames = 12});
  for (const char* coding :
       {"-pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=none", "-pix_fmt rgb24 -c:v png",
        "-pix_fmt gray -c:v ffv1", "-pix_fmt nv12 -c:v rawvideo", "-pix_fmt yuvj444p -c:v mjpeg"}) {
    ffmpeg(input + coding + " " + path("out.mkv"));
    const MarkedFile file = read("out.mkv");
    SCOPED_TRACE(coding);
    ASSERT_THAT(file.sources, SizeIs(1));
    EXPECT_EQ(file.sources[0].read, 12u);
    EXPECT_EQ(file.bare, 0u);
  }
}

TEST_F(MarkedFileTest, FaultsAreCountedAsTheyWereMade) {
  RawVideo v{.frames = 150};
  v.mark = [](int n) -> std::optional<VideoMark> {
    int shown = n;
    if (n >= 40) shown += 2;  // 40 and 41 are missing
    if (n == 60) shown -= 1;  // the one before again; its own is missing
    if (n == 80) shown += 1;  // 82 and 83 changed places
    if (n == 81) shown -= 1;
    if (n >= 110 && n < 125) shown = 109 + 2;  // stands still for half a second
    if (n == 140) return std::nullopt;
    return VideoMark{static_cast<uint32_t>(shown), 5, static_cast<uint8_t>(shown % 30 == 0)};
  };
  ffmpeg(video("v.y4m", v) + "-c:v libx264 -preset veryfast -crf 28 " + path("out.mp4"));
  const MarkedFile file = read("out.mp4");
  ASSERT_THAT(file.sources, SizeIs(1));
  const MarkedSource& s = file.sources[0];
  EXPECT_EQ(s.read, 149u);
  EXPECT_EQ(s.unread, 1u);
  EXPECT_EQ(s.missing, 2u + 1 + 15) << "the one that could not be read was there";
  EXPECT_EQ(s.duplicate, 1u + 15);
  EXPECT_EQ(s.reordered, 1u);
  ASSERT_THAT(s.freezes, SizeIs(1));
  EXPECT_NEAR(s.freezes[0].to - s.freezes[0].from, 16 / 30.0, 0.002);
  EXPECT_EQ(s.last_counter, 151u);
}

TEST_F(MarkedFileTest, PresenceAndRestarts) {
  RawVideo v{.frames = 240};
  v.mark = [](int n) -> std::optional<VideoMark> {
    if (n >= 60 && n < 150) return std::nullopt;
    return VideoMark{static_cast<uint32_t>(n < 150 ? 5000 + n : n - 150), 5, 0};
  };
  ffmpeg(video("v.y4m", v) + "-c:v libx264 -preset veryfast -crf 28 " + path("out.mp4"));
  const MarkedSource s = read("out.mp4").sources.at(0);
  ASSERT_THAT(s.present, SizeIs(2));
  EXPECT_NEAR(s.present[0].to, 59 / 30.0, 0.01);
  EXPECT_NEAR(s.present[1].from, 5, 0.01);
  EXPECT_EQ(s.restarts, 1u);
  EXPECT_EQ(s.missing, 0u);
}

TEST_F(MarkedFileTest, WhoLeftACompositionIsAbsentAndNotUnread) {
  // The second leaves after 2 s of 4, and its place stays black.
  ffmpeg(video("a.y4m", {.width = 320, .height = 180, .frames = 120, .source = 1}) +
         video("b.y4m", {.width = 320, .height = 180, .frames = 60, .source = 2}) +
         "-filter_complex '[1]tpad=stop=60:color=black[b];[0][b]hstack' -c:v libx264 "
         "-preset veryfast -crf 28 " +
         path("out.mp4"));
  const MarkedFile file = read("out.mp4");
  ASSERT_THAT(file.sources, SizeIs(2));
  expect_perfect(file.sources[0], 120);
  expect_perfect(file.sources[1], 60);
  EXPECT_NEAR(file.sources[1].span.to, 59 / 30.0, 0.01);
}

TEST_F(MarkedFileTest, SoundThatIsLateIsSkewed) {
  ffmpeg(video("v.y4m", {.frames = 180}) + "-itsoffset 0.12 " + sound("s.pcm", 6) +
         "-c:v libx264 -preset ultrafast -c:a aac -ar 48000 " + path("out.mp4"));
  const MarkedFile file = read("out.mp4");
  ASSERT_THAT(file.sources, SizeIs(1));
  ASSERT_THAT(file.sources[0].skew, SizeIs(1));
  EXPECT_NEAR(file.sources[0].skew[0].median, 0.12, 0.005);
  EXPECT_NEAR(file.sources[0].skew[0].p95, 0.12, 0.005);
}

TEST_F(MarkedFileTest, WhoIsHeardWhen) {
  // The first is muted from 3 to 9 s; the second begins 18 frames in, its next chirp is at 0.4 s.
  ffmpeg(video("a.y4m", {.width = 320, .height = 180, .frames = 360, .source = 1}) +
         video("b.y4m", {.width = 320, .height = 180, .frames = 360, .source = 2, .first = 18}) +
         sound("a.pcm", 12, chirp_place(1, 0)) + sound("b.pcm", 11, chirp_place(2, 1)) +
         "-filter_complex \"[0][1]hstack;[2]volume=0:enable='between(t,3,9)'[m];"
         "[3]adelay=400[d];[m][d]amix=normalize=0\" "
         "-c:v libx264 -preset ultrafast -c:a libopus " +
         path("out.mkv"));
  const MarkedFile file = read("out.mkv");
  ASSERT_THAT(file.sources, SizeIs(2));
  ASSERT_THAT(file.sounds, SizeIs(1));
  EXPECT_THAT(file.sounds[0].strays, SizeIs(0));
  const auto &alice = file.sources[0], &bob = file.sources[1];
  EXPECT_THAT(alice.flashes, SizeIs(12));
  ASSERT_THAT(alice.heard, SizeIs(1));
  EXPECT_THAT(alice.heard[0].chirps, SizeIs(6));
  for (const auto& [time, number] : alice.heard[0].chirps)
    EXPECT_TRUE(time < 3 || time > 8.9) << time;
  ASSERT_THAT(bob.heard, SizeIs(1));
  EXPECT_THAT(bob.heard[0].chirps, SizeIs(11));
}

// Nobody in the picture has them.
TEST_F(MarkedFileTest, ChirpsOfNobodyAreStrays) {
  ffmpeg(video("v.y4m", {.width = 320, .height = 180, .frames = 180, .source = 1}) +
         sound("s.pcm", 6, chirp_place(9, 0)) + "-c:v libx264 -preset ultrafast -c:a libopus " +
         path("out.mkv"));
  const MarkedFile file = read("out.mkv");
  ASSERT_THAT(file.sources, SizeIs(1));
  EXPECT_THAT(file.sources[0].heard, SizeIs(0));
  ASSERT_THAT(file.sounds, SizeIs(1));
  EXPECT_THAT(file.sounds[0].strays, SizeIs(6));
}

TEST_F(MarkedFileTest, ATruncatedFileIsReadAsFarAsItGoes) {
  ffmpeg(video("v.y4m", {.frames = 90}) + "-c:v libvpx -deadline realtime -cpu-used -8 " +
         path("out.webm"));
  std::filesystem::resize_file(path("out.webm"), std::filesystem::file_size(path("out.webm")) / 2);
  const MarkedFile file = read("out.webm");
  ASSERT_THAT(file.sources, SizeIs(1));
  EXPECT_GT(file.sources[0].read, 10u);
  EXPECT_LT(file.sources[0].read, 90u);
}

TEST_F(MarkedFileTest, CanBeStopped) {
  write_y4m(path("v.y4m"), {.frames = 90});
  auto file = recordings::open_media(path("v.y4m"));
  ASSERT_TRUE(file);
  const auto marks = quality::read_marks(**file, [](double) { return false; });
  ASSERT_FALSE(marks);
  EXPECT_EQ(marks.error().code, Code::kInterrupted);
}

}  // namespace
}  // namespace callbot::test
