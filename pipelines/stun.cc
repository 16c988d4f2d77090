#include "pipelines/stun.h"

#include <glib.h>

#include <array>
#include <memory>
#include <string_view>

#include "base/gref.h"

namespace callbot::pipelines {
namespace {

// RFC 8489, 5 and 18.3; RFC 8445, 16.1.
constexpr uint16_t kBindingRequest = 0x0001;
constexpr uint32_t kMagicCookie = 0x2112A442;
constexpr uint16_t kUsername = 0x0006;
constexpr uint16_t kMessageIntegrity = 0x0008;
constexpr uint16_t kPriority = 0x0024;
constexpr uint16_t kFingerprint = 0x8028;
constexpr uint16_t kControlled = 0x8029;
constexpr uint16_t kControlling = 0x802A;
constexpr uint32_t kFingerprintXor = 0x5354554e;
constexpr size_t kHeader = 20;
constexpr size_t kAttributeHeader = 4;
constexpr size_t kHmacSize = 20;

template <class T>
std::string big_endian(T value) {
  std::string out(sizeof(T), '\0');
  for (size_t i = 0; i < sizeof(T); ++i)
    out[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)) & 0xff);
  return out;
}

void add(std::string& message, uint16_t type, std::string_view value) {
  message += big_endian(type) + big_endian(static_cast<uint16_t>(value.size()));
  message += value;
  while (message.size() % 4 != 0) message += '\0';
}

// The header's length counts what follows it; integrity and fingerprint are computed over a header
// that counts them already.
void set_length(std::string& message, size_t length) {
  message.replace(2, 2, big_endian(static_cast<uint16_t>(length)));
}

std::string hmac_sha1(std::string_view key, std::string_view data) {
  const std::unique_ptr<GHmac, Freer<&g_hmac_unref>> hmac(
      g_hmac_new(G_CHECKSUM_SHA1, reinterpret_cast<const guchar*>(key.data()), key.size()));
  g_hmac_update(hmac.get(), reinterpret_cast<const guchar*>(data.data()),
                static_cast<gssize>(data.size()));
  std::array<guint8, kHmacSize> digest;
  gsize size = digest.size();
  g_hmac_get_digest(hmac.get(), digest.data(), &size);
  return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

uint32_t crc32(std::string_view data) {
  uint32_t crc = 0xffffffff;
  for (const char c : data) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

}  // namespace

std::string binding_request(const StunCheck& check) {
  std::string message =
      big_endian(kBindingRequest) + std::string(2, '\0') + big_endian(kMagicCookie);
  message += (check.transaction + std::string(12, '\0')).substr(0, 12);
  add(message, kUsername, check.remote_ufrag + ":" + check.local_ufrag);
  add(message, kPriority, big_endian(check.priority));
  add(message, check.controlling ? kControlling : kControlled, big_endian(check.tie_breaker));
  set_length(message, message.size() - kHeader + kAttributeHeader + kHmacSize);
  add(message, kMessageIntegrity, hmac_sha1(check.remote_password, message));
  set_length(message, message.size() - kHeader + kAttributeHeader + sizeof(uint32_t));
  add(message, kFingerprint, big_endian(crc32(message) ^ kFingerprintXor));
  return message;
}

}  // namespace callbot::pipelines
