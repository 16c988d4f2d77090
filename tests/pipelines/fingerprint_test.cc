#include "pipelines/fingerprint.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace callbot::pipelines {
namespace {

using testing::HasSubstr;

// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test`; the
// fingerprints are what `openssl x509 -fingerprint` says of it.
constexpr char kCertificate[] = R"(-----BEGIN CERTIFICATE-----
MIIBdDCCARmgAwIBAgIUXo29EVCGb7q3R52HzBp70CvbxyowCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjEwNTQwNDNaFw0zNjExMTgwNTQwNDNa
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQl+rJL
+3Y8VXE0Gd2yDg/IXsPqvdmHO32biCXAU9h+Klxtv74Xqjd+NEw5T787aZOeHOpK
3DLmTTTe3J9okOSjo1MwUTAdBgNVHQ4EFgQUGPbqMPJ6HmzDXLafwZNZCWCYcokw
HwYDVR0jBBgwFoAUGPbqMPJ6HmzDXLafwZNZCWCYcokwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEA1R+S9Sa/jaH29bnbGEEUrrRulUI4mUS1r0L1
jJuja0kCIQC/ocFIkhMpndoX2QECZ2DZPAO4E7vbhOvMnN8W8ruHSA==
-----END CERTIFICATE-----
)";
constexpr char kSha256[] =
    "FE:8E:22:1B:BD:C9:DC:1A:9B:84:EA:3E:10:5E:E4:78:B3:8E:FB:A2:35:72:40:B6:97:A2:E3:68:46:3C:24:"
    "1A";
constexpr char kSha384[] =
    "06:CF:A8:D8:03:35:D1:8D:4F:4A:91:45:36:63:76:E1:02:AD:BA:A5:83:1E:A9:AE:66:80:50:74:A4:12:D2:"
    "22:64:C1:58:19:5C:DB:FF:48:D1:01:50:62:AA:B1:A5:9F";
constexpr char kSha512[] =
    "A7:E2:F9:3E:BD:2E:71:2A:81:72:BF:3B:13:BD:44:5C:6A:3E:F9:22:E3:D7:9B:48:1C:A1:25:21:2E:6F:50:"
    "CD:52:92:B8:8B:AA:E0:69:34:ED:05:D9:50:4A:5F:2D:AD:54:0D:D7:E4:42:77:FE:3A:E7:ED:F4:71:AB:06:"
    "B5:43";

TEST(Fingerprint, IsThatOfTheDerEncodedCertificate) {
  EXPECT_EQ(fingerprint_of(kCertificate, "sha-256"), kSha256);
  EXPECT_EQ(fingerprint_of(kCertificate, "SHA-384"), kSha384);
  EXPECT_EQ(fingerprint_of(kCertificate, "sha-512"), kSha512);
  EXPECT_EQ(fingerprint_of(kCertificate, "sha-1"), "");
  EXPECT_EQ(fingerprint_of("no certificate", "sha-256"), "");
}

TEST(Fingerprint, MatchesInAnyCase) {
  std::string lower = kSha256;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return tolower(c); });
  EXPECT_TRUE(certificate_matches(kCertificate, {{"sha-256", kSha256}}));
  EXPECT_TRUE(certificate_matches(kCertificate, {{"SHA-256", lower}}));
  EXPECT_TRUE(certificate_matches(kCertificate, {{"sha-512", kSha512}}));
}

TEST(Fingerprint, OfSeveralTheStrongestCounts) {
  EXPECT_TRUE(certificate_matches(kCertificate, {{"sha-256", "00:11"}, {"sha-512", kSha512}}));
  EXPECT_FALSE(certificate_matches(kCertificate, {{"sha-256", kSha256}, {"sha-512", "00:11"}}));
  EXPECT_TRUE(certificate_matches(kCertificate, {{"sha-256", "00:11"}, {"sha-256", kSha256}}));
}

TEST(Fingerprint, AMismatchIsDeniedAndSaysWhatCame) {
  const auto result = certificate_matches(kCertificate, {{"sha-256", "00:11"}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kDenied);
  EXPECT_THAT(result.error().message, HasSubstr(kSha256));
}

TEST(Fingerprint, WeakHashesNoneAndNoCertificateAreDenied) {
  EXPECT_EQ(certificate_matches(kCertificate, {{"sha-1", "00"}}).error().code, Code::kDenied);
  EXPECT_EQ(certificate_matches(kCertificate, {}).error().code, Code::kDenied);
  EXPECT_EQ(certificate_matches("", {{"sha-256", ""}}).error().code, Code::kDenied);
  EXPECT_EQ(certificate_matches("", {{"sha-256", kSha256}}).error().code, Code::kDenied);
}

}  // namespace
}  // namespace callbot::pipelines
