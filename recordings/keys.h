// recordings/keys.h: the keys of encrypted recordings: key pairs as files, and the keys that this
// process may open recordings with.
//
// A pair is X25519, as libsodium's crypto_box: recordings are sealed to the public key, and only
// the secret key opens them. FORMAT.md specifies the files and what is sealed.
//
// Thread:  any; the ring has a lock.
// Owner:   the ring is the process's.
// Fails:   kBadInput that names the file and what was expected, kStorage, kDenied where no
//          key fits.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace callbot::recordings {

struct PublicKey {
  std::array<uint8_t, 32> bytes{};
  auto operator<=>(const PublicKey&) const = default;
};

struct SecretKey {
  std::array<uint8_t, 32> bytes{};
  SecretKey() = default;
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();  // wipes it
  PublicKey public_key() const;
};

// Of one file: encrypts its chunks.
using FileKey = std::array<uint8_t, 32>;
// A file key, sealed to somebody (crypto_box_seal).
using SealedFileKey = std::array<uint8_t, 32 + 48>;

// "callbot-public-key-1 BASE64", the one line of a .pub file.
std::string to_text(const PublicKey& key);
// The line itself, or the file that holds it.
Result<PublicKey> parse_public_key(std::string_view line);
Result<PublicKey> read_public_key(const std::filesystem::path& file);
Result<SecretKey> read_secret_key(const std::filesystem::path& file);

struct KeyPair {
  std::filesystem::path public_file, secret_file;
  PublicKey public_key;
};
// NAME.pub and NAME.key (mode 0600). Neither may be there yet.
Result<KeyPair> make_key_pair(const std::filesystem::path& name);

SealedFileKey seal(const PublicKey& to, const FileKey& key);
// A short text, sealed as a whole; base64.
std::string seal_text(const PublicKey& to, std::string_view text);

// Secret keys that were given, and the keys of the files that this process wrote: it needs no
// secret key to read those again.
class KeyRing {
 public:
  static KeyRing& ours();

  void add(const SecretKey& key);
  void add(const SealedFileKey& sealed, const FileKey& key);
  // kDenied: none of the keys is for this.
  Result<FileKey> open(const PublicKey& to, const SealedFileKey& sealed) const;
  // None: no key opens it.
  std::optional<std::string> open_text(const std::string& sealed) const;
  void forget_all();

 private:
  mutable std::mutex mutex_;
  std::map<PublicKey, SecretKey> secret_;
  std::map<SealedFileKey, FileKey> written_;
};

}  // namespace callbot::recordings
