// A recording that is encrypted to a public key: what stays secret, and what can be done with it
// with and without the secret key.
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "base/files.h"
#include "recordings/catalogue_entry.h"
#include "recordings/compose.h"
#include "recordings/export.h"
#include "recordings/growing_file.h"
#include "recordings/matroska_layout.h"
#include "recordings/remux.h"
#include "recordings/repair.h"
#include "recordings/report.h"
#include "recordings/show.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/key_ring.h"
#include "tests/support/killed.h"
#include "tests/support/recorded.h"
#include "tests/support/small_disk.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;
constexpr const char* kMedia = "media/alice-1.mkv.sealed";
const std::string kChat = "the launch code is zero";
const std::string kFile = "quarterly figures, not for the press " + std::string(3000, '4');

using Tree = std::map<std::string, std::string>;
Tree tree_of(const fs::path& folder) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    tree[fs::relative(entry.path(), folder).string()] =
        entry.is_regular_file() ? *read_file(entry.path(), 1 << 26) : "";
  return tree;
}

class Encrypted : public ::testing::Test {
 protected:
  // Four seconds of alice, with a message and a file.
  std::unique_ptr<Feed> record(bool sealed, bool finish = true) {
    RecordingConfig config;
    if (sealed) config.seal_to = keys_.pair.public_key;
    auto feed = std::make_unique<Feed>(config);
    feed->member("alice");
    for (const MediaKind kind : {kVideo, kAudio}) feed->says("alice", 0, kind, true);
    feed->add({video_track(1, "alice", "h264"),
               make_video({.codec = "h264", .frames = 120, .key_every = 15})});
    feed->add({audio_track(2, "alice"), make_audio({.seconds = 4})});
    feed->at(1, [](Recording& r) {
      r.note({.kind = EventKind::kChat, .participant = "alice", .text = kChat});
      auto file = r.receive_file({.participant = "alice", .name = "q.txt", .size = kFile.size()});
      ASSERT_TRUE(file);
      ASSERT_TRUE((*file)->append(kFile));
      (*file)->end(sha256_hex(kFile), [](const Result<ReceivedFile>& received) {
        ASSERT_TRUE(received) << received.error().message;
        EXPECT_EQ(received->bytes, kFile.size());
      });
    });
    EXPECT_TRUE(feed->run(4.1, finish));
    feed->drop();
    return feed;
  }
  void expect_denied(const Error& error) const {
    EXPECT_EQ(error.code, Code::kDenied) << error.message;
    EXPECT_THAT(error.message, HasSubstr("--key"));
    EXPECT_THAT(error.message, HasSubstr(to_text(keys_.pair.public_key)));
  }
  static void flip(const fs::path& path, uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ 4);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }
  TestKeys keys_;
};

TEST_F(Encrypted, NothingSecretCanBeReadInTheFolder) {
  const auto secrets = [](const fs::path& folder) {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : tree_of(folder)) {
      for (const std::string& secret : {std::string("\x1A\x45\xDF\xA3"), std::string("V_MPEG4"),
                                        std::string("A_OPUS"), kChat, std::string("quarterly")}) {
        if (bytes.find(secret) != std::string::npos) found.push_back(name);
      }
    }
    return found;
  };
  const auto sealed = record(true);
  EXPECT_THAT(secrets(sealed->folder()), IsEmpty());
  EXPECT_TRUE(fs::exists(sealed->folder() / kMedia));
  EXPECT_TRUE(fs::exists(sealed->folder() / "files/q.txt.sealed"));
  EXPECT_THAT(secrets(record(true, false)->folder()), IsEmpty());
  EXPECT_THAT(secrets(record(false)->folder()), SizeIs(5));  // the search finds what there is
}

TEST_F(Encrypted, WhoWroteItCanJudgeItWithoutTheSecretKey) {
  const auto feed = record(true);
  const auto verdict = verify(feed->folder());
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->unmeasured, "");
  EXPECT_EQ(verdict->severity, Severity::kPass) << to_text(*verdict);
  EXPECT_EQ(counters(Recorded(feed->folder()).lane("alice", kVideo)), counting(0, 120));
}

TEST_F(Encrypted, TheManifestSaysToWhomAndCanBeReadByAnybody) {
  const auto feed = record(true);
  keys_.take_none();
  const auto loaded = load(feed->folder());
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_TRUE(loaded->manifest.encryption);
  EXPECT_EQ(loaded->manifest.encryption->to, to_text(keys_.pair.public_key));
  EXPECT_TRUE(is_encrypted(feed->folder()));
  const MediaFileFacts& f = loaded->manifest.media.at(0);
  EXPECT_EQ(f.bytes, fs::file_size(feed->folder() / f.path));
  EXPECT_EQ(f.sha256, *sha256_file(feed->folder() / f.path));
  const auto text = show(feed->folder());
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("alice: (encrypted)"));
  keys_.take_secret();
  EXPECT_THAT(*show(feed->folder()), HasSubstr(kChat));
  EXPECT_FALSE(is_encrypted(record(false)->folder()));
}

TEST_F(Encrypted, TheCatalogueNeverKeepsTheChat) {
  const auto feed = record(true);
  keys_.take_secret();
  EXPECT_THAT(read_entry(feed->folder()).chat, Not(HasSubstr("launch")));
}

TEST_F(Encrypted, WithoutTheKeyVerifySaysWhatItCan) {
  const auto feed = record(true);
  const TestKeys others;
  for (const bool wrong : {false, true}) {
    if (wrong) others.take_secret();
    const auto verdict = verify(feed->folder());
    ASSERT_TRUE(verdict) << verdict.error().message;
    expect_denied({Code::kDenied, verdict->unmeasured});
    EXPECT_THAT(verdict->findings, IsEmpty());
    EXPECT_THAT(to_text(*verdict), ::testing::StartsWith("UNMEASURED"));
    EXPECT_EQ(to_json(*verdict).at("verdict").text(), "UNMEASURED");
  }
  flip(feed->folder() / kMedia, 5000);
  const auto verdict = verify(feed->folder());
  ASSERT_THAT(verdict->findings, SizeIs(1));
  EXPECT_EQ(verdict->findings[0].code, "checksum");
  EXPECT_THAT(to_text(*verdict), ::testing::StartsWith("FAIL"));
  keys_.take_secret();
  EXPECT_EQ(verify(feed->folder())->findings.at(0).code, "file-damaged");
}

TEST_F(Encrypted, WithoutTheKeyNothingIsMadeOfItAndNothingChanged) {
  const auto finished = record(true);
  const auto cut_off = record(true, false);
  keys_.take_none();
  for (const Feed* feed : {finished.get(), cut_off.get()}) {
    const Tree before = tree_of(feed->folder());
    const auto exported = export_recording({.folder = feed->folder(), .to = "mp4"});
    ASSERT_FALSE(exported);
    expect_denied(exported.error());
    const auto composed = compose({.folder = feed->folder()});
    ASSERT_FALSE(composed);
    expect_denied(composed.error());
    const auto report = write_report(feed->folder(), {});
    ASSERT_FALSE(report);
    expect_denied(report.error());
    EXPECT_EQ(tree_of(feed->folder()), before);
  }
  const Tree before = tree_of(cut_off->folder());
  const auto repaired = repair(cut_off->folder());
  ASSERT_FALSE(repaired);
  expect_denied(repaired.error());
  EXPECT_EQ(tree_of(cut_off->folder()), before);
  const auto nothing = repair(finished->folder());  // needs no key to see that it is whole
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE(nothing->changed);
}

TEST_F(Encrypted, AnExportIsTheOneOfTheSameCallInTheClear) {
  std::vector<std::string> made;
  for (const bool sealed : {false, true}) {
    const auto feed = record(sealed);
    keys_.take_secret();
    const auto files = export_recording({.folder = feed->folder(), .to = "mp4"});
    ASSERT_TRUE(files) << files.error().message;
    ASSERT_THAT(*files, SizeIs(1));
    EXPECT_THAT(files->front().notes, IsEmpty());
    made.push_back(*read_file(files->front().path, 1 << 26));
  }
  EXPECT_GT(made[0].size(), 10'000u);
  EXPECT_TRUE(made[0] == made[1]);
}

TEST_F(Encrypted, AReportShowsPicturesAndPlaysNothingThatNobodyCanPlay) {
  const auto feed = record(true);
  keys_.take_secret();
  const auto report = write_report(feed->folder(), {});
  ASSERT_TRUE(report) << report.error().message;
  const auto page = *read_file(report->path, 1 << 26);
  EXPECT_THAT(page, HasSubstr("data:image/jpeg"));
  EXPECT_THAT(page, Not(HasSubstr("src=\"media/")));
}

TEST_F(Encrypted, OneThatWasCutOffIsRepairedWithTheKeyAndStaysSealed) {
  const auto feed = record(true, false);
  keys_.take_secret();
  const auto report = repair(feed->folder());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->complete()) << to_text(*report);
  const Recorded r(feed->folder());
  EXPECT_THAT(r.files(), ElementsAre(kMedia));
  EXPECT_GE(counters(r.lane("alice", kVideo)).size(), 110u);
  KeyRing::ours().forget_all();
  KeyRing::ours().add(keys_.secret());
  const auto verdict = verify(feed->folder());
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->unmeasured, "");
  EXPECT_NE(verdict->severity, Severity::kFail) << to_text(*verdict);
  EXPECT_FALSE(repair(feed->folder())->changed);
  EXPECT_THAT(tree_of(feed->folder()).at(kMedia), Not(HasSubstr("V_MPEG4")));
}

TEST_F(Encrypted, OfADamagedFileEveryFrameIsKeptThatIsWhole) {
  const auto feed = record(true);
  keys_.take_secret();
  const uint64_t size = fs::file_size(feed->folder() / kMedia);
  flip(feed->folder() / kMedia, size / 2);
  const auto report = repair(feed->folder());
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_THAT(report->files, SizeIs(1));
  EXPECT_EQ(report->files[0].what, Mended::kMended) << to_text(*report);
  EXPECT_GT(report->files[0].unusable, 0u);
  EXPECT_EQ(report->files[0].moved_to, "damaged/alice-1.mkv.sealed");
  const Recorded r(feed->folder());
  const Lane video = r.lane("alice", kVideo);
  // A fifth of a second and what a key frame is then missing for; nothing that was not sent.
  EXPECT_GE(packet_count(video), 100u);
  EXPECT_LT(packet_count(video), 120u);
  int64_t last = -1;
  for (const int64_t counter : counters(video)) {
    if (counter < 0) continue;  // concealed
    EXPECT_GE(counter, last);
    last = counter;
  }
  EXPECT_EQ(last, 119);
  EXPECT_FALSE(repair(feed->folder())->changed);
}

// Where there is no space for a copy: only what is needed to end it is written.
TEST_F(Encrypted, OnAFullDiskItIsFinishedInPlace) {
  const auto feed = record(true, false);
  const SmallDisk disk("size=2m");
  ASSERT_TRUE(disk.mounted()) << disk.needs();
  const fs::path call = disk.path() / "call";
  keys_.take_secret();
  // Cut off in a chunk too; and killed at each step of the repair.
  for (const uint64_t cut : {0, 1, 700}) {
    bool killed = true;
    for (int step = 1; killed; ++step) {
      fs::remove_all(call);
      disk.make_room();
      fs::copy(feed->folder(), call, fs::copy_options::recursive);
      const uint64_t size = fs::file_size(call / kMedia) - cut;
      fs::resize_file(call / kMedia, size);
      disk.fill();
      killed = killed_at_call(step, [&] {
        if (!repair(call)) _exit(1);
      });
      const auto report = repair(call);
      ASSERT_TRUE(report) << report.error().message;
      EXPECT_TRUE(report->complete()) << to_text(*report);
      EXPECT_FALSE(repair(call)->changed);
      EXPECT_LT(fs::file_size(call / kMedia), size + 600);
      if (killed) continue;
      const Recorded r(call);
      EXPECT_GE(counters(r.lane("alice", kVideo)).size(), 100u) << cut;
      EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
      EXPECT_NE(verify(call)->severity, Severity::kFail);
      EXPECT_THAT(*read_file(call / kMedia, 1 << 26), Not(HasSubstr("V_MPEG4")));
    }
  }
}

// Wherever the bytes end that can be read, the frames before are kept, and FFmpeg reads them.
TEST_F(Encrypted, WhatIsBehindTheLastWholeFrameBecomesNothing) {
  const auto feed = record(false, false);
  const auto plain = *read_file(feed->folder() / "media/alice-1.mkv", 1 << 26);
  const fs::path sealed = feed->folder() / "cut.mkv.sealed";
  const auto count = [&] {
    uint64_t frames = 0;
    auto remux = Remux::open({.from = sealed}, [&](const RemuxedPacket&) { ++frames; });
    EXPECT_TRUE(remux);
    while (remux && !(*remux)->step().value_or(true)) {
    }
    return frames;
  };
  for (uint64_t size = plain.size() - 200; size <= plain.size(); ++size) {
    {
      auto file =
          GrowingFile::create({.path = sealed, .seal_to = keys_.pair.public_key, .replace = true});
      ASSERT_TRUE(file);
      ASSERT_TRUE((*file)->write({reinterpret_cast<const uint8_t*>(plain.data()), size}));
      ASSERT_TRUE((*file)->mark_whole());
    }
    keys_.take_secret();
    const auto before = read_layout(sealed);
    ASSERT_TRUE(before && before->cuttable);
    const auto cut = cut_in_place(sealed, *before);
    ASSERT_TRUE(cut) << cut.error().message;
    const auto after = read_layout(sealed);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->frames, before->frames);
    EXPECT_EQ(after->whole_to, before->whole_to);
    EXPECT_EQ(after->unusable, 0u) << size;
    EXPECT_EQ(count(), before->frames) << size;
    const auto strict = ReadableFile::open(sealed);
    ASSERT_TRUE(strict) << strict.error().message;
    EXPECT_TRUE((*strict)->ended());
    EXPECT_LE((*strict)->size(), size + 1);
  }
}

TEST_F(Encrypted, WhatIsDamagedInTheMiddleIsNotGoneOnIn) {
  const auto feed = record(true, false);
  keys_.take_secret();
  const fs::path media = feed->folder() / kMedia;
  flip(media, fs::file_size(media) / 2);
  const auto before = *read_file(media, 1 << 26);
  EXPECT_FALSE(read_layout(media)->cuttable);
  const auto refused = finish_sealed(media, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBadInput);
  EXPECT_EQ(*read_file(media, 1 << 26), before);
}

TEST_F(Encrypted, KilledItGoesOnWithoutAnyKeyAndIsMendedWithIt) {
  const auto feed = record(true, false);
  keys_.take_none();
  {
    FakeClock clock(7'000'000'000'000, Feed::kStartWall + 8'000'000'000);
    RecordingConfig other;
    other.seal_to = TestKeys().pair.public_key;
    const auto refused = Recording::resume(Log("test"), feed->folder(), "restarted", other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kUsage);
    auto made = Recording::resume(Log("test"), feed->folder(), "restarted");
    ASSERT_TRUE(made) << made.error().message;
    Recording& r = **made;
    EXPECT_TRUE(r.encrypted());
    const auto audio = make_audio({.seconds = 2});
    ASSERT_TRUE(r.begin_track(audio_track(1, "alice")));
    for (const EncodedFrame& f : audio) {
      ASSERT_TRUE(r.write(1, arrived(f, 7'000'000'000'000 + f.time_ns)));
      ASSERT_TRUE(r.beat());
      clock.advance(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(r.finish());
  }
  EXPECT_EQ(load(feed->folder())->manifest.media.size(), 2u);
  EXPECT_NE(verify(feed->folder())->unmeasured, "");
  expect_denied(repair(feed->folder()).error());
  keys_.take_secret();
  const auto report = repair(feed->folder());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->changed && report->complete()) << to_text(*report);
  const Recorded r(feed->folder());
  EXPECT_THAT(r.files(), ElementsAre(kMedia, "media/alice-2.mkv.sealed"));
  EXPECT_GE(r.manifest.tracks.at(0).frames, 110u);  // counted at last
  EXPECT_GE(counters(r.lane("alice", kVideo)).size(), 110u);
  EXPECT_FALSE(repair(feed->folder())->changed);
}

TEST_F(Encrypted, WhatWasBegunInTheClearDoesNotGoOnEncrypted) {
  const auto feed = record(false);
  RecordingConfig config;
  config.seal_to = keys_.pair.public_key;
  const Tree before = tree_of(feed->folder());
  const auto refused = Recording::resume(Log("test"), feed->folder(), "restarted", config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUsage);
  EXPECT_EQ(tree_of(feed->folder()), before);
}

}  // namespace
}  // namespace callbot::recordings
