#include "recordings/event.h"

#include <gmock/gmock.h>

#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Something in every field.
Event full(EventKind kind) {
  Event e{.kind = kind};
  e.wall_ns = test::Feed::kStartWall + 123456789;
  e.participant = "m1";
  e.name = "n\"\u202e";
  e.reason = "r";
  e.text = "t\n";
  e.by = "b";
  e.code = "c";
  e.policy = "cut";
  e.source = "screen";
  e.track = 5;
  e.media = MediaKind::kVideo;
  e.on = true;
  e.allowed = true;
  e.recorder = true;
  e.pattern = "a*";
  e.include = true;
  e.count = 7;
  e.repaired = 6;
  e.duration_ns = 8;
  e.file = "media/x-1.mkv";
  e.stream = 1;
  e.offset_ns = 9;
  e.time_ns = 10;
  e.from_ns = 11;
  e.to_ns = 12;
  e.rtp_time = 1LL << 40;
  e.arrival_ns = test::Feed::kStartWall + 1;
  e.ntp_ns = test::Feed::kStartWall + 2;
  e.codec = "vp8";
  e.clock_rate = 90000;
  e.channels = 2;
  e.mid = "0";
  e.ssrc = 4'000'000'000;
  e.width = 640;
  e.height = 360;
  e.bytes = 1ULL << 40;
  e.frames = 13;
  e.key_frames = 14;
  e.skipped = 15;
  e.sha256 = "00";
  e.path = "files/x";
  e.version = 1;
  e.streams = {{5, MediaKind::kVideo, "vp8"}};
  return e;
}

class EveryKind : public ::testing::TestWithParam<int> {};

TEST_P(EveryKind, IsReadAsItWasWritten) {
  const auto kind = static_cast<EventKind>(GetParam());
  const std::string line = to_line(full(kind));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  const auto read = parse_event(line);
  ASSERT_TRUE(read) << line << ": " << read.error().message;
  EXPECT_EQ(read->kind, kind);
  EXPECT_EQ(to_line(*read), line);
}

TEST_P(EveryKind, MustHaveItsKeys) {
  const auto kind = static_cast<EventKind>(GetParam());
  const std::string bare =
      to_line({.kind = kind, .wall_ns = 1, .file = "media/a-1.mkv", .path = "files/a"});
  ASSERT_TRUE(parse_event(bare)) << bare;  // required keys are always written
  const auto without_any =
      std::string(R"({"at":"2026-11-21T04:20:42Z","event":")") + name_of(kind) + "\"}";
  EXPECT_EQ(bool(parse_event(without_any)), kind == EventKind::kSignalingInterrupted ||
                                                kind == EventKind::kSignalingResumed ||
                                                kind == EventKind::kResumed)
      << without_any;
}

INSTANTIATE_TEST_SUITE_P(Event, EveryKind,
                         ::testing::Range(0, static_cast<int>(EventKind::kEnded) + 1),
                         [](const auto& info) {
                           std::string name = name_of(static_cast<EventKind>(info.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST(Event, SaysWhatIsWrong) {
  const auto complaint = [](const char* line) {
    const auto event = parse_event(line);
    return event ? "none" : event.error().message;
  };
  EXPECT_THAT(complaint(R"({"at":"x","event":"signaling-resumed"})"), HasSubstr("at: "));
  EXPECT_THAT(complaint(R"({"at":"2026-11-21T04:20:42Z","event":"party"})"), HasSubstr("party"));
  EXPECT_THAT(complaint(R"({"at":"2026-11-21T04:20:42Z","event":"signaling-resumed","x":1})"),
              HasSubstr("x: unknown"));
  EXPECT_THAT(complaint(R"({"at":"2026-11-21T04:20:42Z","event":"peer-fresh","participant":7})"),
              HasSubstr("participant: expected a text"));
  EXPECT_THAT(complaint(R"({"at":"2026-11-21T04:20:42Z","event":"file-closed","file":"/dev/zero",)"
                        R"("reason":"","duration_ns":0,"bytes":0})"),
              HasSubstr("file: expected a path below"));
  EXPECT_THAT(complaint("nonsense"), HasSubstr("not JSON"));
}

}  // namespace
}  // namespace callbot::recordings
