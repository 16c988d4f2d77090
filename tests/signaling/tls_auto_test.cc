#include "signaling/tls_auto.h"

#include <gio/gio.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/clock.h"
#include "base/files.h"
#include "base/gref.h"
#include "tests/support/temp_folder.h"

namespace callbot::signaling {
namespace {

using test::TempFolder;
using testing::Contains;
using testing::HasSubstr;

const std::vector<std::string> kNames = {"localhost", "127.0.0.1", "::1", "bot.example"};

AutoCertificate make(const fs::path& folder, const std::vector<std::string>& names = kNames) {
  auto made = auto_certificate(folder, names);
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : AutoCertificate{};
}

std::string text_in(const fs::path& path) { return read_file(path, 1u << 20).value_or(""); }

// As a TLS client would: does this authority vouch for that name?
GTlsCertificateFlags verify(const AutoCertificate& made, GSocketConnectable* identity) {
  auto server = GRef<GTlsCertificate>::adopt(
      g_tls_certificate_new_from_file(made.cert_file.c_str(), nullptr));
  auto ca =
      GRef<GTlsCertificate>::adopt(g_tls_certificate_new_from_file(made.ca_file.c_str(), nullptr));
  return g_tls_certificate_verify(server.get(), identity, ca.get());
}
GTlsCertificateFlags verify_name(const AutoCertificate& made, const char* name) {
  auto address = GRef<GSocketConnectable>::adopt(g_network_address_new(name, 443));
  return verify(made, address.get());
}
GTlsCertificateFlags verify_address(const AutoCertificate& made, const char* text) {
  auto address = GRef<GSocketAddress>::adopt(g_inet_socket_address_new_from_string(text, 443));
  return verify(made, G_SOCKET_CONNECTABLE(address.get()));
}

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

TEST(TlsAuto, MakesACertificateThatItsAuthorityVouchesFor) {
  TempFolder folder;
  const auto made = make(folder.path() / "tls");
  EXPECT_TRUE(made.made_ca);
  EXPECT_TRUE(made.made_certificate);
  EXPECT_EQ(verify_name(made, "localhost"), 0);
  EXPECT_EQ(verify_name(made, "bot.example"), 0);
  EXPECT_EQ(verify_address(made, "127.0.0.1"), 0);
  EXPECT_EQ(verify_address(made, "::1"), 0);
  EXPECT_NE(verify_name(made, "elsewhere.example"), 0);
  EXPECT_NE(verify_address(made, "192.0.2.1"), 0);
}

TEST(TlsAuto, KeysAreForTheOwnerAlone) {
  TempFolder folder;
  const auto made = make(folder.path());
  EXPECT_EQ(mode_of(made.key_file), 0600);
  EXPECT_EQ(mode_of(folder.path() / "ca-key.pem"), 0600);
  ASSERT_EQ(chmod(made.key_file.c_str(), 0644), 0);
  make(folder.path());
  EXPECT_EQ(mode_of(made.key_file), 0600);
  for (const auto& entry : fs::directory_iterator(folder.path()))
    EXPECT_THAT((std::vector<std::string>{"ca.pem", "ca-key.pem", "server.pem", "server-key.pem"}),
                Contains(entry.path().filename().string()));
}

TEST(TlsAuto, KeepsWhatIsGood) {
  TempFolder folder;
  const auto first = make(folder.path());
  const std::string ca = text_in(first.ca_file);
  const std::string certificate = text_in(first.cert_file);
  const auto second = make(folder.path());
  EXPECT_FALSE(second.made_ca);
  EXPECT_FALSE(second.made_certificate);
  EXPECT_EQ(text_in(second.ca_file), ca);
  EXPECT_EQ(text_in(second.cert_file), certificate);
}

TEST(TlsAuto, ANewAddressMakesANewCertificateOfTheSameAuthority) {
  TempFolder folder;
  make(folder.path());
  auto names = kNames;
  names.emplace_back("192.0.2.7");
  const auto made = make(folder.path(), names);
  EXPECT_FALSE(made.made_ca);
  EXPECT_TRUE(made.made_certificate);
  EXPECT_EQ(verify_address(made, "192.0.2.7"), 0);
}

TEST(TlsAuto, RenewsBeforeItExpires) {
  TempFolder folder;
  make(folder.path());
  constexpr int64_t kDayNs = 24LL * 3600 * 1'000'000'000;
  const int64_t now = wall_ns();
  {
    FakeClock clock(monotonic_ns(), now + 360 * kDayNs);
    EXPECT_FALSE(make(folder.path()).made_certificate);
  }
  {
    FakeClock clock(monotonic_ns(), now + 370 * kDayNs);
    const auto made = make(folder.path());
    EXPECT_TRUE(made.made_certificate);
    EXPECT_FALSE(made.made_ca);
  }
  {
    FakeClock clock(monotonic_ns(), now + 3630 * kDayNs);
    const auto made = make(folder.path());
    EXPECT_TRUE(made.made_ca);
    EXPECT_TRUE(made.made_certificate);
  }
}

TEST(TlsAuto, BrokenAndMixedUpFilesAreMadeAnew) {
  TempFolder folder;
  const auto made = make(folder.path());
  std::ofstream(made.cert_file) << "not a certificate";
  EXPECT_TRUE(make(folder.path()).made_certificate);
  EXPECT_EQ(verify_name(made, "localhost"), 0);

  fs::remove(made.key_file);
  EXPECT_TRUE(make(folder.path()).made_certificate);

  TempFolder other;
  const auto foreign = make(other.path());
  fs::copy_file(foreign.key_file, made.key_file, fs::copy_options::overwrite_existing);
  EXPECT_TRUE(make(folder.path()).made_certificate);

  // A certificate of another authority.
  fs::copy_file(foreign.ca_file, made.ca_file, fs::copy_options::overwrite_existing);
  fs::copy_file(other.path() / "ca-key.pem", folder.path() / "ca-key.pem",
                fs::copy_options::overwrite_existing);
  const auto last = make(folder.path());
  EXPECT_FALSE(last.made_ca);
  EXPECT_TRUE(last.made_certificate);
  EXPECT_EQ(verify_name(last, "localhost"), 0);
}

TEST(TlsAuto, AFolderThatCannotBeUsedIsAStorageError) {
  TempFolder folder;
  std::ofstream(folder.path() / "file") << "in the way";
  auto made = auto_certificate(folder.path() / "file", kNames);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kStorage);
  EXPECT_THAT(made.error().message, HasSubstr("file"));
}

TEST(TlsAuto, KnowsThisHostsNames) {
  const auto names = host_names();
  EXPECT_THAT(names, Contains("localhost"));
  EXPECT_THAT(names, Contains("127.0.0.1"));
  EXPECT_THAT(names, Each(Not(HasSubstr("%"))));
}

TEST(TlsAuto, SaysHowToTrustIt) {
  TempFolder folder;
  const auto made = make(folder.path());
  const std::string text = how_to_trust(made);
  EXPECT_THAT(text, HasSubstr(made.ca_file.string()));
  for (const char* words : {"update-ca-certificates", "Firefox", "Chromium", "Android", "iPhone",
                            "--ca", "bot.example"})
    EXPECT_THAT(text, HasSubstr(words));
}

}  // namespace
}  // namespace callbot::signaling
