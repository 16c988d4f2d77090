// Encrypted recordings as their users meet them: keys, a call that is recorded, and what can be
// done with it without and with the secret key.
#include "bot/key.h"

#include <gmock/gmock.h>
#include <signal.h>

#include "base/files.h"
#include "recordings/manifest.h"
#include "recordings/verify.h"
#include "tests/support/call_room.h"
#include "tests/support/media_on_disk.h"
#include "tests/support/program.h"

namespace callbot::bot {
namespace {

using test::Program;
using ::testing::HasSubstr;

class KeyTest : public test::CallRoom {
 protected:
  KeyTest() { EXPECT_EQ(run({"key", name_}), kExitGood) << said_; }

  int run(std::vector<std::string> words) {
    Program program(loop_, Program::callbot(std::move(words)));
    const int status = program.wait(kPatience);
    said_ = program.output();
    return status;
  }
  std::vector<std::string> record(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"record", host_.url(),    "--out",
                                   out_,     "--encrypt-to", name_ + ".pub"};
    words.insert(words.end(), more.begin(), more.end());
    return Program::callbot(words);
  }
  fs::path folder() const {
    std::error_code none_yet;
    for (const auto& entry : fs::directory_iterator(out_, none_yet)) {
      if (entry.is_directory()) return entry.path();
    }
    return {};
  }
  bool records(uintmax_t bytes) {
    return loop_.run_until([&] { return test::media_on_disk(folder(), "alice") > bytes; },
                           kPatience);
  }

  const std::string name_ = (folder_.path() / "archive").string();
  const std::string out_ = (folder_.path() / "out").string();
  std::string said_;
};

TEST_F(KeyTest, ACallIsRecordedForTheKeyAloneAndJudgedAtItsEnd) {
  start(small("alice"));
  Program recorder(loop_, record());
  ASSERT_TRUE(records(100'000)) << recorder.output();
  recorder.signal(SIGTERM);
  ASSERT_EQ(recorder.wait(kPatience), kExitGood) << recorder.output();
  EXPECT_EQ(recorder.event("verdict").at("verdict").at("verdict").text(), "PASS")
      << recorder.output();
  const fs::path dir = folder();
  for (const auto& entry : fs::directory_iterator(dir / "media"))
    EXPECT_EQ(entry.path().extension(), ".sealed");

  const auto key = to_text(*recordings::read_public_key(name_ + ".pub"));
  EXPECT_EQ(run({"verify", dir}), kExitUnmeasured) << said_;
  EXPECT_THAT(said_, HasSubstr("--key"));
  EXPECT_THAT(said_, HasSubstr(key));
  EXPECT_EQ(run({"export", dir, "--to", "mkv"}), kExitUnmeasured) << said_;
  EXPECT_THAT(said_, HasSubstr(key));
  EXPECT_EQ(run({"show", dir}), kExitGood) << said_;
  EXPECT_TRUE(fs::is_empty(dir / "exports"));
  EXPECT_EQ(run({"verify", dir, "--key", name_ + ".key"}), kExitGood) << said_;
  EXPECT_THAT(said_, HasSubstr("PASS"));
  EXPECT_EQ(run({"export", dir, "--to", "mkv", "--key", name_ + ".key"}), kExitGood) << said_;
  EXPECT_TRUE(fs::exists(dir / "exports" / "alice.mkv"));
  EXPECT_EQ(run({"repair", dir}), kExitGood) << said_;  // there is nothing to look into

  const fs::path sealed = dir / "media" / "alice-1.mkv.sealed";
  const std::string plain = (folder_.path() / "plain.mkv").string();
  EXPECT_EQ(run({"unseal", sealed, "--out", plain}), kExitUnmeasured) << said_;
  EXPECT_FALSE(fs::exists(plain));
  EXPECT_EQ(run({"unseal", sealed, "--out", plain, "--key", name_ + ".key"}), kExitGood) << said_;
  EXPECT_EQ(read_file(plain, 1 << 26)->substr(0, 4), "\x1A\x45\xDF\xA3");
  EXPECT_EQ(run({"unseal", sealed, "--out", plain, "--key", name_ + ".key"}), kExitStorage)
      << said_;
  EXPECT_EQ(run({"unseal", plain, "--out", plain + "2"}), kExitUnmeasured) << said_;
  EXPECT_THAT(said_, HasSubstr("not a sealed file"));
  fs::copy_file(sealed, plain + ".sealed.part");  // as what came of a file in part is called
  EXPECT_EQ(run({"unseal", plain + ".sealed.part", "--out", plain + "2", "--key", name_ + ".key"}),
            kExitGood)
      << said_;
}

TEST_F(KeyTest, KilledItGoesOnEncryptedAndIsMendedWithTheKey) {
  start(small("alice"));
  {
    Program killed(loop_, record());
    ASSERT_TRUE(records(60'000)) << killed.output();
    killed.signal(SIGKILL);
    ASSERT_EQ(killed.wait(kPatience), 128 + SIGKILL);
  }
  const fs::path dir = folder();
  const uintmax_t before = test::media_on_disk(dir, "alice");
  Program again(loop_, record({"--resume", dir}));
  ASSERT_TRUE(records(before + 60'000)) << again.output();
  again.signal(SIGTERM);
  // What the first process wrote only the key opens: there is no verdict over all of it.
  EXPECT_EQ(again.wait(kPatience), kExitUnmeasured) << again.output();
  EXPECT_THAT(again.output(), HasSubstr("--key"));

  EXPECT_EQ(run({"repair", dir}), kExitUnmeasured) << said_;
  EXPECT_THAT(said_, HasSubstr("--key"));
  const int mended = run({"repair", dir, "--key", name_ + ".key"});
  const auto verdict = recordings::saved_verdict(dir);  // of a call with a hole
  ASSERT_TRUE(verdict) << said_;
  EXPECT_EQ(mended, verdict->severity == recordings::Severity::kFail ? kExitNotGood : kExitGood)
      << said_;
  EXPECT_EQ(run({"verify", dir, "--key", name_ + ".key", "--set", "gap_fail=60", "--set",
                 "coverage_fail=0.1"}),
            kExitGood)
      << said_;
  const auto loaded = recordings::load(dir);
  ASSERT_TRUE(loaded);
  EXPECT_GE(loaded->manifest.media.size(), 2u);
  for (const auto& f : loaded->manifest.media) {
    EXPECT_TRUE(recordings::is_sealed(f.path)) << f.path;
    EXPECT_TRUE(f.duration_ns) << f.path;
  }
}

TEST_F(KeyTest, AnotherRecorderLeavesALockedOneAloneAndSaysSo) {
  start(small("alice"));
  {
    Program killed(loop_, record());
    ASSERT_TRUE(records(30'000)) << killed.output();
    killed.signal(SIGKILL);
    killed.wait(kPatience);
  }
  const fs::path dir = folder();
  const auto journal = *read_file(dir / "journal.jsonl", 1 << 24);
  Program next(loop_, record());
  EXPECT_THAT(next.event("not-repaired", 1, kPatience).at("message").text().value_or(""),
              HasSubstr("--key"))
      << next.output();
  next.signal(SIGTERM);
  next.wait(kPatience);
  EXPECT_EQ(*read_file(dir / "journal.jsonl", 1 << 24), journal);
}

TEST_F(KeyTest, AServerHandsTheKeyToItsRecorders) {
  Program server(loop_, Program::callbot({"serve", "--listen", "127.0.0.1:0", "--record", out_,
                                          "--encrypt-to", name_ + ".pub"}));
  const auto url = server.event("serving").at("url").text();
  ASSERT_TRUE(url) << server.output();
  fs::remove(name_ + ".pub");  // it has been read
  auto alice = small("alice");
  alice.join.url = "ws" + url->substr(4) + "/rooms/sealed";
  start(alice);
  ASSERT_TRUE(records(60'000)) << server.output();
  EXPECT_TRUE(fs::exists(folder() / "media" / "alice-1.mkv.sealed"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(kPatience), kExitGood) << server.output();
  EXPECT_EQ(run({"verify", folder(), "--key", name_ + ".key"}), kExitGood) << said_;
}

TEST_F(KeyTest, AWrongKeyFileIsWrongUse) {
  EXPECT_EQ(run({"record", host_.url(), "--encrypt-to", name_ + ".key"}), kExitUsage);
  EXPECT_THAT(said_, HasSubstr("this is a secret key"));
  EXPECT_EQ(run({"verify", out_, "--key", name_ + ".pub"}), kExitUsage);
  EXPECT_THAT(said_, HasSubstr("this is a public key"));
  EXPECT_EQ(run({"key", name_}), kExitUsage);
  EXPECT_THAT(said_, HasSubstr("never overwritten"));
}

}  // namespace
}  // namespace callbot::bot
