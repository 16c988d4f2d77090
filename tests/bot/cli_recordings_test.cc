#include "bot/cli_recordings.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "bot/cli.h"

namespace callbot::bot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<std::variant<Invocation, HelpText>> parse(std::vector<const char*> words) {
  words.insert(words.begin(), {"callbot", "recordings"});
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

RecordingsOptions options(const std::vector<const char*>& words) {
  auto parsed = parse(words);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().message;
    return {};
  }
  return std::get<RecordingsOptions>(std::get<Invocation>(*parsed).verb);
}

template <class Verb>
Verb verb(const std::vector<const char*>& words) {
  const auto o = options(words);
  if (const auto* v = std::get_if<Verb>(&o.verb)) return *v;
  ADD_FAILURE() << "another verb";
  return {};
}

std::string complaint(const std::vector<const char*>& words) {
  auto parsed = parse(words);
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().code, Code::kUsage);
  return parsed.error().message;
}

TEST(RecordingsCommandLine, ReadsList) {
  EXPECT_EQ(options({"list"}).out, "recordings");
  const auto o = options({"list", "--out", "/r", "--json", "--limit", "5", "--sort", "size",
                          "--reverse", "--rebuild"});
  EXPECT_EQ(o.out, "/r");
  EXPECT_TRUE(o.json);
  const auto list = std::get<ListRecordings>(o.verb);
  EXPECT_EQ(list.limit, 5u);
  EXPECT_EQ(list.sort, "size");
  EXPECT_TRUE(list.reverse && list.rebuild);
  EXPECT_THAT(complaint({"list", "--sort", "colour"}), HasSubstr("--sort"));
  EXPECT_THAT(complaint({"list", "--limit", "-1"}), HasSubstr("--limit"));
  EXPECT_THAT(complaint({}), HasSubstr("subcommand"));
}

TEST(RecordingsCommandLine, ReadsFind) {
  const auto q =
      verb<ListRecordings>({"find", "hello", "--since", "2026-11-21", "--until",
                            "2026-11-21T04:20:42Z", "--room", "r", "--member", "m", "--verdict",
                            "FAIL", "--tag", "a", "--tag", "b", "--state", "failed"})
          .query;
  EXPECT_EQ(q.text, "hello");
  EXPECT_EQ(rfc3339(*q.since_wall_ns), "2026-11-21T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(*q.until_wall_ns), "2026-11-21T04:20:42.000000000Z");
  EXPECT_EQ(q.room + q.member + q.verdict + q.state, "rmFAILfailed");
  EXPECT_THAT(q.tags, ElementsAre("a", "b"));
  FakeClock clock(0, 1'000'000'000'000'000);
  EXPECT_EQ(*verb<ListRecordings>({"find", "--since", "1d"}).query.since_wall_ns,
            1'000'000'000'000'000 - 86'400'000'000'000);
  EXPECT_THAT(complaint({"find", "--since", "soon"}),
              HasSubstr("--since: \"soon\": expected a day"));
  EXPECT_THAT(complaint({"find", "--verdict", "GREAT"}), HasSubstr("--verdict"));
  EXPECT_THAT(complaint({"find", "--state", "odd"}), HasSubstr("--state"));
}

TEST(RecordingsCommandLine, ReadsTagsToAddAndToTakeAway) {
  const auto tag = verb<TagRecording>({"tag", "standup", "+a", "-v", "-draft", "+größe"});
  EXPECT_EQ(tag.name, "standup");
  EXPECT_THAT(tag.add, ElementsAre("a", "größe"));
  EXPECT_THAT(tag.remove, ElementsAre("v", "draft"));
  EXPECT_TRUE(verb<TagRecording>({"tag", "standup"}).add.empty());
  const auto o = options({"tag", "standup", "-x", "--json", "--out", "/r"});
  EXPECT_TRUE(o.json);
  EXPECT_EQ(o.out, "/r");
  EXPECT_THAT(complaint({"tag", "standup", "plain"}), HasSubstr("expected +TAG"));
  EXPECT_THAT(complaint({"tag", "standup", "+a,b"}), HasSubstr("no comma"));
  EXPECT_THAT(complaint({"tag", "standup", "+"}), HasSubstr("1 to 64 bytes"));
  EXPECT_THAT(complaint({"tag"}), HasSubstr("NAME"));
}

TEST(RecordingsCommandLine, ReadsShowAndKeep) {
  EXPECT_EQ(verb<ShowRecording>({"show", "x"}).name, "x");
  EXPECT_FALSE(verb<KeepRecording>({"keep", "x"}).off);
  EXPECT_TRUE(verb<KeepRecording>({"keep", "x", "--off"}).off);
}

TEST(RecordingsCommandLine, ReadsExpire) {
  const auto e =
      verb<ExpireRecordings>({"expire", "--keep", "30d", "--keep-count", "100", "--free", "20G"});
  EXPECT_EQ(*e.config.keep, std::chrono::hours(24 * 30));
  EXPECT_EQ(*e.config.keep_count, 100u);
  EXPECT_EQ(*e.config.free_bytes, 20'000'000'000u);
  EXPECT_FALSE(e.yes) << "a dry run, unless told otherwise";
  EXPECT_TRUE(verb<ExpireRecordings>({"expire", "--free", "1G", "--yes"}).yes);
  EXPECT_THAT(complaint({"expire"}), HasSubstr("expected --keep, --keep-count or --free"));
  EXPECT_THAT(complaint({"expire", "--free", "lots"}), HasSubstr("expected an amount of bytes"));
  EXPECT_THAT(complaint({"expire", "--keep", "long"}), HasSubstr("expected a duration"));
  EXPECT_THAT(complaint({"expire", "--keep-count", "-3"}), HasSubstr("--keep-count"));
}

TEST(RecordingsCommandLine, HelpIsThatOfTheVerbThatWasAsked) {
  const auto help = [](const std::vector<const char*>& words) {
    return std::get<HelpText>(*parse(words)).text;
  };
  EXPECT_THAT(help({"--help"}), HasSubstr("expire"));
  EXPECT_THAT(help({"expire", "--help"}), HasSubstr("callbot recordings expire"));
  EXPECT_THAT(help({"expire", "--help"}), HasSubstr("--keep-count"));
  EXPECT_THAT(help({"tag", "-h"}), HasSubstr("+TAG"));
}

TEST(DiskCommandLine, ReadsTheLimits) {
  const auto parse_words = [](std::vector<const char*> words) {
    words.insert(words.begin(), "callbot");
    return parse_command_line(static_cast<int>(words.size()), words.data());
  };
  const auto record = [&](std::vector<const char*> words) {
    words.insert(words.begin(), {"record", "ws://h/rooms/r"});
    return std::get<RecordOptions>(std::get<Invocation>(*parse_words(words)).verb).disk;
  };
  EXPECT_EQ(record({}).reserve, 500'000'000u);
  EXPECT_EQ(record({}).low(), 250'000'000u);
  EXPECT_EQ(record({"--reserve", "1G"}).low(), 500'000'000u);
  EXPECT_EQ(record({"--reserve", "1G", "--low-water", "0"}).low(), 0u);
  EXPECT_EQ(record({"--reserve", "0"}).low(), 0u);
  const auto serve = parse_words({"serve", "--record", "r", "--reserve", "2G"});
  EXPECT_EQ(std::get<ServeOptions>(std::get<Invocation>(*serve).verb).disk.reserve, 2'000'000'000u);
  const auto bad = parse_words({"serve", "--reserve", "1G", "--low-water", "2G"});
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("--low-water: expected at most"));
  EXPECT_THAT(parse_words({"serve", "--reserve", "much"}).error().message,
              HasSubstr("--reserve: \"much\": expected an amount"));
}

}  // namespace
}  // namespace callbot::bot
