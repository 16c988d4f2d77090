#include "bot/cli_folders.h"

#include "tests/support/command_line.h"
#include "tests/support/key_ring.h"

namespace callbot::bot {
namespace {

TEST(FoldersCommandLine, ReadsRepair) {
  const auto o = options<RepairOptions>({"repair", "/srv/r", "--json"});
  EXPECT_EQ(o.dir, "/srv/r");
  EXPECT_TRUE(o.json);
  EXPECT_TRUE(options<RecordOptions>({"record", "ws://h/rooms/r"}).repair);
  EXPECT_FALSE(options<RecordOptions>({"record", "ws://h/rooms/r", "--no-repair"}).repair);
}

TEST(FoldersCommandLine, ReadsKeys) {
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

TEST(FoldersCommandLine, ReadsMarks) {
  const auto o =
      options<MarksOptions>({"marks", "a.mp4", "b.webm", "--plan", "/dev/null", "--json"});
  EXPECT_EQ(o.files, (std::vector<fs::path>{"a.mp4", "b.webm"}));
  EXPECT_EQ(o.plan, "/dev/null");
  EXPECT_TRUE(o.json);
  EXPECT_FALSE(o.each);
  EXPECT_TRUE(options<MarksOptions>({"marks", "a.mp4", "--json", "--each"}).each);
  EXPECT_NE(complaint({"marks", "a.mp4", "--each"}).find("--json"), std::string::npos);
  EXPECT_NE(complaint({"marks"}).find("FILE"), std::string::npos);
  EXPECT_NE(complaint({"marks", "a.mp4", "--plan", "/none.json"}).find("--plan"),
            std::string::npos);
}

TEST(FoldersCommandLine, ReadsExport) {
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

TEST(FoldersCommandLine, ReadsCompose) {
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

TEST(FoldersCommandLine, ReadsVerifyAndReport) {
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

}  // namespace
}  // namespace callbot::bot
