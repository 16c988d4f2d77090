#include "bot/cli.h"

#include <gtest/gtest.h>

#include "tests/support/key_ring.h"

namespace callbot::bot {
namespace {

Result<std::variant<Invocation, HelpText>> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "callbot");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

template <class Options>
Options options(const std::vector<const char*>& words) {
  auto parsed = parse(words);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().message;
    return {};
  }
  return std::get<Options>(std::get<Invocation>(*parsed).verb);
}

std::string complaint(const std::vector<const char*>& words) {
  auto parsed = parse(words);
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().code, Code::kUsage);
  return parsed.error().message;
}

TEST(CommandLine, ReadsRecord) {
  const auto o = options<RecordOptions>(
      {"record", "ws://h/rooms/r", "--out", "/tmp/x", "--duration", "1m30s", "--until-empty",
       "--audio-only", "--ice-server", "stun:a:1", "--ice-server", "turn:u:p@b:2", "--interface",
       "lo", "--token", "t", "--insecure", "--on-finish", "/bin/true"});
  EXPECT_EQ(o.join.url, "ws://h/rooms/r");
  EXPECT_EQ(o.join.name, "recorder");
  EXPECT_EQ(o.out, "/tmp/x");
  EXPECT_EQ(*o.duration, std::chrono::seconds(90));
  EXPECT_TRUE(o.until_empty && o.audio_only && o.join.insecure);
  EXPECT_EQ(o.join.ice_servers.size(), 2u);
  EXPECT_EQ(o.join.interfaces, std::vector<std::string>{"lo"});
  EXPECT_EQ(o.on_finish, "/bin/true");
}

TEST(CommandLine, ReadsRepair) {
  const auto o = options<RepairOptions>({"repair", "/srv/r", "--json"});
  EXPECT_EQ(o.dir, "/srv/r");
  EXPECT_TRUE(o.json);
  EXPECT_TRUE(options<RecordOptions>({"record", "ws://h/rooms/r"}).repair);
  EXPECT_FALSE(options<RecordOptions>({"record", "ws://h/rooms/r", "--no-repair"}).repair);
}

TEST(CommandLine, TakesOneValueForEachRepeatableFlag) {
  const auto o = options<RecordOptions>(
      {"record", "--ice-server", "stun:a:1", "--interface", "lo", "ws://h/rooms/r"});
  EXPECT_EQ(o.join.url, "ws://h/rooms/r");
  EXPECT_EQ(o.join.ice_servers.size(), 1u);
}

TEST(CommandLine, ReadsKeys) {
  const test::TestKeys keys;
  const std::string text = to_text(keys.pair.public_key);
  // The file, or what stands in it.
  for (const std::string& given : {keys.pair.public_file.string(), text}) {
    EXPECT_EQ(options<RecordOptions>({"record", "ws://h/rooms/r", "--encrypt-to", given.c_str()})
                  .rules.encrypt_to,
              keys.pair.public_key);
    EXPECT_EQ(options<ServeOptions>({"serve", "--encrypt-to", given.c_str()}).rules.encrypt_to,
              keys.pair.public_key);
  }
  EXPECT_FALSE(options<RecordOptions>({"record", "ws://h/rooms/r"}).rules.encrypt_to);
  EXPECT_NE(complaint({"record", "ws://h/rooms/r", "--encrypt-to", "/none.pub"}).find("/none.pub"),
            std::string::npos);
  for (const char* verb : {"verify", "report", "show", "repair", "export", "compose", "unseal"}) {
    std::vector<const char*> words{verb, "/srv/r", "--key", keys.pair.secret_file.c_str()};
    if (std::string(verb) == "export") words.insert(words.end(), {"--to", "mp4"});
    if (std::string(verb) == "unseal") words.insert(words.end(), {"--out", "/x"});
    const auto parsed = parse(words);
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto& given = std::get<Invocation>(*parsed).keys;
    ASSERT_EQ(given.size(), 1u) << verb;
    EXPECT_EQ(given[0].public_key(), keys.pair.public_key);
  }
}

TEST(CommandLine, ReadsExport) {
  const auto o = options<ExportOptions>(
      {"export", "/r/1", "--to", "wav", "--participant", "Ann", "--out", "/x", "--whole"});
  EXPECT_EQ(o.dir, "/r/1");
  EXPECT_EQ(o.to, "wav");
  EXPECT_EQ(o.participant, "Ann");
  EXPECT_EQ(o.out, "/x");
  EXPECT_TRUE(o.whole);
  EXPECT_NE(complaint({"export", "/r/1", "--to", "flv"}).find("mp4"), std::string::npos);
  EXPECT_NE(complaint({"export", "/r/1"}).find("--to"), std::string::npos);
}

TEST(CommandLine, ReadsCompose) {
  const auto usual = options<ComposeOptions>({"compose", "/r/1"});
  EXPECT_EQ(usual.layout, "grid");
  EXPECT_EQ(usual.width, 1280);
  EXPECT_EQ(usual.fps, 30);
  EXPECT_TRUE(usual.out.empty());
  const auto o = options<ComposeOptions>({"compose", "/r/1", "--layout", "side-by-side", "--size",
                                          "1920x1080", "--fps", "25", "--out", "a.webm"});
  EXPECT_EQ(o.dir, "/r/1");
  EXPECT_EQ(o.layout, "side-by-side");
  EXPECT_EQ(o.height, 1080);
  EXPECT_EQ(o.fps, 25);
  EXPECT_EQ(o.out, "a.webm");
  EXPECT_NE(complaint({"compose", "/r/1", "--layout", "mosaic"}).find("speaker"),
            std::string::npos);
  EXPECT_NE(complaint({"compose", "/r/1", "--size", "641x360"}).find("even"), std::string::npos);
}

TEST(CommandLine, ReadsSend) {
  const auto o = options<SendOptions>({"send", "ws://h/rooms/r", "--video", "pattern", "--audio",
                                       "none", "--size", "640x360", "--fps", "25", "--bitrate",
                                       "0.5M", "--codec", "h264", "--count", "3"});
  EXPECT_TRUE(o.video);
  EXPECT_FALSE(o.audio);
  EXPECT_EQ(o.width, 640);
  EXPECT_EQ(o.height, 360);
  EXPECT_EQ(o.fps, 25);
  EXPECT_EQ(o.bitrate, 500'000);
  EXPECT_EQ(o.codec, "h264");
  EXPECT_EQ(o.count, 3);
}

TEST(CommandLine, ReadsServe) {
  const auto o = options<ServeOptions>({"serve", "--listen", "[::1]:0", "--record", "r", "--open"});
  EXPECT_EQ(o.address, "::1");
  EXPECT_EQ(o.port, 0);
  EXPECT_EQ(*o.record, "r");
  EXPECT_TRUE(o.open);
  EXPECT_FALSE(options<ServeOptions>({"serve"}).record);
}

TEST(CommandLine, ReadsVerifyAndReport) {
  const auto v = options<VerifyOptions>(
      {"verify", "dir", "--json", "--save", "--set", "gap_warn=1", "--set", "gap_fail=5"});
  EXPECT_EQ(v.dir, "dir");
  EXPECT_TRUE(v.json && v.save);
  EXPECT_EQ(v.sets, (std::vector<std::string>{"gap_warn=1", "gap_fail=5"}));
  const auto r =
      options<ReportOptions>({"report", "--set", "gap_warn=1", "dir", "--out", "a.html"});
  EXPECT_EQ(r.verify.dir, "dir");
  EXPECT_EQ(r.verify.sets.size(), 1u);
  EXPECT_EQ(r.out, "a.html");
  EXPECT_FALSE(r.judge_anew);
}

TEST(CommandLine, NamesTheFlagAndWhatWasExpected) {
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(complaint({"record", "ws://h/rooms/r", "--duration", "soon"}),
      "--duration: \"soon\": expected a duration such as 10s");
  has(complaint({"send", "ws://h/rooms/r", "--size", "640"}), "\"640\": expected WIDTHxHEIGHT");
  has(complaint({"send", "ws://h/rooms/r", "--size", "641x360"}), "even");
  has(complaint({"send", "ws://h/rooms/r", "--bitrate", "fast"}), "\"fast\": expected a bit rate");
  has(complaint({"send", "ws://h/rooms/r", "--codec", "mp3"}), "--codec");
  has(complaint({"send", "ws://h/rooms/r", "--count", "0"}), "--count");
  has(complaint({"serve", "--listen", "8080"}), "\"8080\": expected ADDRESS:PORT");
  has(complaint({"serve", "--listen", "h:99999"}), "expected ADDRESS:PORT");
  has(complaint({"record"}), "URL");
  has(complaint({"dance"}), "Try \"callbot --help\".");
  has(complaint({"record", "ws://h/rooms/r", "--ca", "/no/such/file"}), "/no/such/file");
}

TEST(CommandLine, ExplainsItself) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"--help"},
                                                                 {"record", "--help"},
                                                                 {"send", "--help"},
                                                                 {"serve", "--help"},
                                                                 {"verify", "--help"},
                                                                 {"report", "--help"},
                                                                 {"show", "--help"},
                                                                 {"compose", "--help"},
                                                                 {"demo", "--help"}}) {
    auto parsed = parse(words);
    ASSERT_TRUE(parsed);
    EXPECT_NE(std::get<HelpText>(*parsed).text.find("Example"), std::string::npos) << words[0];
  }
  EXPECT_NE(std::get<HelpText>(*parse({"--help"})).text.find("130"), std::string::npos);
  EXPECT_NE(std::get<HelpText>(*parse({"send", "--help"})).text.find("Usage: callbot send"),
            std::string::npos);
}

TEST(CommandLine, TakesTheTokenFromTheEnvironment) {
  setenv("CALLBOT_TOKEN", "secret", 1);
  EXPECT_EQ(options<RecordOptions>({"record", "ws://h/rooms/r"}).join.token, "secret");
  unsetenv("CALLBOT_TOKEN");
}

TEST(ExitStatus, IsOneListForTheWholeProgram) {
  EXPECT_EQ(exit_status({Code::kUsage, ""}), 2);
  EXPECT_EQ(exit_status({Code::kConnect, ""}), 3);
  EXPECT_EQ(exit_status({Code::kDenied, ""}), 3);
  EXPECT_EQ(exit_status({Code::kStorage, ""}), 4);
  EXPECT_EQ(exit_status({Code::kUnmeasured, ""}), 5);
  EXPECT_EQ(exit_status({Code::kInterrupted, ""}), 130);
}

TEST(CommandLine, ReadsHowARecordingGoesOnAndEnds) {
  const auto o = options<RecordOptions>({"record",         "ws://h/rooms/r",
                                         "--segment",      "10m",
                                         "--segment",      "500M",
                                         "--max-duration", "2h",
                                         "--max-size",     "2G",
                                         "--until-silent", "10m",
                                         "--include",      "a*",
                                         "--include",      "b*",
                                         "--exclude",      "bot-*",
                                         "--layer",        "low"});
  EXPECT_EQ(*o.rules.segment_duration, std::chrono::minutes(10));
  EXPECT_EQ(o.rules.segment_bytes, 500'000'000u);
  EXPECT_EQ(*o.duration, std::chrono::hours(2));
  EXPECT_EQ(o.rules.most_bytes, 2'000'000'000u);
  EXPECT_EQ(*o.rules.until_silent, std::chrono::minutes(10));
  EXPECT_EQ(o.rules.include, (std::vector<std::string>{"a*", "b*"}));
  EXPECT_EQ(o.rules.exclude, std::vector<std::string>{"bot-*"});
  EXPECT_EQ(o.rules.layer, "low");
  EXPECT_NE(complaint({"record", "ws://h/rooms/r", "--segment", "10x"}).find("10x"),
            std::string::npos);
  EXPECT_NE(complaint({"record", "ws://h/rooms/r", "--max-size", "10m"}).find("10m"),
            std::string::npos);
}

TEST(CommandLine, UntilEmptyStandsAloneOrWithATime) {
  using Words = std::vector<const char*>;
  struct Case {
    Words words;
    std::chrono::milliseconds empty_for;
  };
  for (const Case& c :
       {Case{{"record", "--until-empty", "ws://h/rooms/r"}, {}},
        Case{{"record", "ws://h/rooms/r", "--until-empty"}, {}},
        Case{{"record", "--until-empty", "60s", "ws://h/rooms/r"}, std::chrono::minutes(1)},
        Case{{"record", "ws://h/rooms/r", "--until-empty=90"}, std::chrono::seconds(90)},
        Case{{"record", "--until-empty", "--audio-only", "ws://h/rooms/r"}, {}}}) {
    const auto o = options<RecordOptions>(c.words);
    EXPECT_EQ(o.join.url, "ws://h/rooms/r");
    EXPECT_TRUE(o.until_empty);
    EXPECT_EQ(o.rules.empty_for, c.empty_for);
  }
  EXPECT_FALSE(options<RecordOptions>({"record", "ws://h/rooms/r"}).until_empty);
}

TEST(CommandLine, ReadsCtl) {
  auto o = options<CtlOptions>({"ctl", "/r/x", "pause", "--member", "alice", "--policy", "slate"});
  EXPECT_EQ(o.dir, "/r/x");
  EXPECT_EQ(o.command, "pause");
  EXPECT_EQ(o.member, "alice");
  EXPECT_EQ(o.policy, "slate");
  o = options<CtlOptions>({"ctl", "/r/x", "mark", "a decision", "--json"});
  EXPECT_EQ(o.command, "mark");
  EXPECT_EQ(o.text, "a decision");
  EXPECT_TRUE(o.json);
  o = options<CtlOptions>({"ctl", "/r/x", "exclude", "b*", "c*"});
  EXPECT_EQ(o.patterns, (std::vector<std::string>{"b*", "c*"}));
  EXPECT_EQ(options<CtlOptions>({"ctl", "/r/x", "status"}).command, "status");
  const auto bogus = parse({"ctl", "/r/x", "bogus"});
  ASSERT_FALSE(bogus);
  EXPECT_EQ(bogus.error().message,
            "ctl: no such command: \"bogus\", expected one of pause, resume, mark, split, status, "
            "include, exclude\nTry \"callbot ctl --help\".");
  for (const std::vector<const char*>& words : {std::vector<const char*>{"ctl", "/r/x"},
                                                {"ctl", "/r/x", "stop"},
                                                {"ctl", "/r/x", "mark"},
                                                {"ctl", "/r/x", "pause", "--policy", "delete"},
                                                {"ctl", "/r/x", "include"}})
    EXPECT_NE(complaint(words), "no error");
}

}  // namespace
}  // namespace callbot::bot
