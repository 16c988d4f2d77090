#include "pipelines/fingerprint.h"

#include <fmt/format.h>
#include <glib.h>
#include <strings.h>

#include <optional>

#include "base/gref.h"

namespace callbot::pipelines {
namespace {

struct Hash {
  const char* name;
  GChecksumType type;
};
constexpr Hash kHashes[] = {
    // strongest first
    {"sha-512", G_CHECKSUM_SHA512},
    {"sha-384", G_CHECKSUM_SHA384},
    {"sha-256", G_CHECKSUM_SHA256},
};

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// The first certificate in a PEM text, as DER.
std::optional<std::string> der_of(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const size_t begin = pem.find(kBegin);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = pem.find(kEnd, begin);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string body(pem.substr(begin + kBegin.size(), end - begin - kBegin.size()));
  gsize size = 0;
  const std::unique_ptr<guchar, Freer<&g_free>> der(g_base64_decode(body.c_str(), &size));
  if (size == 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(der.get()), size);
}

std::string with_colons(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i < hex.size(); ++i) {
    if (i > 0 && i % 2 == 0) out += ':';
    out += g_ascii_toupper(hex[i]);
  }
  return out;
}

}  // namespace

std::string fingerprint_of(std::string_view pem, std::string_view hash) {
  const auto der = der_of(pem);
  if (!der) return "";
  for (const Hash& known : kHashes) {
    if (!same(known.name, hash)) continue;
    const Text hex(g_compute_checksum_for_data(
        known.type, reinterpret_cast<const guchar*>(der->data()), der->size()));
    return with_colons(hex.get());
  }
  return "";
}

Result<> certificate_matches(std::string_view pem, const std::vector<SdpFingerprint>& promised) {
  for (const Hash& known : kHashes) {
    bool listed = false;
    const std::string got = fingerprint_of(pem, known.name);
    for (const SdpFingerprint& wanted : promised) {
      if (!same(wanted.hash, known.name)) continue;
      listed = true;
      if (!got.empty() && same(wanted.value, got)) return {};
    }
    if (listed)
      return fail(Code::kDenied,
                  fmt::format("the other end's certificate is not the one its description "
                              "promised: its {} fingerprint is {}",
                              known.name, got.empty() ? "unreadable" : got));
  }
  return fail(Code::kDenied,
              "the other end's description has no fingerprint of SHA-256, SHA-384 or SHA-512");
}

}  // namespace callbot::pipelines
