#include "bot/cli.h"

#include "tests/support/command_line.h"

namespace callbot::bot {
namespace {

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
                                                                 {"marks", "--help"},
                                                                 {"selftest", "--help"},
                                                                 {"demo", "--help"}}) {
    auto parsed = parse(words);
    ASSERT_TRUE(parsed);
    EXPECT_NE(std::get<HelpText>(*parsed).text.find("Example"), std::string::npos) << words[0];
  }
  EXPECT_NE(std::get<HelpText>(*parse({"--help"})).text.find("130"), std::string::npos);
  EXPECT_NE(std::get<HelpText>(*parse({"send", "--help"})).text.find("Usage: callbot send"),
            std::string::npos);
}

TEST(CommandLine, ReadsSelftest) {
  EXPECT_FALSE(options<SelftestOptions>({"selftest"}).json);
  EXPECT_TRUE(options<SelftestOptions>({"selftest", "--json"}).json);
}

TEST(ExitStatus, IsOneListForTheWholeProgram) {
  EXPECT_EQ(exit_status({Code::kUsage, ""}), 2);
  EXPECT_EQ(exit_status({Code::kConnect, ""}), 3);
  EXPECT_EQ(exit_status({Code::kDenied, ""}), 3);
  EXPECT_EQ(exit_status({Code::kStorage, ""}), 4);
  EXPECT_EQ(exit_status({Code::kUnmeasured, ""}), 5);
  EXPECT_EQ(exit_status({Code::kInterrupted, ""}), 130);
}

}  // namespace
}  // namespace callbot::bot
