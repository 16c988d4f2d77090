#include "recordings/verify.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "base/files.h"
#include "tests/support/feed.h"
#include "tests/support/most_file_size.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

// One fault: what is recorded and what is done to the folder, with and without it.
struct Fault {
  const char* name;
  const char* code;
  Severity severity;
  double seconds;
  std::function<void(Feed&, bool harmed)> record;
  std::function<void(const fs::path&)> harm = {};
  bool finish = true;
};

void add_video(Feed& feed, const VideoRecipe& recipe) {
  feed.add({video_track(1, "alice", recipe.codec), make_video(recipe)});
}
void add_audio(Feed& feed, double seconds) {
  feed.add({audio_track(2, "alice"), make_audio({.seconds = seconds})});
}
// Alice with sound and picture, both said to be on.
void usual(Feed& feed, const VideoRecipe& recipe, double seconds) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.says("alice", 0, kAudio, true);
  add_video(feed, recipe);
  add_audio(feed, seconds);
}
// Made once: some faults look for a frame's bytes in the file.
const EncodedFrames& plain_frames() {
  static const EncodedFrames frames = make_video(small_video(120));
  return frames;
}
void plain(Feed& feed, bool) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.says("alice", 0, kAudio, true);
  feed.add({video_track(1, "alice"), plain_frames()});
  add_audio(feed, 4);
}

std::string bytes_of(const fs::path& path) { return *read_file(path, 1u << 30); }
void put_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
fs::path media_of(const fs::path& folder) { return folder / "media/alice-1.mkv"; }

// Moves the block that holds this frame back in time: the two bytes before its flags.
void move_back(const fs::path& path, const EncodedFrame& frame, int ms) {
  std::string file = bytes_of(path);
  const std::string payload(frame.bytes.begin(), frame.bytes.end());
  const size_t at = file.find(payload);
  ASSERT_NE(at, std::string::npos);
  const auto high = static_cast<uint8_t>(file[at - 3]);
  const auto low = static_cast<uint8_t>(file[at - 2]);
  const auto time = static_cast<int16_t>(static_cast<int16_t>(high << 8 | low) - ms);
  file[at - 3] = static_cast<char>(static_cast<uint16_t>(time) >> 8);
  file[at - 2] = static_cast<char>(time & 0xFF);
  put_bytes(path, file);
}

// As if the file had been written as it is now.
void seal(const fs::path& folder) {
  std::string manifest = bytes_of(folder / "manifest.json");
  const std::string key = "\"sha256\": \"";
  const size_t at = manifest.find(key);
  ASSERT_NE(at, std::string::npos);
  manifest.replace(at + key.size(), 64, *sha256_file(media_of(folder)));
  put_bytes(folder / "manifest.json", manifest);
}

void paint_flat(const PictureView& p, uint8_t luma) {
  for (int y = 0; y < p.height; ++y)
    std::fill_n(p.luma + static_cast<size_t>(y) * p.luma_stride, p.width, luma);
  for (int y = 0; y < p.height / 2; ++y) {
    std::fill_n(p.cb + static_cast<size_t>(y) * p.chroma_stride, p.width / 2, 128);
    std::fill_n(p.cr + static_cast<size_t>(y) * p.chroma_stride, p.width / 2, 128);
  }
}

VideoMark mark(int counter) {
  return {static_cast<uint32_t>(counter), 1, static_cast<uint8_t>(counter % 30 == 0)};
}

void missing_video(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  add_audio(feed, 8);
  if (!harmed) add_video(feed, small_video(240));
}

void ends_early(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  if (!harmed) feed.says("alice", 5.0, kVideo, false);
  add_video(feed, small_video(150));
  add_audio(feed, 8);
}

void begins_late(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kAudio, true);
  feed.add({.info = audio_track(2, "alice"),
            .frames = make_audio({.seconds = harmed ? 5.0 : 8.0}),
            .start = harmed ? 5.0 : 2.0});
}

// Camera off for a second: said so, or not.
void picture_gap(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  if (!harmed) {
    feed.says("alice", 2.0, kVideo, false);
    feed.says("alice", 3.0, kVideo, true);
  }
  auto recipe = small_video(180);
  recipe.key_every = 30;
  auto frames = make_video(recipe);
  frames.erase(frames.begin() + 60, frames.begin() + 90);
  feed.add({video_track(1, "alice"), frames});
  add_audio(feed, 6);
}

void sound_gap(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kAudio, true);
  if (!harmed) {
    feed.says("alice", 2.0, kAudio, false);
    feed.says("alice", 4.5, kAudio, true);
  }
  auto sound = make_audio({.seconds = 6});
  sound = without(std::move(sound), 2'000'000'000, 4'500'000'000);
  feed.add({audio_track(2, "alice"), sound});
}

void quiet(Feed& feed, double from, double to, double seconds) {
  feed.member("alice");
  feed.add({audio_track(2, "alice"),
            make_audio({.seconds = seconds, .change = [=](std::vector<float>& s, double at) {
                          if (at >= from && at < to) std::fill(s.begin(), s.end(), 0.0f);
                        }})});
}

void dark(Feed& feed, bool harmed, bool marked) {
  auto recipe = small_video(180);
  recipe.marked = marked;
  recipe.paint = [harmed](const PictureView& p, int n) {
    if (harmed && n >= 60 && n < 150) paint_flat(p, 16);
  };
  usual(feed, recipe, 6);
}

// Without marks the picture alone says that it stands still.
void still_picture(Feed& feed, bool harmed) {
  auto recipe = small_video(180);
  recipe.marked = false;
  recipe.paint = [harmed](const PictureView& p, int n) {
    if (!harmed || n < 60 || n >= 150) return;
    paint_flat(p, 90);
    for (int x = 0; x < p.width / 2; ++x) p.luma[30 * p.luma_stride + static_cast<size_t>(x)] = 200;
  };
  usual(feed, recipe, 6);
}

// The same mark for three seconds although the picture moves, then on as if nothing was.
void still_mark(Feed& feed, bool harmed) {
  auto recipe = small_video(180);
  recipe.mark = [harmed](int n) { return mark(harmed && n >= 61 && n < 150 ? 60 : n); };
  usual(feed, recipe, 6);
}

void broken_frames(Feed& feed, bool harmed, const char* codec, int count) {
  auto recipe = small_video(180);
  recipe.codec = codec;
  recipe.key_every = 60;
  auto frames = make_video(recipe);
  for (int n = 120 - count; harmed && n < 120; ++n) {
    auto& bytes = frames[static_cast<size_t>(n)].bytes;
    for (size_t i = std::string(codec) == "h264" ? 6 : 1; i < bytes.size(); ++i) bytes[i] = 0xFF;
    if (std::string(codec) == "vp8") bytes[0] |= 0xE0;  // the first partition is longer than all
  }
  feed.member("alice");
  feed.add({video_track(1, "alice", codec), frames});
  add_audio(feed, 6);
}

void sound_later_by(Feed& feed, double offset, double seconds) {
  feed.member("alice");
  auto recipe = small_video(static_cast<int>(seconds * 30));
  add_video(feed, recipe);
  // Sound and picture begin together; only what is heard is moved.
  const auto chirps = make_audio({.seconds = seconds});
  feed.add({.info = audio_track(2, "alice"), .frames = chirps, .start = offset});
}

// Every picture a key frame, so that one that is missing harms no other.
void frames_missing(Feed& feed, bool harmed) {
  auto recipe = small_video(180);
  recipe.key_every = 1;
  auto frames = make_video(recipe);
  for (size_t n : {150, 101, 100, 50, 20}) {
    if (harmed) frames.erase(frames.begin() + static_cast<ptrdiff_t>(n));
  }
  feed.member("alice");
  feed.add({video_track(1, "alice"), frames});
  add_audio(feed, 6);
}

void marked_as(Feed& feed, const std::function<std::optional<VideoMark>(int)>& marks) {
  auto recipe = small_video(180);
  recipe.mark = marks;
  usual(feed, recipe, 6);
}

void with_file(Feed& feed, bool) {
  usual(feed, small_video(120), 4);
  feed.at(1, [](Recording& r) {
    auto file = r.receive_file({.participant = "alice", .name = "notes.txt", .size = 5});
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->append("hello"));
    (*file)->end("", {});
  });
}

Event track_event(EventKind kind) {
  Event event{.kind = kind};
  event.track = 1;
  return event;
}

void packets_lost(Feed& feed, bool harmed) {
  usual(feed, small_video(120), 4);
  if (!harmed) return;
  feed.at(3, [](Recording& r) {
    Event loss = track_event(EventKind::kLoss);
    loss.count = 5;  // of about 125
    r.note(loss);
  });
}

void waits(Feed& feed, double from, std::optional<double> to) {
  feed.at(from, [](Recording& r) { r.note(track_event(EventKind::kKeyFrameWait)); });
  if (!to) return;
  feed.at(*to, [from, to](Recording& r) {
    Event found = track_event(EventKind::kKeyFrameFound);
    found.duration_ns = static_cast<int64_t>((*to - from) * 1e9);
    r.note(found);
  });
}

void key_frame_late(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  auto recipe = small_video(180);
  recipe.key_every = 30;
  auto frames = make_video(recipe);
  if (harmed) {
    frames.erase(frames.begin() + 60, frames.begin() + 90);
    frames[60].after_gap = true;
    waits(feed, 2.1, 3.05);
  }
  feed.add({video_track(1, "alice"), frames});
  add_audio(feed, 6);
}

void key_frame_never(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  add_video(feed, small_video(harmed ? 90 : 180));
  add_audio(feed, 6);
  if (harmed) waits(feed, 3.05, std::nullopt);
}

// Nothing came for a second and more, and then the sender went on as if no time had passed.
void sender_stalls(Feed& feed, bool harmed) {
  feed.member("alice");
  feed.says("alice", 0, kAudio, true);
  FeedTrack track{audio_track(2, "alice"), make_audio({.seconds = harmed ? 5.0 : 6.2})};
  if (harmed)
    track.delay = [](const EncodedFrame& f) { return f.time_ns >= 2'000'000'000 ? 1.2 : 0; };
  feed.add(std::move(track));
}

// A microphone far too loud; the twin is as loud as it can be.
void too_loud(Feed& feed, bool harmed) {
  const float most = harmed ? 4.0f : 0.9f;
  feed.member("alice");
  feed.add({audio_track(2, "alice"),
            make_audio({.seconds = 6, .change = [=](std::vector<float>& s, double at) {
                          if (at < 2 || at >= 4) return;
                          for (size_t i = 0; i < s.size(); ++i) {
                            const auto phase = static_cast<float>(i) * 300 * 6.2831853f / 48000;
                            s[i] = std::clamp(most * std::sin(phase), -1.0f, 1.0f);
                          }
                        }})});
}

// Every tenth packet: lost, or never sent.
void sound_with_holes(Feed& feed, bool lost) {
  feed.member("alice");
  EncodedFrames sound;
  size_t n = 0;
  for (EncodedFrame& f : make_audio({.seconds = 6})) {
    if (n++ % 10 == 5) continue;
    f.after_gap = lost && n % 10 == 7;
    sound.push_back(std::move(f));
  }
  feed.add({audio_track(2, "alice"), sound});
}

// Half as wide and high for twelve seconds; a shared screen may do so.
void low_layer(Feed& feed, bool harmed) {
  EncodedFrames frames;
  int counter = 0;
  for (const auto& [width, seconds] : {std::pair(192, 2), {96, 12}, {192, 2}}) {
    VideoRecipe recipe{.width = width, .height = width / 16 * 9, .fps = 10, .marked = false};
    recipe.frames = seconds * 10;
    for (EncodedFrame f : make_video(recipe)) {
      f.rtp_time += counter * 9000;
      f.time_ns += counter * 100'000'000LL;
      frames.push_back(std::move(f));
    }
    counter += recipe.frames;
  }
  feed.member("alice");
  feed.says("alice", 0, kVideo, true, harmed ? "camera" : "screen");
  feed.add({video_track(1, "alice"), frames});
}

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

// The track's line and the finding say the same: what is missing in between is named.
TEST(Verify, WhatIsMissingAtTheEndsIsToldFromGaps) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kAudio, true);
  auto sound = make_audio({.seconds = 10});
  sound = without(std::move(sound), 2'000'000'000, 5'000'000'000);
  feed.add({audio_track(2, "alice"), sound});
  ASSERT_TRUE(feed.run(20));
  const auto verdict = verify(feed.folder());
  ASSERT_TRUE(verdict);
  EXPECT_NEAR(verdict->tracks.at(0).covered, 7, 0.1);
  const auto coverage = std::find_if(verdict->findings.begin(), verdict->findings.end(),
                                     [](const Finding& f) { return f.code == "coverage"; });
  ASSERT_NE(coverage, verdict->findings.end());
  EXPECT_NEAR(*coverage->value, 0.5, 0.01);
  EXPECT_THAT(coverage->text, HasSubstr("at the beginning or end for 10.0 of the 20.0 s"));
  EXPECT_THAT(coverage->text, HasSubstr("50 % (not counting 3.0 s of gaps and waits)"));
}

const Fault kFaults[] = {
    {"VideoMissing", "missing-track", Severity::kFail, 8.1, missing_video},
    {"EndsEarly", "coverage", Severity::kFail, 8.1, ends_early},
    {"BeginsLate", "coverage", Severity::kFail, 10.1, begins_late},
    {"PictureGap", "gap", Severity::kWarn, 6.1, picture_gap},
    {"SoundGap", "gap", Severity::kFail, 6.1, sound_gap},
    {"SilentForAWhile", "silence", Severity::kWarn, 16.1,
     [](Feed& feed, bool harmed) { quiet(feed, 2, harmed ? 13 : 2, 16); }},
    {"SilentAllTheTime", "silence", Severity::kFail, 6.1,
     [](Feed& feed, bool harmed) { quiet(feed, 0, harmed ? 100 : 5, 6); }},
    {"Black", "black", Severity::kWarn, 6.1,
     [](Feed& feed, bool harmed) { dark(feed, harmed, false); }},
    {"BlackButMarked", "black", Severity::kWarn, 6.1,
     [](Feed& feed, bool harmed) { dark(feed, harmed, true); }},
    {"Freeze", "freeze", Severity::kWarn, 6.1, still_picture},
    {"FreezeByMark", "freeze", Severity::kWarn, 6.1, still_mark},
    {"UndecodableVp8", "undecodable", Severity::kWarn, 6.1,
     [](Feed& feed, bool harmed) { broken_frames(feed, harmed, "vp8", 5); }},
    {"UndecodableVp9", "undecodable", Severity::kWarn, 6.1,
     [](Feed& feed, bool harmed) { broken_frames(feed, harmed, "vp9", 5); }},
    {"UndecodableH264", "undecodable", Severity::kFail, 6.1,
     [](Feed& feed, bool harmed) { broken_frames(feed, harmed, "h264", 45); }},
    {"SoundALittleLate", "av-offset", Severity::kWarn, 6.5,
     [](Feed& feed, bool harmed) { sound_later_by(feed, harmed ? 0.08 : 0.02, 6); }},
    {"SoundTooLate", "av-offset", Severity::kFail, 6.5,
     [](Feed& feed, bool harmed) { sound_later_by(feed, harmed ? 0.3 : 0, 6); }},
    {"SoundSecondsLate", "av-offset", Severity::kFail, 20.9,
     [](Feed& feed, bool harmed) { sound_later_by(feed, harmed ? 2.2 : 0, 20); }},
    {"FramesMissing", "frames-missing", Severity::kFail, 6.1, frames_missing},
    {"FramesDuplicated", "frames-duplicated", Severity::kWarn, 6.1,
     [](Feed& feed, bool harmed) {
       marked_as(feed, [harmed](int n) { return mark(harmed && n >= 100 ? n - 1 : n); });
     }},
    {"FramesReordered", "frames-reordered", Severity::kWarn, 6.1,
     [](Feed& feed, bool harmed) {
       marked_as(feed, [harmed](int n) {
         return mark(harmed && n == 100 ? 101 : harmed && n == 101 ? 100 : n);
       });
     }},
    {"WrongSource", "wrong-source", Severity::kFail, 6.1,
     [](Feed& feed, bool harmed) {
       marked_as(feed, [harmed](int n) {
         auto m = mark(n);
         if (harmed && n >= 70 && n < 80) m = {static_cast<uint32_t>(n + 5000), 7, 0};
         return m;
       });
     }},
    {"MarksUnread", "marks-unread", Severity::kWarn, 6.1,
     [](Feed& feed, bool harmed) {
       marked_as(feed, [harmed](int n) -> std::optional<VideoMark> {
         if (harmed && n % 10 == 5) return std::nullopt;
         return mark(n);
       });
     }},
    {"TimeGoesBack", "timestamps", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) {
       move_back(media_of(folder), plain_frames()[60], 90);
       seal(folder);
     }},
    {"FileEmptied", "empty-file", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) { fs::resize_file(media_of(folder), 0); }},
    {"FileWithoutFrames", "empty-file", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) {
       const auto file = bytes_of(media_of(folder));
       fs::resize_file(media_of(folder), file.find("\x1F\x43\xB6\x75"));  // the first cluster
     }},
    {"FileMissing", "file-missing", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) { fs::remove(media_of(folder)); }},
    {"FileExtra", "file-extra", Severity::kWarn, 4.1, plain,
     [](const fs::path& folder) { put_bytes(folder / "media/mallory-1.mkv", "?"); }},
    {"FileDamaged", "file-damaged", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) { put_bytes(media_of(folder), std::string(5000, 'x')); }},
    {"FileChanged", "checksum", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) {
       // In the file's title: nothing that a decoder would see.
       std::string file = bytes_of(media_of(folder));
       file[file.find("alice")] ^= 1;
       put_bytes(media_of(folder), file);
     }},
    {"ManifestMissing", "manifest-damaged", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) { fs::remove(folder / "manifest.json"); }},
    {"ManifestDamaged", "manifest-damaged", Severity::kFail, 4.1, plain,
     [](const fs::path& folder) { put_bytes(folder / "manifest.json", "{\"format\":"); }},
    {"JournalMissing", "journal-damaged", Severity::kWarn, 4.1, plain,
     [](const fs::path& folder) { fs::remove(folder / "journal.jsonl"); }},
    {"JournalCutInACharacter", "journal-damaged", Severity::kWarn, 4.1,
     [](Feed& feed, bool harmed) {
       plain(feed, harmed);
       feed.at(1, [](Recording& r) { r.note({.kind = EventKind::kNote, .text = "übermäßig"}); });
     },
     [](const fs::path& folder) {
       std::string journal = bytes_of(folder / "journal.jsonl");
       journal.erase(journal.find("\xC3\xBC") + 1, 1);  // "ü" has two bytes
       put_bytes(folder / "journal.jsonl", journal);
     }},
    {"JournalCutInALine", "journal-damaged", Severity::kWarn, 4.1, plain,
     [](const fs::path& folder) {
       fs::resize_file(folder / "journal.jsonl", fs::file_size(folder / "journal.jsonl") - 20);
     }},
    {"ReceivedFileChanged", "file-changed", Severity::kFail, 4.1, with_file,
     [](const fs::path& folder) { put_bytes(folder / "files/notes.txt", "hullo"); }},
    {"ReceivedFileMissing", "file-missing", Severity::kFail, 4.1, with_file,
     [](const fs::path& folder) { fs::remove(folder / "files/notes.txt"); }},
    {"JournalDamaged", "journal-damaged", Severity::kWarn, 4.1, plain,
     [](const fs::path& folder) {
       put_bytes(folder / "journal.jsonl", "{\"at\":7}\n" + bytes_of(folder / "journal.jsonl"));
     }},
    {"Overflow", "overflow", Severity::kWarn, 4.1,
     [](Feed& feed, bool harmed) {
       usual(feed, small_video(120), 4);
       if (harmed) feed.at(2, [](Recording& r) { r.overflow(1, 3); });
     }},
    {"PacketsLost", "loss", Severity::kWarn, 4.1, packets_lost},
    {"KeyFrameLate", "key-frame-wait", Severity::kWarn, 6.1, key_frame_late},
    {"KeyFrameNeverCame", "key-frame-wait", Severity::kFail, 6.1, key_frame_never},
    {"SenderStalls", "stall", Severity::kWarn, 6.3, sender_stalls},
    {"TooLoud", "clipping", Severity::kWarn, 6.1, too_loud},
    {"SoundWithHoles", "concealed", Severity::kFail, 6.1, sound_with_holes},
    {"LowLayer", "low-layer", Severity::kWarn, 16.1, low_layer},
    {"NotFinished", "not-finished", Severity::kWarn, 4.1, plain, {}, false},
    {"Failed", "failed", Severity::kFail, 4.1,
     [](Feed& feed, bool harmed) {
       usual(feed, small_video(120), 4);
       if (!harmed) return;
       const auto full_disk = std::make_shared<std::optional<MostFileSize>>();
       feed.at(3.9, [=](Recording&) { full_disk->emplace(1000); });
       feed.at(4.09, [=](Recording&) { full_disk->reset(); });
     }},
};

class EachFault : public ::testing::TestWithParam<Fault> {
 protected:
  static Verdict judge(const Fault& fault, bool harmed) {
    RecordingConfig config;
    config.sync_every = std::chrono::milliseconds(20);
    Feed feed(config);
    fault.record(feed, harmed);
    (void)feed.run(fault.seconds, fault.finish || !harmed);
    feed.drop();
    if (harmed && fault.harm) fault.harm(feed.folder());
    auto verdict = verify(feed.folder());
    EXPECT_TRUE(verdict) << (verdict ? "" : verdict.error().message);
    return verdict ? *verdict : Verdict();
  }
};

TEST_P(EachFault, YieldsItsFindingAndNothingElse) {
  const Verdict verdict = judge(GetParam(), true);
  std::vector<std::string> codes;
  for (const Finding& f : verdict.findings) codes.push_back(f.code);
  EXPECT_THAT(codes, ElementsAre(GetParam().code)) << to_text(verdict);
  EXPECT_EQ(verdict.severity, GetParam().severity) << to_text(verdict);
  if (damage_kind(GetParam().code) == nullptr) return;
  std::vector<std::string> harmful;
  for (const DamageSpan& d : verdict.damage) {
    if (d.severity != Severity::kPass) harmful.push_back(d.kind);
  }
  ASSERT_FALSE(harmful.empty()) << to_text(verdict);
  EXPECT_THAT(harmful, ::testing::Each(GetParam().code)) << to_text(verdict);
}

TEST_P(EachFault, ItsUnharmedTwinYieldsNone) {
  const Verdict verdict = judge(GetParam(), false);
  EXPECT_EQ(verdict.severity, Severity::kPass) << to_text(verdict);
  EXPECT_TRUE(verdict.findings.empty()) << to_text(verdict);
  for (const DamageSpan& d : verdict.damage)
    EXPECT_EQ(d.severity, Severity::kPass) << to_text(verdict);
}

Code code_of(const Result<Verdict>& verdict) {
  return verdict ? Code::kInternal : verdict.error().code;
}

TEST(Verify, RefusesWhatIsNoRecording) {
  TempFolder folder;
  EXPECT_EQ(code_of(verify(folder.path())), Code::kBadInput);
  EXPECT_EQ(code_of(verify(folder.path() / "not there")), Code::kBadInput);
  put_bytes(folder.path() / "manifest.json", "{}");
  EXPECT_EQ(code_of(verify(folder.path())), Code::kBadInput);
}

TEST(Verify, RefusesALaterFormatVersionInClearWords) {
  TempFolder folder;
  put_bytes(folder.path() / "manifest.json",
            R"({"format": "callbot-recording", "version": 7, "hologram": true})");
  const auto verdict = verify(folder.path());
  ASSERT_EQ(code_of(verdict), Code::kUnsupported);
  EXPECT_THAT(verdict.error().message, HasSubstr("version 7"));
}

TEST(Verify, HasNothingToSayWhereNobodyWas) {
  Feed feed;
  ASSERT_TRUE(feed.run(1));
  EXPECT_EQ(code_of(verify(feed.folder())), Code::kUnmeasured);
}

// Reading for checksums alone may take minutes.
TEST(Verify, SaysHowFarItIsAndStopsWhenToldAmongChecksums) {
  Feed feed;
  feed.member("alice");
  add_audio(feed, 2);
  feed.at(1, [](Recording& r) {
    auto file = r.receive_file({.participant = "alice", .name = "big", .size = 5});
    ASSERT_TRUE(file && (*file)->append("hello"));
    (*file)->end("", {});
  });
  ASSERT_TRUE(feed.run(2));
  fs::resize_file(feed.folder() / "files/big", 64 << 20);
  std::vector<double> steps;
  ASSERT_TRUE(verify(feed.folder(), {}, [&](double share) {
    steps.push_back(share);
    return true;
  }));
  EXPECT_GT(steps.size(), 60u);
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  int asked = 0;
  const auto stopped = verify(feed.folder(), {}, [&](double) { return ++asked < 3; });
  EXPECT_EQ(code_of(stopped), Code::kInterrupted);
  EXPECT_EQ(asked, 3);
  // Who has just made the checksums need not do it again.
  steps.clear();
  const auto known = verify(feed.folder(), {.checksums = false}, [&](double share) {
    steps.push_back(share);
    return true;
  });
  ASSERT_TRUE(known);
  EXPECT_LT(steps.size(), 20u);
  EXPECT_TRUE(known->findings.empty()) << to_text(*known);
}

TEST(Verify, SaysHowFarItIsAndStopsWhenTold) {
  Feed feed;
  usual(feed, small_video(120), 4);
  ASSERT_TRUE(feed.run(4.1));
  std::vector<double> steps;
  ASSERT_TRUE(verify(feed.folder(), {}, [&](double share) {
    steps.push_back(share);
    return true;
  }));
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_GT(steps.size(), 2u);
  EXPECT_EQ(steps.back(), 1.0);
  EXPECT_EQ(code_of(verify(feed.folder(), {}, [](double) { return false; })), Code::kInterrupted);
}

TEST(Verify, MeasuresWhatIsThere) {
  Feed feed;
  usual(feed, small_video(150), 5);
  ASSERT_TRUE(feed.run(5.1));
  const auto verdict = verify(feed.folder());
  ASSERT_TRUE(verdict);
  ASSERT_EQ(verdict->tracks.size(), 2u);
  const TrackMeasure& picture = verdict->tracks[0];
  EXPECT_EQ(picture.media, "video");
  EXPECT_EQ(picture.codec, "vp8");
  EXPECT_EQ(picture.frames, 150u);
  EXPECT_TRUE(picture.marked);
  EXPECT_EQ(picture.marks, 150u);
  EXPECT_NEAR(picture.expected, 5.1, 0.001);
  ASSERT_TRUE(verdict->tracks[1].av_offset);
  EXPECT_NEAR(*verdict->tracks[1].av_offset, 0, 0.002);
  EXPECT_THAT(to_text(*verdict), HasSubstr("PASS"));
  EXPECT_THAT(to_text(*verdict), HasSubstr("marks 150/150"));
}

TEST(Verify, ItsJsonHoldsEveryFinding) {
  Feed feed;
  sound_later_by(feed, 0.3, 6);
  ASSERT_TRUE(feed.run(6.5));
  const auto verdict = verify(feed.folder());
  ASSERT_TRUE(verdict);
  const auto json = Json::parse(to_json(*verdict).dump(true));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at("verdict").text(), "FAIL");
  const Json finding = json->at("findings").at(size_t{0});
  EXPECT_EQ(finding.at("code").text(), "av-offset");
  EXPECT_NEAR(finding.at("value").number().value_or(0), 0.3, 0.005);
  EXPECT_EQ(finding.at("threshold").number(), 0.125);
  EXPECT_EQ(finding.at("participant").text(), "alice");
}

TEST(Verify, ARestartedSenderMissesNothing) {
  Feed feed;
  auto recipe = small_video(90);
  recipe.first_counter = 50000;
  feed.member("alice");
  feed.add({.info = video_track(1, "alice"), .frames = make_video(recipe), .end = 3});
  feed.add({.info = video_track(2, "alice"), .frames = make_video(small_video(90)), .start = 3.05});
  ASSERT_TRUE(feed.run(6.2));
  const auto verdict = verify(feed.folder());
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->findings.empty()) << to_text(*verdict);
}

TEST(Verify, WhoAskedNotToBeRecordedIsNotMissed) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.says("alice", 0, kAudio, true);
  feed.at(0, [](Recording& r) {
    r.note({.kind = EventKind::kConsent, .participant = "alice", .allowed = false});
  });
  feed.member("bob");
  feed.add({audio_track(2, "bob"), make_audio({.seconds = 8})});
  ASSERT_TRUE(feed.run(8.1));
  const auto verdict = verify(feed.folder());
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->findings.empty()) << to_text(*verdict);
}

TEST(Verify, ASharedScreenMayStandStill) {
  for (const char* source : {"screen", "camera"}) {
    Feed feed;
    feed.member("alice");
    feed.says("alice", 0, kVideo, true, source);
    auto recipe = small_video(180);
    recipe.marked = false;
    recipe.paint = [](const PictureView& p, int) { paint_flat(p, 120); };
    add_video(feed, recipe);
    ASSERT_TRUE(feed.run(6.1));
    const auto verdict = verify(feed.folder());
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->findings.empty(), std::string(source) == "screen") << to_text(*verdict);
  }
}

TEST(FormatDocument, NamesEveryFinding) {
  const auto document = bytes_of(CALLBOT_SOURCE_DIR "/recordings/FORMAT.md");
  for (const Fault& fault : kFaults)
    EXPECT_THAT(document, HasSubstr(std::string("`") + fault.code + "`"));
}

INSTANTIATE_TEST_SUITE_P(Verify, EachFault, ::testing::ValuesIn(kFaults),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Verify, AScreenBesideTheCameraHasMarksOfItsOwn) {
  Feed feed;
  usual(feed, small_video(180), 6);
  TrackInfo screen = video_track(9, "alice");
  screen.source = "screen";
  screen.mid = "2";
  VideoRecipe recipe = small_video(120);
  recipe.source = 0x8001;
  recipe.first_counter = 700;
  feed.add({.info = screen, .frames = make_video(recipe), .start = 1, .end = 5});
  ASSERT_TRUE(feed.run(6.1));
  const auto verdict = verify(feed.folder());
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->findings.empty()) << to_text(*verdict);
  EXPECT_THAT(to_text(*verdict), HasSubstr("marks 300/300"));
}

}  // namespace
}  // namespace callbot::recordings
