// callbot export against sample calls with marks; pains are those that users of other recorders
// have.
#include "recordings/export.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "base/files.h"
#include "tests/support/exported.h"
#include "tests/support/most_file_size.h"
#include "tests/support/recorded.h"
#include "tests/support/sample_calls.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kMostSkew = 0.003;  // seconds; 0.02 are promised

// Recorded once in this process, the folder with it.
const fs::path& sample(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Feed>> made;
  auto& feed = made[name];
  if (!feed) {
    feed = std::make_unique<Feed>();
    record_sample(*feed, sample_call(name));
  }
  return feed->folder();
}

std::vector<ExportedFile> exported(const std::string& name, const std::string& to,
                                   ExportConfig config = {}) {
  config.folder = sample(name);
  config.to = to;
  auto files = export_recording(config);
  EXPECT_TRUE(files) << (files ? "" : files.error().message);
  return files ? *files : std::vector<ExportedFile>{ExportedFile{}};
}

ExportedFile the_one(const std::string& name, const std::string& to, ExportConfig config = {}) {
  const auto files = exported(name, to, std::move(config));
  EXPECT_EQ(files.size(), 1u);
  return files.front();
}

std::vector<std::string> left_over(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".part") names.push_back(entry.path().filename());
  }
  return names;
}

TEST(Pain05, AMutedTrackIsAsLongAsTheCall) {
  for (const auto& [call, to] : {std::pair{"muted", "mp4"},
                                 {"muted", "webm"},
                                 {"muted", "mkv"},
                                 {"muted", "wav"},
                                 {"muted", "mp3"},
                                 {"muted", "opus"},
                                 {"muted-pcmu", "mkv"},
                                 {"muted-g722", "mkv"}}) {
    const auto made = the_one(call, to);
    const Exported file(made.path);
    EXPECT_NEAR(file.duration, 40, 0.1) << to;
    // Chirps at 0..4 s and at 35..39 s: nothing of what came after the mute is early.
    ASSERT_EQ(file.audio.chirps.size(), 10u) << to;
    const double shift = std::string(to) == "mp3" ? 0.03 : 0.01;  // its decoder's own delay
    for (int i = 0; i < 10; ++i)
      EXPECT_NEAR(file.audio.chirps[static_cast<size_t>(i)].time, i < 5 ? i : 30 + i, shift)
          << to << " " << i;
    if (file.video.pictures.empty()) continue;
    EXPECT_LT(worst_skew(file), kMostSkew) << to;
  }
}

// A player that counts samples and reads no times must come to the same moment.
TEST(Pain05, SamplesAloneTellTheTimeAfterAMute) {
  for (const auto& [call, to] : {std::pair{"muted", "mp4"},
                                 {"muted", "webm"},
                                 {"muted", "mkv"},
                                 {"muted", "wav"},
                                 {"muted", "mp3"},
                                 {"muted", "opus"},
                                 {"muted-pcmu", "mkv"},
                                 {"muted-g722", "mkv"}}) {
    const auto made = the_one(call, to);
    const fs::path raw = made.path.string() + ".s16";
    const auto said =
        ask({"ffmpeg", "-nostdin", "-v", "error", "-y", "-i", made.path.string(), "-map", "0:a",
             "-af", "asetpts=N/SR/TB", "-ac", "1", "-ar", "48000", "-f", "s16le", raw.string()});
    EXPECT_EQ(said.status, 0) << said.text;
    EXPECT_NEAR(static_cast<double>(fs::file_size(raw)) / 2 / 48000, 40, 0.1) << to;
    fs::remove(raw);
  }
}

// The pattern's sound is never quiet: where it is, a lost packet was not concealed.
TEST(Export, LostPacketsOfOpusAreConcealed) {
  for (const char* to : {"wav", "opus", "mp4", "mkv"}) {
    const auto made = the_one("lossy", to);
    const fs::path raw = made.path.string() + ".s16";
    std::vector<std::string> words{"ffmpeg", "-nostdin", "-v", "error", "-y"};
    if (to != std::string("wav")) words.insert(words.end(), {"-c:a", "libopus"});
    words.insert(words.end(), {"-i", made.path.string(), "-map", "0:a", "-ac", "1", "-ar", "48000",
                               "-f", "s16le", raw.string()});
    const auto said = ask(words);
    EXPECT_EQ(said.status, 0) << said.text;
    const auto bytes = *read_file(raw, 1 << 24);
    std::vector<int16_t> samples(bytes.size() / 2);
    std::memcpy(samples.data(), bytes.data(), samples.size() * 2);
    EXPECT_NEAR(static_cast<double>(samples.size()) / 48000, 10, 0.1) << to;
    constexpr size_t kWindow = 480;  // 10 ms
    size_t quiet = 0;
    for (size_t at = 48000; at + 48000 < samples.size(); at += kWindow) {
      const auto [least, most] =
          std::minmax_element(samples.begin() + static_cast<std::ptrdiff_t>(at),
                              samples.begin() + static_cast<std::ptrdiff_t>(at + kWindow));
      quiet += *most - *least < 200 ? 1 : 0;
    }
    EXPECT_EQ(quiet, 0u) << to;
    fs::remove(raw);
  }
}

// A packet that says "lost" is of the sender's kind, also where silence was filled in since it last
// sent sound.
TEST(Export, ALostPacketIsAsLongAsTheSendersOwn) {
  EncodedFrames sound;
  int n = 0;
  for (EncodedFrame f : make_audio({.seconds = 2})) {  // 20 ms each
    const int i = n++;
    if (i == 20 || i == 21 || i == 25) continue;  // 50 ms: two packets, and 10 ms of silence
    if (i > 21) f.rtp_time += 480, f.time_ns += 10'000'000;
    if (i > 21 && i < 25) f.bytes.resize(1);  // DTX: no sound (RFC 6716, 2.1.9)
    sound.push_back(std::move(f));
  }
  Feed feed;
  feed.member("alice");
  feed.add({audio_track(1, "alice"), sound});
  ASSERT_TRUE(feed.run(2.1));
  const auto files = export_recording({.folder = feed.folder(), .to = "opus"});
  ASSERT_TRUE(files && files->size() == 1u);
  const auto said = ask({"ffprobe", "-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0",
                         files->front().path.string()});
  ASSERT_EQ(said.status, 0) << said.text;
  std::istringstream lines(said.text);
  int without_sound = 0;
  for (std::string line; std::getline(lines, line);) without_sound += line == "1" ? 1 : 0;
  EXPECT_EQ(without_sound, 2 + 3 + 1) << said.text;
}

TEST(Pain02, LossOfFivePercentKeepsPictureAndSoundTogether) {
  for (const char* to : {"mp4", "webm", "mkv"}) {
    const auto made = the_one("lossy", to);
    const Exported file(made.path);
    EXPECT_NEAR(file.duration, 10, 0.1) << to;
    EXPECT_GE(file.skews().size(), 7u) << to;
    EXPECT_LT(worst_skew(file), kMostSkew) << to;
  }
}

TEST(Pain04, ASizeChangeKeepsEveryPicture) {
  for (const char* name : {"resized-vp8", "resized-h264"}) {
    for (const char* to : {"mp4", "webm", "mkv"}) {
      const auto made = the_one(name, to);
      const Exported file(made.path);
      EXPECT_EQ(file.counters(), counting(0, 120)) << name << " " << to;
      EXPECT_THAT(file.video.undecodable, IsEmpty()) << name << " " << to;
      EXPECT_LT(worst_skew(file), kMostSkew) << name << " " << to;
      EXPECT_EQ(faults(made.path), "") << name << " " << to;
    }
  }
}

TEST(Pain04, ACodecChangeKeepsEveryPicture) {
  for (const char* to : {"mp4", "webm", "mkv"}) {
    const auto made = the_one("changed-codec", to);
    EXPECT_THAT(made.tracks.front(), HasSubstr("h264+vp8 -> ")) << to;
    EXPECT_EQ(made.tracks.back(), "audio opus copied") << to;
    const Exported file(made.path);
    EXPECT_EQ(file.counters(), counting(0, 120)) << to;
    EXPECT_LT(worst_skew(file), kMostSkew) << to;
    EXPECT_EQ(faults(made.path), "") << to;
  }
}

TEST(Pain06, EachParticipantGetsAFile) {
  Feed feed;
  for (const auto& [id, name, track] :
       {std::tuple{"m1", "Ann", 1u}, {"m2", "Ann", 3u}, {"m3", "../Bob", 5u}}) {
    feed.at(0, [id = id, name = name](Recording& r) {
      r.note({.kind = EventKind::kMemberJoined, .participant = id, .name = name});
    });
    feed.add({audio_track(track, id), make_audio({.seconds = 1})});
  }
  ASSERT_TRUE(feed.run(1.2));
  const auto files = export_recording({.folder = feed.folder(), .to = "opus"});
  ASSERT_TRUE(files);
  std::vector<std::string> names;
  for (const auto& f : *files) names.push_back(f.path.lexically_relative(feed.folder()));
  EXPECT_THAT(names, ElementsAre("exports/Ann.opus", "exports/Ann-2.opus", "exports/_._Bob.opus"));
  const auto one = export_recording({.folder = feed.folder(), .to = "wav", .participant = "m2"});
  ASSERT_TRUE(one);
  ASSERT_EQ(one->size(), 1u);
  EXPECT_EQ(one->front().path.filename(), "Ann-2.wav");
  const auto nobody = export_recording({.folder = feed.folder(), .to = "wav", .participant = "x"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::kUsage);
  EXPECT_THAT(nobody.error().message, HasSubstr("\"Ann\""));
}

// Sound from the beginning, camera from 2 s on with one codec and from 4 s with another: three
// files.
TEST(Pain12, AllFilesOfAParticipantBecomeOne) {
  Feed feed;
  feed.member("alice", 0, 6);
  feed.add({audio_track(1, "alice"), make_audio({.seconds = 6})});
  VideoRecipe recipe{.width = 192, .height = 108, .frames = 60, .first_counter = 60};
  feed.add({.info = video_track(2, "alice"), .frames = make_video(recipe), .start = 2, .end = 4});
  recipe.codec = "h264";
  recipe.first_counter = 120;
  feed.add({.info = video_track(3, "alice", "h264"), .frames = make_video(recipe), .start = 4});
  ASSERT_TRUE(feed.run(6.1));
  EXPECT_GE(Recorded(feed.folder()).files().size(), 3u);
  for (const char* to : {"mp4", "webm", "mkv"}) {
    const auto files = export_recording({.folder = feed.folder(), .to = to});
    ASSERT_TRUE(files && files->size() == 1u) << to;
    const Exported file(files->front().path);
    EXPECT_EQ(file.counters(), counting(60, 120)) << to;
    EXPECT_EQ(file.audio.chirps.size(), 6u) << to;
    EXPECT_LT(worst_skew(file), kMostSkew) << to;
    EXPECT_NEAR(file.video.pictures.front().time, 2, 0.01) << to;
    EXPECT_NEAR(file.duration, 6, 0.05) << to;
    EXPECT_EQ(faults(files->front().path), "") << to;
  }
}

// Paused from 2 s to 4 s; marks count on meanwhile.
const fs::path& paused(const std::string& policy) {
  static std::map<std::string, std::unique_ptr<Feed>> made;
  auto& feed = made[policy];
  if (feed) return feed->folder();
  feed = std::make_unique<Feed>();
  feed->member("alice", 0, 6);
  const auto away = [](EncodedFrames frames) {
    frames = without(std::move(frames), 1'999'000'000, 3'999'000'000);  // frames of 33333333 ns
    return frames;
  };
  feed->add({video_track(1, "alice"),
             away(make_video({.width = 96, .height = 64, .frames = 180, .key_every = 30}))});
  feed->add({audio_track(2, "alice"), away(make_audio({.seconds = 6}))});
  feed->at(1.99,
           [policy](Recording& r) { r.note({.kind = EventKind::kPaused, .policy = policy}); });
  feed->at(3.99, [](Recording& r) { r.note({.kind = EventKind::kResumed}); });
  feed->at(5, [](Recording& r) { r.note({.kind = EventKind::kMarker, .text = "decision"}); });
  EXPECT_TRUE(feed->run(6.1));
  return feed->folder();
}

TEST(Pain15, APauseIsCutOutOrFilledAsItWasAskedFor) {
  for (const char* to : {"mp4", "webm", "mkv", "wav", "opus"}) {
    for (const bool cut : {true, false}) {
      const auto files = export_recording({.folder = paused(cut ? "cut" : "slate"), .to = to});
      ASSERT_TRUE(files && files->size() == 1u) << to;
      const Exported file(files->front().path);
      EXPECT_NEAR(file.duration, cut ? 4 : 6, 0.05) << to;
      ASSERT_EQ(file.audio.chirps.size(), 4u) << to << cut;
      EXPECT_NEAR(file.audio.chirps[2].time, cut ? 2 : 4, 0.02) << to;
      EXPECT_EQ(faults(files->front().path), "") << to << cut;
      if (file.video.pictures.empty()) continue;
      EXPECT_EQ(file.video.pictures.size(), 120u) << to;
      EXPECT_LT(worst_skew(file), kMostSkew) << to << cut;
    }
  }
}

TEST(Export, MarkersAreChapters) {
  for (const char* to : {"mp4", "webm", "mkv", "opus", "mp3"}) {
    const auto files = export_recording({.folder = paused("cut"), .to = to});
    ASSERT_TRUE(files && files->size() == 1u) << to;
    const auto chapters = ask({"ffprobe", "-v", "error", "-show_entries",
                               "chapter=start_time,end_time:chapter_tags=title", "-of", "csv=p=0",
                               files->front().path.string()});
    EXPECT_THAT(chapters.text, HasSubstr("3.000000,4.")) << to;
    EXPECT_THAT(chapters.text, HasSubstr("decision")) << to;
  }
}

TEST(Pain16, WhatTheContainerTakesIsCopied) {
  struct Row {
    const char *call, *to, *video, *audio;
  };
  for (const Row& row : {Row{"vp8-opus", "webm", "video vp8 copied", "audio opus copied"},
                         {"vp9-opus", "webm", "video vp9 copied", "audio opus copied"},
                         {"vp9-opus", "mp4", "video vp9 copied", "audio opus copied"},
                         {"h264-opus", "mp4", "video h264 copied", "audio opus copied"},
                         {"h265-opus", "mp4", "video h265 copied", "audio opus copied"},
                         {"h265-opus", "mkv", "video h265 copied", "audio opus copied"},
                         {"vp8-pcmu", "mkv", "video vp8 copied", "audio pcmu copied"},
                         {"vp8-pcma", "mkv", "video vp8 copied", "audio pcma copied"},
                         {"vp8-g722", "mkv", "video vp8 copied", "audio g722 copied"},
                         {"vp8-opus", "mp4", "video vp8 -> h264", "audio opus copied"},
                         {"vp8-pcmu", "mp4", "video vp8 -> h264", "audio pcmu -> aac"},
                         {"vp8-pcma", "webm", "video vp8 copied", "audio pcma -> opus"},
                         {"vp8-g722", "webm", "video vp8 copied", "audio g722 -> opus"},
                         {"h264-opus", "webm", "video h264 -> vp9", "audio opus copied"}}) {
    const std::string what = std::string(row.call) + " to " + row.to;
    const auto made = the_one(row.call, row.to);
    EXPECT_THAT(made.tracks, ElementsAre(row.video, row.audio)) << what;
    const Exported file(made.path);
    EXPECT_EQ(file.counters(), counting(0, 90)) << what;
    EXPECT_EQ(file.audio.chirps.size(), 3u) << what;
    EXPECT_LT(worst_skew(file), kMostSkew) << what;
    EXPECT_NEAR(file.duration, 3, 0.1) << what;
    EXPECT_EQ(faults(made.path), "") << what;
  }
}

// Copied means byte for byte.
TEST(Pain16, CopiedPacketsAreTheReceivedOnes) {
  const Recorded recorded(sample("vp8-opus"));
  const auto hashes = [](const fs::path& path) {
    return ask({"ffprobe", "-v", "error", "-select_streams", "v", "-show_data_hash", "md5",
                "-show_entries", "packet=data_hash", "-of", "csv=p=0", path.string()})
        .text;
  };
  ASSERT_EQ(recorded.files().size(), 1u);
  const auto received = hashes(sample("vp8-opus") / recorded.files()[0]);
  EXPECT_GT(received.size(), 90u * 32);
  EXPECT_EQ(received, hashes(the_one("vp8-opus", "webm").path));
}

TEST(Pain17, NothingIsClippedAtBeginningAndEnd) {
  for (const char* to : {"mp4", "webm", "mkv"}) {
    const Exported file(the_one("vp8-opus", to).path);
    ASSERT_FALSE(file.video.pictures.empty());
    EXPECT_EQ(file.video.pictures.front().mark->counter, 0u) << to;
    EXPECT_NEAR(file.video.pictures.front().time, 0, 0.01) << to;
    EXPECT_EQ(file.video.pictures.back().mark->counter, 89u) << to;
    ASSERT_EQ(file.audio.chirps.size(), 3u) << to;
    EXPECT_NEAR(file.audio.chirps[0].time, 0, 0.01) << to;
  }
}

TEST(Pain20, DurationIsTheCallsForEveryParticipant) {
  Feed feed;
  feed.member("early", 0, 3);
  feed.add({.info = audio_track(1, "early"), .frames = make_audio({.seconds = 1}), .end = 3});
  feed.member("late", 2, 5);
  feed.add({.info = audio_track(2, "late"), .frames = make_audio({.seconds = 1}), .start = 3});
  ASSERT_TRUE(feed.run(6));
  for (const bool whole : {false, true}) {
    for (const char* to : {"wav", "opus", "mp4", "mkv", "webm"}) {
      const auto files = export_recording({.folder = feed.folder(), .to = to, .whole = whole});
      ASSERT_TRUE(files && files->size() == 2u) << to;
      const Exported early((*files)[0].path), late((*files)[1].path);
      EXPECT_NEAR(early.duration, whole ? 6 : 3, 0.05) << to;
      EXPECT_NEAR(late.duration, whole ? 6 : 3, 0.05) << to;
      ASSERT_EQ(late.audio.chirps.size(), 1u) << to;
      EXPECT_NEAR(late.audio.chirps[0].time, whole ? 3 : 1, 0.01) << to;
    }
  }
}

TEST(Export, ACameraThatComesLateIsNotEarly) {
  for (const char* to : {"mp4", "webm", "mkv"}) {
    const auto made = the_one("late-camera", to);
    const Exported file(made.path);
    EXPECT_NEAR(file.video.pictures.front().time, 2, 0.01) << to;
    EXPECT_EQ(file.counters(), counting(60, 60)) << to;
    EXPECT_EQ(faults(made.path), "") << to;
  }
}

TEST(Export, AScreenBesideTheCameraGetsItsOwnFile) {
  const auto files = exported("screen-beside", "webm");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path.filename(), "alice.webm");
  EXPECT_EQ(files[1].path.filename(), "alice-screen.webm");
  const Exported camera(files[0].path), screen(files[1].path);
  EXPECT_EQ(camera.counters(), counting(0, 120));
  EXPECT_EQ(screen.counters(), counting(0, 90));
  EXPECT_EQ(screen.video.pictures.front().mark->source, 2);
  EXPECT_NEAR(screen.video.pictures.front().time, 1, 0.01);
  EXPECT_EQ(screen.audio.chirps.size(), 4u);
}

TEST(Export, SoundOnly) {
  for (const char* to : {"mp4", "webm", "mkv", "wav", "mp3", "opus"}) {
    const auto made = the_one("sound-only", to);
    EXPECT_EQ(Exported(made.path).audio.chirps.size(), 3u) << to;
    EXPECT_EQ(faults(made.path), "") << to;
  }
}

// The index is where a player that streams the file finds it at once.
TEST(Export, TheIndexIsInFront) {
  const auto mp4 = *read_file(the_one("h264-opus", "mp4").path, 1u << 28);
  EXPECT_LT(mp4.find("moov"), mp4.find("mdat"));
  for (const char* to : {"webm", "mkv"}) {
    const auto info = ask({"mkvinfo", "--all", the_one("vp8-opus", to).path.string()});
    EXPECT_LT(info.text.find("+ Cues"), info.text.find("+ Cluster")) << info.text;
    EXPECT_NE(info.text.find("+ Cluster"), std::string::npos);
  }
}

TEST(Export, TheSameRecordingGivesTheSameFile) {
  for (const char* to : {"mp4", "webm", "mkv", "wav", "mp3", "opus"}) {
    const auto first = sha256_file(the_one("vp8-pcmu", to, {.threads = 1}).path);
    const auto second = sha256_file(the_one("vp8-pcmu", to, {.threads = 1}).path);
    EXPECT_EQ(*first, *second) << to;
  }
}

TEST(Export, StopsWhenToldAndLeavesNothing) {
  TempFolder out;
  for (const int calls : {0, 1, 5}) {
    int left = calls;
    const auto stopped = export_recording(
        {.folder = sample("vp8-opus"), .to = "mp4", .out = out.path()}, [&](double share) {
          EXPECT_GE(share, 0);
          EXPECT_LE(share, 1);
          return left-- > 0;
        });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::kInterrupted) << stopped.error().message;
    EXPECT_TRUE(fs::is_empty(out.path()));
  }
}

TEST(Export, AFullDiskIsAnErrorAndLeavesNothing) {
  TempFolder out;
  for (const char* to : {"mp4", "webm", "mkv", "wav", "mp3", "opus"}) {
    const auto whole = fs::file_size(the_one("vp8-opus", to).path);
    for (const auto share : {0.0, 0.5, 0.98}) {
      const auto full = [&] {
        const MostFileSize limit(static_cast<rlim_t>(static_cast<double>(whole) * share));
        return export_recording({.folder = sample("vp8-opus"), .to = to, .out = out.path()});
      }();
      ASSERT_FALSE(full) << to << " " << share;
      EXPECT_EQ(full.error().code, Code::kStorage) << full.error().message;
      EXPECT_THAT(full.error().message, HasSubstr("too large")) << to << " " << share;
      EXPECT_TRUE(fs::is_empty(out.path())) << to << " " << share;
    }
  }
}

TEST(Export, APartBeginsAtTheKeyFrameBefore) {
  Feed feed;
  feed.member("alice", 0, 8);
  feed.member("bob", 6, 8);
  feed.add({video_track(1, "alice"),
            make_video({.width = 96, .height = 64, .frames = 240, .key_every = 30})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 8})});
  feed.add({.info = audio_track(3, "bob"), .frames = make_audio({.seconds = 2}), .start = 6});
  ASSERT_TRUE(feed.run(8.1));
  const TimeSpan part{3'500'000'000, 5'500'000'000};
  for (const char* to : {"mp4", "webm", "mkv"}) {
    const auto files = export_recording({.folder = feed.folder(), .to = to, .part = part});
    ASSERT_TRUE(files && files->size() == 1u) << to;
    EXPECT_EQ(files->front().path.filename(), std::string("alice-3.5s-5.5s.") + to);
    EXPECT_NEAR(static_cast<double>(files->front().from_ns) / 1e9, 3, 0.01) << to;
    const Exported file(files->front().path);
    EXPECT_EQ(file.counters(), counting(90, 75)) << to;
    EXPECT_NEAR(file.duration, 2.5, 0.05) << to;
    EXPECT_LT(worst_skew(file), kMostSkew) << to;
    EXPECT_EQ(faults(files->front().path), "") << to;
  }
  const auto sound = export_recording({.folder = feed.folder(), .to = "wav", .part = part});
  ASSERT_TRUE(sound && sound->size() == 1u);
  const Exported heard(sound->front().path);
  EXPECT_NEAR(heard.duration, 2, 0.001);
  ASSERT_EQ(heard.audio.chirps.size(), 2u);
  EXPECT_NEAR(heard.audio.chirps[0].time, 0.5, 0.01);
  const auto end = export_recording(
      {.folder = feed.folder(), .to = "wav", .part = TimeSpan{7'000'000'000, INT64_MAX}});
  ASSERT_TRUE(end && end->size() == 2u);
  EXPECT_EQ(end->back().path.filename(), "bob-7s.wav");
}

TEST(Export, APauseInAPartIsCutOutOfIt) {
  const auto files = export_recording(
      {.folder = paused("cut"), .to = "mkv", .part = TimeSpan{1'000'000'000, 5'000'000'000}});
  ASSERT_TRUE(files && files->size() == 1u);
  const Exported file(files->front().path);
  EXPECT_EQ(file.video.pictures.size(), 60u);
  EXPECT_NEAR(file.duration, 2, 0.05);
}

TEST(Export, APartThatIsNotThereIsWrongUse) {
  for (const TimeSpan& part :
       {TimeSpan{10'000'000'000, 20'000'000'000}, TimeSpan{2'000'000'000, 2'000'000'000}}) {
    const auto none = export_recording({.folder = paused("cut"), .to = "mkv", .part = part});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::kUsage);
    EXPECT_THAT(none.error().message, HasSubstr("expected a part of the recording"));
  }
}

TEST(Export, SaysWhatCannotBe) {
  const auto flv = export_recording({.folder = sample("vp8-opus"), .to = "flv"});
  ASSERT_FALSE(flv);
  EXPECT_EQ(flv.error().code, Code::kUsage);
  EXPECT_THAT(flv.error().message, HasSubstr("expected one of mp4, webm"));
  TempFolder empty;
  const auto none = export_recording({.folder = empty.path(), .to = "mp4"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kBadInput);
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.width = 96, .height = 64, .frames = 30})});
  ASSERT_TRUE(feed.run(1));
  const auto silent = export_recording({.folder = feed.folder(), .to = "wav"});
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Code::kUnmeasured);
}

TEST(Export, ADamagedFileGivesWhatItHasAndANote) {
  Feed feed;
  record_sample(feed, sample_call("vp8-opus"));
  const fs::path media = feed.folder() / "media/alice-1.mkv";
  fs::resize_file(media, fs::file_size(media) / 2);
  const auto half = export_recording({.folder = feed.folder(), .to = "webm"});
  ASSERT_TRUE(half);
  EXPECT_GT(Exported(half->front().path).counters().size(), 30u);
  std::ofstream(media, std::ios::trunc) << "this is no film";
  const auto none = export_recording({.folder = feed.folder(), .to = "webm"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kUnmeasured);
  EXPECT_THAT(left_over(feed.folder() / "exports"), IsEmpty());
}

TEST(Export, FourAtOnceToTheSameFileAreAllWhole) {
  TempFolder out;
  const fs::path call = sample("muted");
  std::vector<std::thread> threads;
  std::vector<Result<std::vector<ExportedFile>>> done(4);
  for (auto& one : done) {
    threads.emplace_back(
        [&] { one = export_recording({.folder = call, .to = "mp4", .out = out.path()}); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& one : done) ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(std::distance(fs::directory_iterator(out.path()), {}), 1);
  EXPECT_EQ(faults(done.front()->front().path), "");
  EXPECT_NEAR(Exported(done.front()->front().path).duration, 40, 0.1);
}

TEST(Golden, Exports) {
  const fs::path golden = fs::path(CALLBOT_SOURCE_DIR) / "tests/golden";
  for (const auto& entry : fs::directory_iterator(golden)) {
    const auto recording = load(entry.path());
    ASSERT_TRUE(recording) << recording.error().message;
    std::set<std::string> with_media;
    for (const MediaFileFacts& file : recording->manifest.media)
      with_media.insert(file.participant);
    TempFolder out;
    for (const char* to : {"mp4", "webm", "mkv", "wav", "mp3", "opus"}) {
      const auto files = export_recording({.folder = entry.path(), .to = to, .out = out.path()});
      ASSERT_TRUE(files) << files.error().message;
      EXPECT_EQ(files->size(), with_media.size()) << entry.path();
      for (const ExportedFile& file : *files) EXPECT_EQ(faults(file.path), "") << file.path;
    }
  }
}

}  // namespace
}  // namespace callbot::recordings
