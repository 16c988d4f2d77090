#include "recordings/manifest.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/files.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A manifest with something in every key.
std::string full_manifest() {
  Manifest m;
  m.state = "finished";
  m.software = "callbot test";
  m.facts = {
      .room = "r", .url = "ws://h/rooms/r", .protocol = "rooms", .recorder = "rec", .label = "l"};
  m.encryption =
      Encryption{.to = "callbot-public-key-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
  m.started_wall_ns = Feed::kStartWall;
  m.ended_wall_ns = Feed::kStartWall + 10'000'000'001;
  m.ending = Ending{"signal", "user", "SIGINT"};
  m.participants = {{.id = "m1",
                     .name = "Alice",
                     .recorder = false,
                     .present = {{0, 5, "left"}},
                     .said = {{MediaKind::kVideo, true, "camera", 1, 2}},
                     .refused = {{3, {}, ""}},
                     .peers_lost = 2}};
  Track t;
  t.id = 7;
  t.participant = "m1";
  t.media = MediaKind::kVideo;
  t.codec = "vp8";
  t.source = "camera";
  t.mid = "1";
  t.clock_rate = 90000;
  t.ssrc = 4'000'000'000;
  t.to_ns = 9;
  t.start_wall_ns = Feed::kStartWall + 5;
  t.start_source = "rtcp-ntp";
  t.ntp_offset_ns = -17;
  t.gaps = {{"media/a-1.mkv", 1, 2}};
  t.sizes = {{"media/a-1.mkv", 1, 640, 360}};
  m.tracks = {t};
  m.media = {{.path = "media/a-1.mkv",
              .participant = "m1",
              .offset_ns = 4,
              .start_wall_ns = Feed::kStartWall,
              .streams = {{7, MediaKind::kVideo, "vp8"}},
              .duration_ns = 5,
              .bytes = 6,
              .reason = "ended"}};
  m.received = {{"files/a", "m1", "a", "00", 3}};
  m.interruptions = {{1, 2, "gone"}};
  m.failures = {{1, "storage", "full", "m1"}};
  m.chat_messages = 3;
  return to_text(m);
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

std::string complaint(const std::string& text) {
  const auto manifest = parse_manifest(text);
  return manifest ? "none" : manifest.error().message;
}

TEST(Manifest, IsReadAsItWasWritten) {
  const auto read = parse_manifest(full_manifest());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_text(*read), full_manifest());
  EXPECT_EQ(read->tracks[0].ssrc, 4'000'000'000u);
  EXPECT_EQ(read->duration_ns(), 10'000'000'001);
}

TEST(Manifest, SaysWhatIsWrongAndWhere) {
  const std::string good = full_manifest();
  EXPECT_THAT(complaint(replaced(good, "\"vp8\"", "8")), HasSubstr("tracks[0].codec"));
  EXPECT_THAT(complaint(replaced(good, "\"width\": 640", "\"width\" : -1")),
              HasSubstr("tracks[0].sizes[0].width"));
  EXPECT_THAT(complaint(replaced(good, "\"room\"", "\"rom\"")), HasSubstr("rom: unknown"));
  EXPECT_THAT(complaint(replaced(good, "\"received\"", "\"recived\"")), HasSubstr("received"));
  EXPECT_THAT(complaint(replaced(good, "2026-11-21", "yesterday")), HasSubstr("RFC 3339"));
  EXPECT_THAT(complaint(replaced(good, "\"finished\"", "\"well\"")), HasSubstr("state"));
  EXPECT_THAT(complaint(replaced(good, "callbot-recording", "x")), HasSubstr("format"));
  EXPECT_THAT(complaint(replaced(good, ": \"video\"", ": \"smell\"")), HasSubstr("media"));
  for (const char* path : {"../a.mkv", "/dev/zero", "media/../../a", ""})
    EXPECT_THAT(complaint(replaced(good, "\"path\": \"media/a-1.mkv\"",
                                   std::string("\"path\": \"") + path + "\"")),
                HasSubstr("media[0].path: expected a path below"));
  EXPECT_THAT(complaint(replaced(good, "callbot-sealed-1", "rot13")),
              HasSubstr("encryption.scheme"));
  EXPECT_THAT(complaint(replaced(good, "callbot-public-key-1", "x")), HasSubstr("encryption.to"));
  EXPECT_THAT(complaint("[]"), HasSubstr("format"));
  EXPECT_THAT(complaint(good.substr(0, good.size() / 2)), HasSubstr("not JSON"));
}

TEST(Manifest, RefusesALaterVersion) {
  const auto later = parse_manifest(replaced(full_manifest(), "\"version\": 2", "\"version\" : 3"));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Code::kUnsupported);
  EXPECT_EQ(
      parse_manifest(replaced(full_manifest(), "\"version\": 2", "\"version\" : 0")).error().code,
      Code::kBadInput);
}

TEST(Manifest, ListsAreBoundedAndCountsAreNot) {
  Manifest m;
  apply(m, {.kind = EventKind::kTrackBegan,
            .participant = "a",
            .track = 1,
            .media = MediaKind::kVideo,
            .codec = "vp8",
            .clock_rate = 90000});
  for (int i = 0; i < 5000; ++i)
    apply(m, {.kind = EventKind::kGap, .track = 1, .file = "f", .from_ns = i, .to_ns = i + 2});
  EXPECT_THAT(m.tracks[0].gaps, SizeIs(kMostListed));
  EXPECT_EQ(m.tracks[0].gap_count, 5000u);
  EXPECT_EQ(m.tracks[0].gap_ns, 10000);
}

// Whoever switches his camera a thousand times is judged all the same.
TEST(Manifest, WhatIsSaidTooOftenIsTakenForOn) {
  Manifest m;
  int64_t now = 0;
  const auto say = [&](MediaKind media, bool on) {
    apply(m, {.kind = EventKind::kState,
              .wall_ns = ++now,
              .participant = "a",
              .media = media,
              .on = on});
  };
  const auto last = [&](MediaKind media) {
    const auto& said = m.participants[0].said;
    return *std::find_if(said.rbegin(), said.rend(),
                         [&](const Said& s) { return s.media == media; });
  };
  say(MediaKind::kAudio, false);
  for (int i = 0; i < 2000; ++i) say(MediaKind::kVideo, i % 2 == 0);
  EXPECT_THAT(m.participants[0].said, SizeIs(kMostListed));
  EXPECT_TRUE(last(MediaKind::kVideo).on);
  EXPECT_FALSE(last(MediaKind::kVideo).to_ns);
  EXPECT_FALSE(last(MediaKind::kAudio).on) << "nothing was said of it meanwhile";
  apply(m, {.kind = EventKind::kMemberLeft, .wall_ns = ++now, .participant = "a"});
  say(MediaKind::kAudio, true);
  EXPECT_TRUE(last(MediaKind::kAudio).on);
  EXPECT_FALSE(last(MediaKind::kAudio).to_ns);
}

TEST(Manifest, OfSpansThatAreTooManyTheLastGoesOn) {
  Manifest m;
  for (int i = 0; i < 3000; ++i) {
    apply(m, {.kind = EventKind::kMemberJoined, .wall_ns = 2 * i, .participant = "a"});
    apply(m, {.kind = EventKind::kConsent, .wall_ns = 2 * i, .participant = "a", .allowed = false});
    apply(m, {.kind = EventKind::kSignalingInterrupted, .wall_ns = 2 * i});
    if (i == 2999) break;
    apply(m, {.kind = EventKind::kSignalingResumed, .wall_ns = 2 * i + 1});
    apply(m, {.kind = EventKind::kConsent, .wall_ns = 2 * i, .participant = "a", .allowed = true});
    apply(m, {.kind = EventKind::kMemberLeft, .wall_ns = 2 * i + 1, .participant = "a"});
  }
  for (const auto* spans :
       {&m.participants[0].present, &m.participants[0].refused, &m.interruptions}) {
    EXPECT_THAT(*spans, SizeIs(kMostListed));
    EXPECT_FALSE(spans->back().to_ns);
  }
}

TEST(Manifest, EventsThatContradictItChangeNothing) {
  Manifest m;
  for (const EventKind kind : {EventKind::kTrackEnded, EventKind::kAnchor, EventKind::kGap,
                               EventKind::kFileClosed, EventKind::kKeyFrameWait})
    apply(m, {.kind = kind, .track = 99, .file = "nowhere"});
  EXPECT_TRUE(m.tracks.empty());
  EXPECT_TRUE(m.media.empty());
}

class Loading : public ::testing::Test {
 protected:
  Loading() { put("manifest.json", replaced(full_manifest(), "\"finished\"", "\"running\"")); }
  void put(const char* name, const std::string& text) {
    std::ofstream(folder_.path() / name, std::ios::binary) << text;
  }
  static std::string line(EventKind kind) {
    return to_line({.kind = kind,
                    .wall_ns = Feed::kStartWall,
                    .participant = "bob",
                    .name = "Bob",
                    .text = "x"}) +
           "\n";
  }
  TempFolder folder_;
};

TEST_F(Loading, ALineThatAKillCutOffIsNoMistake) {
  const std::string joined = line(EventKind::kMemberJoined);
  for (size_t cut = 0; cut < joined.size(); ++cut) {
    put("journal.jsonl", line(EventKind::kChat) + joined.substr(0, cut));
    const auto loaded = load(folder_.path());
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_FALSE(loaded->journal_error) << cut;
    EXPECT_THAT(loaded->events, SizeIs(1));
  }
}

TEST_F(Loading, ALineInTheMiddleThatIsNoEventIs) {
  put("journal.jsonl", line(EventKind::kChat) + "{}\n" + line(EventKind::kChat));
  const auto loaded = load(folder_.path());
  ASSERT_TRUE(loaded);
  ASSERT_TRUE(loaded->journal_error);
  EXPECT_THAT(loaded->journal_error->message, HasSubstr("journal.jsonl line 2"));
  EXPECT_THAT(loaded->events, SizeIs(2));
}

TEST_F(Loading, WithoutAJournalTheManifestStands) {
  const auto loaded = load(folder_.path());
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->journal_error);
  EXPECT_EQ(loaded->manifest.participants.size(), 1u);
}

// The text between two fences of FORMAT.md, the first after `from`.
std::string code_block(const std::string& document, const std::string& fence) {
  const size_t from = document.find("\n" + fence + "\n", document.find("## Example"));
  const size_t start = from + fence.size() + 2;
  return document.substr(start, document.find("```", start) - start);
}

TEST(FormatDocument, ItsExampleIsOne) {
  const auto document = read_file(CALLBOT_SOURCE_DIR "/recordings/FORMAT.md", 1u << 20);
  ASSERT_TRUE(document);
  const auto manifest = parse_manifest(code_block(*document, "```json"));
  ASSERT_TRUE(manifest) << manifest.error().message;
  Manifest from_journal;
  from_journal.software = manifest->software;
  from_journal.facts = manifest->facts;
  from_journal.started_wall_ns = manifest->started_wall_ns;
  std::istringstream journal(code_block(*document, "```"));
  int lines = 0;
  for (std::string line; std::getline(journal, line); ++lines) {
    const auto event = parse_event(line);
    ASSERT_TRUE(event) << line << ": " << event.error().message;
    EXPECT_EQ(to_line(*event), line);
    apply(from_journal, *event);
  }
  EXPECT_EQ(lines, 10);
  EXPECT_EQ(to_text(from_journal), to_text(*manifest));
}

TEST(FormatDocument, NamesEveryEventAndKey) {
  const auto document = read_file(CALLBOT_SOURCE_DIR "/recordings/FORMAT.md", 1u << 20);
  ASSERT_TRUE(document);
  for (int kind = 0; kind <= static_cast<int>(EventKind::kEnded); ++kind)
    EXPECT_THAT(*document,
                HasSubstr(std::string("`") + name_of(static_cast<EventKind>(kind)) + "`"));
  const std::function<void(const Json&)> walk = [&](const Json& json) {
    for (const std::string& key : json.keys()) {
      EXPECT_THAT(*document, HasSubstr("`" + key + "`"));
      walk(json.at(key.c_str()));
    }
    for (size_t i = 0; json.is_array() && i < json.size(); ++i) walk(json.at(i));
  };
  walk(*Json::parse(full_manifest()));
}

}  // namespace
}  // namespace callbot::recordings
