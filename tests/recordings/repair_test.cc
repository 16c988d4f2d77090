#include "recordings/repair.h"

#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>

#include "base/files.h"
#include "recordings/av.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/recorded.h"
#include "tests/support/small_disk.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

std::string bytes_of(const fs::path& path) {
  auto bytes = read_file(path, 1u << 30);
  EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message);
  return bytes.value_or("");
}
void put_bytes(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

// Every file below a folder with its bytes.
using Tree = std::map<std::string, std::string>;
Tree tree_of(const fs::path& folder) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    tree[fs::relative(entry.path(), folder).string()] =
        entry.is_regular_file() ? bytes_of(entry.path()) : "";
  return tree;
}
void put_tree(const fs::path& folder, const Tree& tree) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [name, bytes] : tree) {
    if (bytes.empty() && fs::path(name).extension().empty() && name[0] != '.')
      fs::create_directories(folder / name);
    else
      put_bytes(folder / name, bytes);
  }
}

// A recording of four seconds: two members with picture and sound, one camera off in between.
struct Call {
  explicit Call(bool finish, const std::string& codec = "vp8", const std::string& sound = "opus") {
    Feed feed;
    feed.member("alice");
    feed.member("bob");
    feed.says("alice", 0, kVideo, true);
    feed.says("alice", 0, kAudio, true);
    feed.add({video_track(1, "alice", codec),
              make_video({.codec = codec, .width = 192, .height = 108, .frames = 120})});
    feed.add({audio_track(2, "alice", sound), make_audio({.codec = sound, .seconds = 4})});
    feed.add({audio_track(3, "bob"), make_audio({.seconds = 4})});
    EXPECT_TRUE(feed.run(4.1, finish));
    feed.drop();
    tree = tree_of(feed.folder());
  }
  Tree tree;
};

const Call& finished() {
  static const Call call(true);
  return call;
}
const Call& cut_off() {
  static const Call call(false);
  return call;
}

constexpr const char* kAlice = "media/alice-1.mkv";
constexpr const char* kBob = "media/bob-1.mkv";

class RepairTest : public ::testing::Test {
 protected:
  fs::path folder() const { return out_.path() / "room-20261121T042042Z"; }
  void put(const Tree& tree) { put_tree(folder(), tree); }
  RepairReport repaired() {
    auto report = repair(folder());
    EXPECT_TRUE(report) << (report ? "" : report.error().message);
    return report.value_or(RepairReport());
  }
  // Repairs, and once more, which must not change a byte.
  RepairReport repaired_twice() {
    const auto report = repaired();
    const Tree once = tree_of(folder());
    const auto again = repaired();
    EXPECT_FALSE(again.changed) << to_text(again);
    EXPECT_TRUE(tree_of(folder()) == once) << "the second repair changed something";
    return report;
  }
  MendedFile of(const RepairReport& report, const std::string& file) {
    for (const MendedFile& f : report.files) {
      if (f.file == file) return f;
    }
    ADD_FAILURE() << file << " is not in the report\n" << to_text(report);
    return {};
  }
  Verdict judged() {
    auto verdict = verify(folder(), {.threads = 1});
    EXPECT_TRUE(verdict) << (verdict ? "" : verdict.error().message);
    return verdict.value_or(Verdict());
  }
  std::vector<std::string> findings() {
    std::vector<std::string> codes;
    for (const Finding& f : judged().findings) codes.push_back(f.code);
    return codes;
  }

  TempFolder out_;
};

// The frames of a file by stream: time and bytes, as FFmpeg's own demuxer gives them.
struct Packet {
  int64_t time_ms;
  bool key;
  std::string bytes;
  friend bool operator==(const Packet&, const Packet&) = default;
};
using Packets = std::map<int, std::vector<Packet>>;

Packets packets_of(const fs::path& path, std::vector<int64_t>* ends = nullptr) {
  Packets packets;
  AVFormatContext* opened = nullptr;
  if (avformat_open_input(&opened, path.c_str(), nullptr, nullptr) < 0) return packets;
  const AvInput input(opened);
  const AvPacket packet(av_packet_alloc());
  while (av_read_frame(opened, packet.get()) >= 0) {
    packets[packet->stream_index].push_back(
        {packet->pts, (packet->flags & AV_PKT_FLAG_KEY) != 0,
         std::string(reinterpret_cast<const char*>(packet->data),
                     static_cast<size_t>(packet->size))});
    // A SimpleBlock has four bytes before its frame: track, time, flags.
    if (ends != nullptr) ends->push_back(packet->pos + 4 + packet->size);
    av_packet_unref(packet.get());
  }
  return packets;
}

size_t count(const Packets& packets) {
  size_t n = 0;
  for (const auto& [stream, list] : packets) n += list.size();
  return n;
}

// `part` is the beginning of `all`, stream by stream.
::testing::AssertionResult begins(const Packets& all, const Packets& part) {
  for (const auto& [stream, list] : part) {
    const auto& whole = all.at(stream);
    if (list.size() > whole.size() || !std::equal(list.begin(), list.end(), whole.begin()))
      return ::testing::AssertionFailure() << "frames of stream " << stream << " differ";
  }
  return ::testing::AssertionSuccess();
}

TEST_F(RepairTest, AGoodRecordingIsLeftAsItIs) {
  put(finished().tree);
  const auto report = repaired_twice();
  EXPECT_FALSE(report.changed) << to_text(report);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(tree_of(folder()) == finished().tree);
}

TEST_F(RepairTest, OneOfTheFirstVersionIsLeftAsItIs) {
  const Tree golden = tree_of(CALLBOT_SOURCE_DIR "/tests/golden/v1-two-members");
  put(golden);
  const auto report = repaired_twice();
  EXPECT_FALSE(report.changed) << to_text(report);
  EXPECT_TRUE(tree_of(folder()) == golden);
}

TEST_F(RepairTest, OneThatWasCutOffIsFinished) {
  put(cut_off().tree);
  const auto before = packets_of(folder() / kAlice);
  const auto report = repaired_twice();
  EXPECT_TRUE(report.was_open && report.changed);
  EXPECT_EQ(report.state, "finished");
  EXPECT_EQ(of(report, kAlice).what, Mended::kMended) << to_text(report);
  EXPECT_EQ(of(report, kAlice).unusable, 0u);
  EXPECT_FALSE(fs::exists(folder() / "damaged"));
  EXPECT_FALSE(fs::exists(folder() / ".reserve"));
  EXPECT_TRUE(packets_of(folder() / kAlice) == before);
  const Recorded r(folder());
  EXPECT_EQ(r.manifest.state, "finished");
  ASSERT_TRUE(r.manifest.ending);
  EXPECT_EQ(r.manifest.ending->reason, "repaired");
  for (const MediaFileFacts& f : r.manifest.media) {
    EXPECT_TRUE(f.duration_ns && f.bytes) << f.path;
    EXPECT_EQ(f.sha256, *sha256_file(folder() / f.path));
  }
  for (const Track& t : r.manifest.tracks) EXPECT_TRUE(t.to_ns && t.frames > 90) << t.id;
  EXPECT_EQ(judged().severity, Severity::kPass) << to_text(judged());
}

// What the journal says afterwards is what the manifest says.
TEST_F(RepairTest, TheManifestFollowsFromTheJournalStill) {
  put(cut_off().tree);
  repaired();
  const std::string manifest = bytes_of(folder() / "manifest.json");
  put_bytes(folder() / "manifest.json", cut_off().tree.at("manifest.json"));
  const auto loaded = load(folder());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(to_text(loaded->manifest), manifest);
}

TEST_F(RepairTest, OneThatIsWrittenIsLeftAlone) {
  Feed feed;
  feed.member("alice");
  ASSERT_TRUE(feed.run(0.5, false));
  Tree before = tree_of(feed.folder());
  const auto report = repair(feed.folder());
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->busy);
  Tree after = tree_of(feed.folder());
  // Its writer's own lines may be on their way still.
  EXPECT_TRUE(after.at("journal.jsonl").starts_with(before.at("journal.jsonl")));
  EXPECT_FALSE(after.at("journal.jsonl").find("repaired") != std::string::npos);
  before.erase("journal.jsonl");
  after.erase("journal.jsonl");
  EXPECT_TRUE(after == before);
  EXPECT_THAT(open_recordings(feed.folder().parent_path()), Contains(feed.folder()));
  feed.drop();
  EXPECT_TRUE(repair(feed.folder())->changed);
  EXPECT_TRUE(open_recordings(feed.folder().parent_path()).empty());
}

class RepairCodec : public RepairTest,
                    public ::testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(RepairCodec, EveryFrameIsKeptAsItIs) {
  put(Call(false, GetParam().first, GetParam().second).tree);
  const auto before = packets_of(folder() / kAlice);
  repaired_twice();
  EXPECT_TRUE(packets_of(folder() / kAlice) == before);
  EXPECT_EQ(judged().severity, Severity::kPass) << to_text(judged());
}

INSTANTIATE_TEST_SUITE_P(Codecs, RepairCodec,
                         ::testing::Values(std::pair("vp9", "pcmu"), std::pair("h264", "pcma"),
                                           std::pair("h265", "g722"), std::pair("vp8", "opus")),
                         [](const auto& info) {
                           return std::string(info.param.first) + info.param.second;
                         });

// Cuts a file everywhere and looks at what repair keeps of it.
class Cuts : public RepairTest {
 protected:
  void expect_all_before_the_cut(const Tree& tree, const std::vector<size_t>& positions) {
    put(tree);
    std::vector<int64_t> ends;
    const Packets all = packets_of(folder() / kAlice, &ends);
    ASSERT_GT(count(all), 200u);
    for (const size_t cut : positions) {
      put(tree);
      fs::resize_file(folder() / kAlice, cut);
      const auto report = repair(folder());
      ASSERT_TRUE(report) << report.error().message;
      const auto whole = static_cast<size_t>(std::count_if(
          ends.begin(), ends.end(), [&](int64_t end) { return end <= static_cast<int64_t>(cut); }));
      const Packets kept = packets_of(folder() / kAlice);
      ASSERT_EQ(count(kept), whole) << "cut at " << cut << "\n" << to_text(*report);
      ASSERT_TRUE(begins(all, kept)) << "cut at " << cut;
      const auto once = tree_of(folder());
      ASSERT_FALSE(repair(folder())->changed) << cut;
      ASSERT_TRUE(tree_of(folder()) == once) << cut;
    }
  }
  static size_t last_cluster(const std::string& file) { return file.rfind("\x1F\x43\xB6\x75"); }
};

TEST_F(Cuts, EveryTenthByteOfTheLastCluster) {
  const std::string& file = finished().tree.at(kAlice);
  std::vector<size_t> positions;
  for (size_t at = last_cluster(file); at < file.size(); at += 10) positions.push_back(at);
  ASSERT_GT(positions.size(), 100u);
  expect_all_before_the_cut(finished().tree, positions);
}

TEST_F(Cuts, TwoHundredRandomPlaces) {
  const std::string& file = finished().tree.at(kAlice);
  std::mt19937 random(1);
  std::vector<size_t> positions;
  for (int i = 0; i < 200; ++i)
    positions.push_back(std::uniform_int_distribution<size_t>(1, file.size() - 1)(random));
  expect_all_before_the_cut(finished().tree, positions);
}

TEST_F(RepairTest, ACutFileIsKeptAsideAndWhatIsMissingIsSaid) {
  put(finished().tree);
  const std::string file = bytes_of(folder() / kAlice);
  const size_t cut = file.size() / 2;
  fs::resize_file(folder() / kAlice, cut);
  EXPECT_THAT(findings(), Contains("checksum"));
  const auto report = repaired_twice();
  const auto alice = of(report, kAlice);
  EXPECT_EQ(alice.what, Mended::kMended);
  EXPECT_GT(alice.missing_ns, 1'000'000'000);
  EXPECT_GT(alice.unusable, 0u);
  EXPECT_EQ(alice.moved_to, "damaged/alice-1.mkv");
  EXPECT_EQ(bytes_of(folder() / alice.moved_to), file.substr(0, cut));
  EXPECT_FALSE(report.complete());
  EXPECT_THAT(to_text(report), HasSubstr("frames kept"));
  const auto json = Json::parse(to_json(report).dump());
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at("files").at(size_t{0}).at("moved_to").text(), "damaged/alice-1.mkv");
  EXPECT_THAT(findings(), ::testing::Not(Contains("checksum")));
}

TEST_F(RepairTest, ZerosThatAPowerCutLeftAreCutAway) {
  put(cut_off().tree);
  const auto before = packets_of(folder() / kAlice);
  put_bytes(folder() / kAlice, bytes_of(folder() / kAlice) + std::string(5000, '\0'));
  const auto report = repaired_twice();
  EXPECT_EQ(of(report, kAlice).unusable, 5000u);
  EXPECT_TRUE(packets_of(folder() / kAlice) == before);
}

TEST_F(RepairTest, FlippedBitsAreSaidAndNotSealed) {
  put(finished().tree);
  std::string file = bytes_of(folder() / kAlice);
  file[file.find("alice")] ^= 1;
  put_bytes(folder() / kAlice, file);
  const auto report = repaired_twice();
  EXPECT_EQ(of(report, kAlice).what, Mended::kChanged);
  EXPECT_EQ(bytes_of(folder() / kAlice), file);
  EXPECT_THAT(findings(), Contains("checksum"));
}

TEST_F(RepairTest, WhatIsBehindADamagedPlaceIsKept) {
  put(finished().tree);
  const Packets all = packets_of(folder() / kAlice);
  std::string file = bytes_of(folder() / kAlice);
  const size_t second = file.find("\x1F\x43\xB6\x75", file.find("\x1F\x43\xB6\x75") + 4);
  file.replace(second + 100, 200, std::string(200, '\xFF'));
  put_bytes(folder() / kAlice, file);
  const auto report = repaired_twice();
  EXPECT_EQ(of(report, kAlice).what, Mended::kMended) << to_text(report);
  const Packets kept = packets_of(folder() / kAlice);
  EXPECT_GT(count(kept), count(all) * 8 / 10);
  EXPECT_TRUE(kept.at(0).back() == all.at(0).back());
}

TEST_F(RepairTest, SwappedFilesArePutBack) {
  Tree tree = finished().tree;
  std::swap(tree.at(kAlice), tree.at(kBob));
  put(tree);
  EXPECT_THAT(findings(), Contains("checksum"));
  const auto report = repaired_twice();
  EXPECT_EQ(of(report, kAlice).what, Mended::kSwapped) << to_text(report);
  EXPECT_EQ(judged().severity, Severity::kPass) << to_text(judged());
}

TEST_F(RepairTest, EmptyAndMissingFilesAreSaid) {
  Tree tree = finished().tree;
  tree.at(kAlice).clear();
  tree.erase(kBob);
  put(tree);
  put_bytes(folder() / kAlice, "");
  const auto report = repaired_twice();
  EXPECT_EQ(of(report, kAlice).what, Mended::kEmpty);
  EXPECT_EQ(of(report, kBob).what, Mended::kMissing);
  EXPECT_GT(of(report, kBob).missing_ns, 3'000'000'000);
  EXPECT_THAT(findings(), ::testing::AllOf(Contains("empty-file"), Contains("file-missing")));
}

TEST_F(RepairTest, AFileOfWhichNothingCanBeReadIsKeptAside) {
  put(finished().tree);
  const std::string garbage(5000, 'x');
  put_bytes(folder() / kAlice, garbage);
  const auto report = repaired_twice();
  EXPECT_EQ(of(report, kAlice).what, Mended::kUnreadable);
  EXPECT_EQ(bytes_of(folder() / "damaged/alice-1.mkv"), garbage);
}

TEST_F(RepairTest, AManifestFromTheFutureIsRefusedAndNotTouched) {
  Tree tree = cut_off().tree;
  tree.at("manifest.json") = R"({"format": "callbot-recording", "version": 7})";
  put(tree);
  const auto report = repair(folder());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kUnsupported);
  EXPECT_TRUE(tree_of(folder()) == tree);
}

TEST_F(RepairTest, WithoutAManifestItIsMadeFromTheJournal) {
  for (const char* manifest : {"", "{\"format\":"}) {
    Tree tree = cut_off().tree;
    tree.erase("manifest.json");
    if (*manifest != '\0') tree["manifest.json"] = manifest;
    put(tree);
    EXPECT_THAT(findings(), Contains("manifest-damaged"));
    const auto report = repaired_twice();
    EXPECT_THAT(to_text(report), HasSubstr("what the journal says is taken instead"));
    EXPECT_EQ(fs::exists(folder() / "damaged/manifest.json"), *manifest != '\0');
    const Recorded r(folder());
    EXPECT_EQ(r.manifest.participants.size(), 2u);
    EXPECT_EQ(judged().severity, Severity::kPass) << to_text(judged());
  }
}

TEST_F(RepairTest, WithoutAJournalTheFilesSayWhoseTheyAre) {
  Tree tree = cut_off().tree;
  tree.erase("journal.jsonl");
  put(tree);
  EXPECT_THAT(findings(), Contains("journal-damaged"));
  const auto report = repaired_twice();
  EXPECT_THAT(to_text(report), HasSubstr("journal.jsonl is missing"));
  const Recorded r(folder());
  ASSERT_EQ(r.manifest.media.size(), 2u);
  EXPECT_EQ(r.manifest.participants.size(), 2u);
  EXPECT_EQ(counters(r.lane("alice", kVideo)), counting(0, 120));
  EXPECT_EQ(judged().severity, Severity::kPass) << to_text(judged());
}

TEST_F(RepairTest, WithNeitherItIsNoRecording) {
  Tree tree = cut_off().tree;
  tree.erase("journal.jsonl");
  tree.erase("manifest.json");
  put(tree);
  const auto report = repair(folder());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kBadInput);
}

TEST_F(RepairTest, AJournalCutAnywhereIsNoObstacle) {
  const std::string& journal = cut_off().tree.at("journal.jsonl");
  for (size_t cut = 1; cut < journal.size(); cut += 37) {
    Tree tree = cut_off().tree;
    tree.at("journal.jsonl").resize(cut);
    put(tree);
    repaired_twice();
    const Recorded r(folder());
    EXPECT_EQ(r.manifest.media.size(), 2u) << cut;
    EXPECT_EQ(r.manifest.state, "finished") << cut;
    EXPECT_EQ(counters(r.lane("alice", kVideo)).size(), 120u) << cut;
  }
}

TEST_F(RepairTest, LinesThatAreNoEventsAreKeptAside) {
  Tree tree = cut_off().tree;
  std::string& journal = tree.at("journal.jsonl");
  const size_t second = journal.find('\n') + 1;
  journal.insert(second, "{\"at\":\"x\xC3\n");
  put(tree);
  const auto report = repaired_twice();
  EXPECT_THAT(to_text(report), HasSubstr("1 line could not be read"));
  EXPECT_EQ(bytes_of(folder() / "damaged/journal.jsonl"), journal);
  EXPECT_EQ(judged().severity, Severity::kPass) << to_text(judged());
}

// What crashes leave of a manifest; and none of it without a journal.
TEST_F(RepairTest, ADamagedManifestIsFoundOpen) {
  const Tree good = finished().tree;
  const std::string& manifest = good.at("manifest.json");
  for (const std::string& left :
       {std::string(), manifest.substr(0, manifest.size() / 2), std::string(700, '\0')}) {
    Tree tree = good;
    put(tree);
    EXPECT_TRUE(open_recordings(out_.path()).empty());
    put_bytes(folder() / "manifest.json", left);
    EXPECT_THAT(open_recordings(out_.path()), Contains(folder()));
    repaired_twice();
    EXPECT_TRUE(open_recordings(out_.path()).empty());
    EXPECT_EQ(Recorded(folder()).manifest.state, "finished");
    put_bytes(folder() / "manifest.json", left);
    fs::remove(folder() / "journal.jsonl");
    EXPECT_TRUE(open_recordings(out_.path()).empty());
  }
}

TEST_F(RepairTest, ADamagedDateOfTheManifestIsTheJournals) {
  for (const bool finished : {false, true}) {
    Feed feed;
    feed.member("alice");
    feed.add({audio_track(1, "alice"), make_audio({.seconds = 2})});
    ASSERT_TRUE(feed.run(2, finished));
    feed.drop();
    const fs::path manifest = feed.folder() / "manifest.json";
    const std::string good = bytes_of(manifest);
    std::string text = good;
    const size_t at = text.find("2026-", text.find("\"started\""));
    ASSERT_NE(at, std::string::npos);
    put_bytes(manifest, text.replace(at, 4, "2036"));
    const auto report = repair(feed.folder());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_THAT(to_text(*report), HasSubstr("started: 2036-"));
    EXPECT_THAT(to_text(*report), HasSubstr("is after the journal was last written"));
    EXPECT_TRUE(fs::exists(feed.folder() / "damaged/manifest.json"));
    const auto loaded = load(feed.folder());
    ASSERT_TRUE(loaded);
    EXPECT_FALSE(loaded->manifest_error);
    EXPECT_EQ(loaded->manifest.started_wall_ns, Feed::kStartWall);
    if (finished) {
      EXPECT_EQ(bytes_of(manifest), good);
    }
    const auto again = repair(feed.folder());
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->changed) << to_text(*again);
  }
}

TEST_F(RepairTest, ADeadSocketIsTakenAway) {
  put(cut_off().tree);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder() / "control.sock";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(fd);
  ASSERT_TRUE(fs::is_socket(path));
  repaired_twice();
  EXPECT_FALSE(fs::exists(path));
}

// An end before it went on is none.
TEST_F(RepairTest, TheEndOfTheLastPartIsWhatIsLookedFor) {
  Tree tree = finished().tree;
  tree.at("journal.jsonl") +=
      R"({"at":"2026-11-21T04:20:50.000000000Z","event":"reopened","from_ns":4100000000})"
      "\n";
  put(tree);
  EXPECT_THAT(findings(), Contains("journal-damaged"));
}

TEST_F(RepairTest, AFailedOneStaysFailed) {
  Tree tree = cut_off().tree;
  tree.at("journal.jsonl") +=
      R"({"at":"2026-11-21T04:20:46.000000000Z","event":"error","code":"storage","text":"full"})"
      "\n";
  put(tree);
  repaired_twice();
  const Recorded r(folder());
  EXPECT_EQ(r.manifest.state, "failed");
  ASSERT_TRUE(r.manifest.ending);
  EXPECT_EQ(r.manifest.ending->text, "full");
}

TEST_F(RepairTest, AFullDiskIsNoObstacle) {
  put(cut_off().tree);
  SmallDisk disk("size=2m");
  ASSERT_TRUE(disk.mounted()) << disk.needs();
  const fs::path full = disk.path() / "call";
  fs::copy(folder(), full, fs::copy_options::recursive);
  disk.fill();
  const auto report = repair(full);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->state, "finished") << to_text(*report);
  EXPECT_TRUE(report->complete()) << to_text(*report);
  EXPECT_FALSE(repair(full)->changed);
  EXPECT_EQ(verify(full)->severity, Severity::kPass);
}

TEST_F(RepairTest, ItSaysHowFarItIsAndStopsWhenTold) {
  put(cut_off().tree);
  const auto stopped = repair(folder(), [](double) { return false; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::kInterrupted);
  std::vector<double> steps;
  ASSERT_TRUE(repair(folder(), [&](double share) {
    steps.push_back(share);
    return true;
  }));
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_EQ(judged().severity, Severity::kPass) << to_text(judged());
}

}  // namespace
}  // namespace callbot::recordings
