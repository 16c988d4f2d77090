#include "bot/cli_calls.h"

#include "tests/support/command_line.h"

namespace callbot::bot {
namespace {

TEST(CallsCommandLine, ReadsRecord) {
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

TEST(CallsCommandLine, TakesOneValueForEachRepeatableFlag) {
  const auto o = options<RecordOptions>(
      {"record", "--ice-server", "stun:a:1", "--interface", "lo", "ws://h/rooms/r"});
  EXPECT_EQ(o.join.url, "ws://h/rooms/r");
  EXPECT_EQ(o.join.ice_servers.size(), 1u);
}

TEST(CallsCommandLine, ReadsSend) {
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

TEST(CallsCommandLine, ReadsCheckCall) {
  const auto o =
      options<CheckCallOptions>({"check", "call", "ws://h/rooms/r", "--duration", "2s",
                                 "--max-bitrate", "4M", "--ice-server", "turn:u:p@b:2", "--json"});
  EXPECT_EQ(o.join.url, "ws://h/rooms/r");
  EXPECT_EQ(o.join.name, "check");
  EXPECT_EQ(o.duration, std::chrono::seconds(2));
  EXPECT_EQ(o.most_bitrate, 4'000'000);
  EXPECT_TRUE(o.json);
  EXPECT_EQ(
      options<CheckCallOptions>({"check", "call", "ws://h/rooms/r", "--no-bitrate"}).most_bitrate,
      0);
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"check"}, {"check", "call"}, {"check", "devices"}})
    EXPECT_EQ(parse(words).error().code, Code::kUsage);
}

TEST(CallsCommandLine, ReadsTheNetwork) {
  const auto send = options<SendOptions>({"send", "ws://h/rooms/r", "--network", "3g"});
  ASSERT_TRUE(send.join.network);
  EXPECT_DOUBLE_EQ(send.join.network->conditions.down.rate, 1.6e6);
  const auto record = options<RecordOptions>(
      {"record", "ws://h/rooms/r", "--network", R"({"down":{"loss":"10%"},"seed":5})"});
  ASSERT_TRUE(record.join.network);
  EXPECT_DOUBLE_EQ(record.join.network->conditions.down.loss, 0.1);
  EXPECT_EQ(record.join.network->seed, 5u);
  EXPECT_FALSE(options<SendOptions>({"send", "ws://h/rooms/r"}).join.network);
  for (const auto& [value, message] : std::vector<std::pair<const char*, const char*>>{
           {"5g", "--network: \"5g\": expected one of clean, edge, 3g"},
           {R"({"down":{"los":1}})", "--network: down.los: unknown setting"},
           {"{", "--network: not JSON"}}) {
    const auto said = complaint({"send", "ws://h/rooms/r", "--network", value});
    EXPECT_NE(said.find(message), std::string::npos) << said;
  }
}

TEST(CallsCommandLine, ReadsServe) {
  const auto o = options<ServeOptions>({"serve", "--listen", "[::1]:0", "--record", "r", "--open"});
  EXPECT_EQ(o.address, "::1");
  EXPECT_EQ(o.port, 0);
  EXPECT_EQ(*o.record, "r");
  EXPECT_TRUE(o.open);
  EXPECT_FALSE(options<ServeOptions>({"serve"}).record);
}

TEST(CallsCommandLine, TakesTheTokenFromTheEnvironment) {
  setenv("CALLBOT_TOKEN", "secret", 1);
  EXPECT_EQ(options<RecordOptions>({"record", "ws://h/rooms/r"}).join.token, "secret");
  unsetenv("CALLBOT_TOKEN");
}

TEST(CallsCommandLine, ReadsHowARecordingGoesOnAndEnds) {
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

TEST(CallsCommandLine, RefusesPatternsThatAreNone) {
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"record", "ws://h/rooms/r", "--exclude", "[a"},
        {"record", "ws://h/rooms/r", "--include", "[a"},
        {"serve", "--exclude", "[a"},
        {"ctl", "/r/x", "exclude", "b*", "[a"}}) {
    const std::string said = complaint(words);
    EXPECT_NE(said.find("\"[a\": a '[' without its ']'"), std::string::npos) << said;
  }
}

TEST(CallsCommandLine, UntilEmptyStandsAloneOrWithATime) {
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

TEST(CallsCommandLine, ReadsCtl) {
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
