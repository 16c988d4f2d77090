#include "recordings/keys.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "base/files.h"
#include "tests/support/key_ring.h"

namespace callbot::recordings {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Keys : public ::testing::Test {
 protected:
  fs::path put(const std::string& text) {
    std::ofstream(folder_.path() / "file", std::ios::binary) << text;
    return folder_.path() / "file";
  }
  test::TempFolder folder_;
  test::TestKeys keys_;
};

TEST_F(Keys, APairIsTwoFilesOfOneLineAndTheSecretOneIsForItsOwnerAlone) {
  struct stat s {};
  ASSERT_EQ(stat(keys_.pair.secret_file.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
  const auto text = *read_file(keys_.pair.public_file, 1000);
  EXPECT_EQ(text, to_text(keys_.pair.public_key) + "\n");
  EXPECT_THAT(text, StartsWith("callbot-public-key-1 "));
  EXPECT_THAT(*read_file(keys_.pair.secret_file, 1000), StartsWith("callbot-secret-key-1 "));
  EXPECT_EQ(*read_public_key(keys_.pair.public_file), keys_.pair.public_key);
  EXPECT_EQ(keys_.secret().public_key(), keys_.pair.public_key);
}

TEST_F(Keys, NothingIsEverOverwritten) {
  for (const char* there : {".pub", ".key"}) {
    const fs::path name = folder_.path() / (std::string("n") + there);
    std::ofstream(fs::path(name).concat(there)) << "mine";
    const auto made = make_key_pair(name);
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message, HasSubstr(std::string("n") + there + there));
    EXPECT_EQ(*read_file(fs::path(name).concat(there), 100), "mine");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), there[1] == 'p' ? 1 : 2);
  }
}

TEST_F(Keys, ABadKeyFileIsNamedWithWhatWasExpected) {
  const std::string line = to_text(keys_.pair.public_key);
  for (const auto& [text, expected] :
       {std::pair<std::string, const char*>{"", "callbot-public-key-1 BASE64"},
        {"ssh-ed25519 AAAA", "callbot-public-key-1 BASE64"},
        {"callbot-public-key-1", "32 bytes in base64"},
        {"callbot-public-key-1 AAAA", "32 bytes in base64"},
        {line + "AAAA", "32 bytes in base64"},
        {line.substr(0, line.size() - 1) + "!", "32 bytes in base64"},
        {std::string(5000, 'a'), "larger than"}}) {
    const auto key = read_public_key(put(text));
    ASSERT_FALSE(key) << text;
    EXPECT_THAT(key.error().message, HasSubstr("file"));
    EXPECT_THAT(key.error().message, HasSubstr(expected)) << text;
  }
  EXPECT_FALSE(read_public_key(folder_.path() / "none"));
  EXPECT_EQ(*parse_public_key(line + "\r\n"), keys_.pair.public_key);
}

TEST_F(Keys, OneGivenForTheOtherIsToldSo) {
  EXPECT_THAT(read_public_key(keys_.pair.secret_file).error().message,
              HasSubstr("this is a secret key"));
  EXPECT_THAT(read_secret_key(keys_.pair.public_file).error().message,
              HasSubstr("this is a public key"));
}

TEST_F(Keys, OnlyTheSecretKeyOpensAndAnErrorNamesTheOneThatWould) {
  FileKey key{};
  key[5] = 7;
  const SealedFileKey box = seal(keys_.pair.public_key, key);
  const auto without = KeyRing::ours().open(keys_.pair.public_key, box);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, Code::kDenied);
  EXPECT_THAT(without.error().message, HasSubstr(to_text(keys_.pair.public_key)));
  EXPECT_THAT(without.error().message, HasSubstr("--key"));
  keys_.take_secret();
  EXPECT_EQ(*KeyRing::ours().open(keys_.pair.public_key, box), key);
  SealedFileKey harmed = box;
  harmed[40] ^= 1;
  EXPECT_EQ(KeyRing::ours().open(keys_.pair.public_key, harmed).error().code, Code::kBadInput);
  const test::TestKeys others;
  others.take_secret();
  EXPECT_EQ(KeyRing::ours().open(keys_.pair.public_key, box).error().code, Code::kDenied);
}

TEST_F(Keys, AreNotMadeWithoutAName) {
  const test::TempFolder folder;
  for (const fs::path& name : {fs::path(), folder.path() / ""}) {
    const auto made = make_key_pair(name);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kUsage);
  }
}

TEST_F(Keys, ATextIsSealedAsAWhole) {
  const std::string text = "déjà vu, and vugfkqzjxw \"\n";  // a word that no base64 holds by chance
  const std::string sealed = seal_text(keys_.pair.public_key, text);
  EXPECT_THAT(sealed, Not(HasSubstr("vugfkqzjxw")));
  EXPECT_FALSE(KeyRing::ours().open_text(sealed));
  keys_.take_secret();
  EXPECT_EQ(KeyRing::ours().open_text(sealed), text);
  EXPECT_EQ(KeyRing::ours().open_text(seal_text(keys_.pair.public_key, "")), "");
  for (const char* bad : {"", "AAAA", "no base64"}) EXPECT_FALSE(KeyRing::ours().open_text(bad));
}

}  // namespace
}  // namespace callbot::recordings
