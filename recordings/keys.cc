#include "recordings/keys.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/files.h"

namespace callbot::recordings {
namespace {

constexpr std::string_view kPublic = "callbot-public-key-1";
constexpr std::string_view kSecret = "callbot-secret-key-1";
constexpr uint64_t kMostKeyFile = 4096;
constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;

static_assert(sizeof(PublicKey::bytes) == crypto_box_PUBLICKEYBYTES);
static_assert(sizeof(SecretKey::bytes) == crypto_box_SECRETKEYBYTES);
static_assert(sizeof(SealedFileKey) == sizeof(FileKey) + crypto_box_SEALBYTES);

// Before any other call of the library; it fails only where there is no randomness at all.
void begin() {
  static const int begun = sodium_init();
  if (begun < 0) std::abort();
}

std::string base64(std::span<const uint8_t> bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
  text.pop_back();  // the library's terminator
  return text;
}

std::optional<std::vector<uint8_t>> from_base64(std::string_view text) {
  if (text.empty()) return std::vector<uint8_t>();
  std::vector<uint8_t> bytes(text.size());
  size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end,
                        kVariant) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  bytes.resize(size);
  return bytes;
}

// "callbot-public-key-1 BASE64" -> 32 bytes. `expected`: its first word.
Result<std::array<uint8_t, 32>> parse(std::string_view line, std::string_view expected) {
  while (!line.empty() && std::strchr(" \t\r\n", line.back()) != nullptr) line.remove_suffix(1);
  const std::string_view word = line.substr(0, line.find(' '));
  const bool secret = expected == kSecret;
  if (word == (secret ? kPublic : kSecret))
    return fail(Code::kBadInput, secret ? "this is a public key; expected the secret key (the file "
                                          "that ends in .key)"
                                        : "this is a secret key; expected the public key (the file "
                                          "that ends in .pub)");
  if (word != expected)
    return fail(Code::kBadInput, fmt::format("no {} key: expected one line \"{} BASE64\"",
                                             secret ? "secret" : "public", expected));
  const auto bytes = from_base64(line.substr(std::min(word.size() + 1, line.size())));
  std::array<uint8_t, 32> key{};
  if (!bytes || bytes->size() != key.size())
    return fail(Code::kBadInput,
                fmt::format("expected 32 bytes in base64 behind \"{}\"", expected));
  std::memcpy(key.data(), bytes->data(), key.size());
  return key;
}

Result<std::array<uint8_t, 32>> read(const fs::path& file, std::string_view expected) {
  auto text = read_file(file, kMostKeyFile);
  if (!text) return tl::unexpected(text.error());
  auto key = parse(*text, expected);
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.InnerPointer): nothing has changed the text
  sodium_memzero(text->data(), text->size());
  if (!key) return tl::unexpected(std::move(key.error()).in(file.string()));
  return key;
}

// A new file; nothing of it is left if it cannot be written.
Result<> put(const fs::path& path, mode_t mode, const std::string& line) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  const std::string text = line + "\n";
  const bool written = fd >= 0 &&
                       ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (written) return {};
  if (fd >= 0) ::unlink(path.c_str());
  return fail(Code::kStorage, fmt::format("{}: cannot create: {}", path.string(), strerror(error)));
}

}  // namespace

SecretKey::~SecretKey() { sodium_memzero(bytes.data(), bytes.size()); }

PublicKey SecretKey::public_key() const {
  begin();
  PublicKey key;
  crypto_scalarmult_base(key.bytes.data(), bytes.data());
  return key;
}

std::string to_text(const PublicKey& key) {
  return fmt::format("{} {}", kPublic, base64(key.bytes));
}

Result<PublicKey> parse_public_key(std::string_view line) {
  return parse(line, kPublic).map([](const auto& bytes) { return PublicKey{bytes}; });
}

Result<PublicKey> read_public_key(const fs::path& file) {
  return read(file, kPublic).map([](const auto& bytes) { return PublicKey{bytes}; });
}

Result<SecretKey> read_secret_key(const fs::path& file) {
  return read(file, kSecret).map([](const auto& bytes) {
    SecretKey key;
    key.bytes = bytes;
    return key;
  });
}

Result<KeyPair> make_key_pair(const fs::path& name) {
  begin();
  if (name.filename().empty())
    return fail(Code::kUsage,
                fmt::format("\"{}\": expected a name for the two files", name.string()));
  KeyPair pair{.public_file = fs::path(name).concat(".pub"),
               .secret_file = fs::path(name).concat(".key"),
               .public_key = {}};
  for (const fs::path& file : {pair.public_file, pair.secret_file}) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(file, ignored)))
      return fail(Code::kUsage,
                  file.string() + ": is there already, and a key is never overwritten");
  }
  SecretKey secret;
  crypto_box_keypair(pair.public_key.bytes.data(), secret.bytes.data());
  std::string line = fmt::format("{} {}", kSecret, base64(secret.bytes));
  auto made = put(pair.secret_file, 0600, line);
  sodium_memzero(line.data(), line.size());
  if (!made) return tl::unexpected(made.error());
  made = put(pair.public_file, 0644, to_text(pair.public_key));
  if (!made) {
    std::error_code ignored;
    fs::remove(pair.secret_file, ignored);
    return tl::unexpected(made.error());
  }
  (void)sync_path(pair.public_file.has_parent_path() ? pair.public_file.parent_path() : ".");
  return pair;
}

SealedFileKey seal(const PublicKey& to, const FileKey& key) {
  begin();
  SealedFileKey sealed{};
  crypto_box_seal(sealed.data(), key.data(), key.size(), to.bytes.data());
  return sealed;
}

std::string seal_text(const PublicKey& to, std::string_view text) {
  begin();
  std::vector<uint8_t> sealed(text.size() + crypto_box_SEALBYTES);
  crypto_box_seal(sealed.data(), reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                  to.bytes.data());
  return base64(sealed);
}

KeyRing& KeyRing::ours() {
  static KeyRing ring;
  return ring;
}

void KeyRing::add(const SecretKey& key) {
  const std::lock_guard lock(mutex_);
  secret_[key.public_key()] = key;
}

void KeyRing::add(const SealedFileKey& sealed, const FileKey& key) {
  const std::lock_guard lock(mutex_);
  written_[sealed] = key;
}

Result<FileKey> KeyRing::open(const PublicKey& to, const SealedFileKey& sealed) const {
  begin();
  const std::lock_guard lock(mutex_);
  if (const auto own = written_.find(sealed); own != written_.end()) return own->second;
  const auto secret = secret_.find(to);
  if (secret == secret_.end())
    return fail(Code::kDenied,
                fmt::format("is encrypted to \"{}\": give its secret key with --key FILE{}",
                            to_text(to), secret_.empty() ? "" : "; the one given is another's"));
  FileKey key{};
  if (crypto_box_seal_open(key.data(), sealed.data(), sealed.size(), to.bytes.data(),
                           secret->second.bytes.data()) != 0)
    return fail(Code::kBadInput, "its head is damaged: the file's key cannot be opened");
  return key;
}

std::optional<std::string> KeyRing::open_text(const std::string& sealed) const {
  begin();
  const auto bytes = from_base64(sealed);
  if (!bytes || bytes->size() < crypto_box_SEALBYTES) return std::nullopt;
  std::string text(bytes->size() - crypto_box_SEALBYTES, '\0');
  const std::lock_guard lock(mutex_);
  for (const auto& [to, secret] : secret_) {
    if (crypto_box_seal_open(reinterpret_cast<uint8_t*>(text.data()), bytes->data(), bytes->size(),
                             to.bytes.data(), secret.bytes.data()) == 0)
      return text;
  }
  return std::nullopt;
}

void KeyRing::forget_all() {
  const std::lock_guard lock(mutex_);
  secret_.clear();
  written_.clear();
}

}  // namespace callbot::recordings
