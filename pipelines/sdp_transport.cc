#include "pipelines/sdp_transport.h"

#include <strings.h>

#include <algorithm>
#include <cctype>

namespace callbot::pipelines {
namespace {

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

struct Hash {
  const char* name;
  size_t bytes;
};
// What GLib can compute, best first; RFC 8122 names more, but no WebRTC endpoint uses them.
constexpr Hash kHashes[] = {{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}, {"sha-1", 20}};

bool is_fingerprint(std::string_view value, size_t bytes) {
  if (value.size() != 3 * bytes - 1) return false;
  for (size_t i = 0; i < value.size(); ++i) {
    const bool fine =
        i % 3 == 2 ? value[i] == ':' : std::isxdigit(static_cast<unsigned char>(value[i])) != 0;
    if (!fine) return false;
  }
  return true;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

// RFC 8839, 5.4.
bool is_ice_word(std::string_view text, size_t least) {
  return text.size() >= least && text.size() <= 256 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '+' || c == '/' || c == '-' || c == '_' || c == '=';
         });
}

}  // namespace

std::optional<std::vector<SdpFingerprint>> fingerprints_of(const SdpAttributes& attributes,
                                                           bool& any) {
  std::vector<SdpFingerprint> found;
  for (const SdpAttribute& a : attributes) {
    if (a.name != "fingerprint") continue;
    any = true;
    const auto words = words_of(a.value);
    if (words.size() != 2) return std::nullopt;
    for (const Hash& hash : kHashes) {
      if (!same(words[0], hash.name)) continue;
      if (!is_fingerprint(words[1], hash.bytes)) return std::nullopt;
      const SdpFingerprint one{hash.name, upper(words[1])};
      const bool twice = std::any_of(found.begin(), found.end(), [&](const SdpFingerprint& f) {
        return f.hash == one.hash && f.value != one.value;
      });
      if (twice) return std::nullopt;  // which of them would be the certificate's?
      if (std::find(found.begin(), found.end(), one) == found.end()) found.push_back(one);
    }
  }
  auto rank = [](const SdpFingerprint& f) {
    return std::find_if(std::begin(kHashes), std::end(kHashes),
                        [&](const Hash& hash) { return f.hash == hash.name; });
  };
  std::sort(found.begin(), found.end(),
            [&](const SdpFingerprint& a, const SdpFingerprint& b) { return rank(a) < rank(b); });
  return found;
}

bool is_ice_ufrag(std::string_view text) { return is_ice_word(text, 4); }
bool is_ice_pwd(std::string_view text) { return is_ice_word(text, 22); }

}  // namespace callbot::pipelines
