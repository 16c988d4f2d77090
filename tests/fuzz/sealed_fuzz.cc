// A sealed file after every kind of accident, and made by somebody who has the public key and means
// harm: what is read was written there once, or it is an error; nothing crashes or takes for ever.
//
// The first byte says which of the two the input is. Accidents are six bytes: what happens, where
// (three bytes), how much, a value. A forged log is chunks of eight bytes: kind, a bit of its
// length, its offset (four bytes), how often it was cut, damage; all of them authentic.
#include <sodium.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "recordings/growing_file.h"
#include "recordings/sealed_file.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

void must_hold(bool holds) {
  if (!holds) std::abort();
}

struct Sample {
  fs::path path;
  SecretKey secret;
  std::string disk;
  std::vector<std::string> states{""};  // content after each chunk
};

const Sample& sample() {
  static const test::TempFolder folder(test::in_memory());
  static const Sample made = [] {
    Sample s;
    s.path = folder.path() / "a.sealed";
    s.secret.bytes.fill(7);
    KeyRing::ours().add(s.secret);
    auto file = GrowingFile::create({.path = s.path, .seal_to = s.secret.public_key()});
    must_hold(file.has_value());
    const auto put = [&](size_t at, size_t size, char with) {
      const std::string bytes(size, with);
      (*file)->seek(static_cast<int64_t>(at), SEEK_SET);
      must_hold((*file)->write({reinterpret_cast<const uint8_t*>(bytes.data()), size}));
      must_hold((*file)->mark_whole().has_value());
      std::string next = s.states.back();
      next.resize(std::max(next.size(), at + size));
      s.states.push_back(next.replace(at, size, bytes));
    };
    for (int n = 0; n < 8; ++n) put(s.states.back().size(), 40, static_cast<char>('a' + n));
    put(10, 50, 'P');
    put(20, 8, 'Q');
    must_hold((*file)->end().has_value());
    file->reset();
    s.disk = *read_file(s.path, 1 << 20);
    return s;
  }();
  return made;
}

std::string harmed(std::span<const uint8_t> input) {
  std::string disk = sample().disk;
  for (int n = 0; n < 8 && input.size() >= 6; ++n, input = input.subspan(6)) {
    const size_t where =
        (static_cast<size_t>(input[1]) << 16 | input[2] << 8 | input[3]) % (disk.size() + 1);
    switch (input[0] % 5) {
      case 0:
        if (where < disk.size()) disk[where] = static_cast<char>(disk[where] ^ input[5]);
        break;
      case 1:
        disk.resize(where);
        break;
      case 2:
        disk.insert(where, input[4], static_cast<char>(input[5]));
        break;
      case 3:
        disk.erase(where, input[4]);
        break;
      default:
        disk.insert(where, disk.substr(std::min<size_t>(input[5] * 8, disk.size()), input[4]));
    }
  }
  return disk;
}

std::string forged(std::span<const uint8_t> input) {
  FileKey key{};
  key.fill(9);
  const auto box = seal(sample().secret.public_key(), key);
  std::string disk(sealed::kMagic);
  const auto to = sample().secret.public_key().bytes;
  disk.append(to.begin(), to.end()).append(box.begin(), box.end());
  for (uint64_t counter = 0; counter < 64 && input.size() >= 8; ++counter) {
    std::array<uint8_t, 16> fields{};
    fields[0] = input[0];
    fields[2] = input[6];
    fields[4] = input[1];
    for (size_t i = 0; i < 4; ++i) fields[8 + i + (input[7] & 3U)] = input[2 + i];
    std::array<uint8_t, 24> nonce{};
    nonce[0] = static_cast<uint8_t>(counter);
    nonce[8] = input[6];
    std::vector<uint8_t> out(16 + 16 + 256 + 16);
    std::memcpy(out.data(), fields.data(), fields.size());
    const std::vector<uint8_t> text(input[1], 'x');
    crypto_aead_xchacha20poly1305_ietf_encrypt(&out[16], nullptr, nullptr, 0, fields.data(), 16,
                                               nullptr, nonce.data(), key.data());
    nonce[10] = 1;
    crypto_aead_xchacha20poly1305_ietf_encrypt(&out[32], nullptr, text.data(), text.size(),
                                               fields.data(), 16, nullptr, nonce.data(),
                                               key.data());
    out.resize(32 + (text.empty() ? 0 : text.size() + 16));
    if ((input[7] & 0x80U) != 0) out.back() ^= 1;
    disk.append(out.begin(), out.end());
    input = input.subspan(8);
  }
  return disk;
}

std::string read_all(ReadableFile& file) {
  must_hold(file.size() <= 1 << 20);  // no more than there is on the disk, and what was lost of it
  std::string content(file.size(), '\0');
  const auto got = file.read(0, {reinterpret_cast<uint8_t*>(content.data()), content.size()});
  if (!got) {
    must_hold(!got.error().message.empty());
    return "";
  }
  must_hold(*got == content.size());
  return content;
}

}  // namespace

void fuzz_sealed(std::span<const uint8_t> input) {
  if (input.empty()) return;
  const Sample& s = sample();
  const bool forge = input[0] % 2 != 0;
  const std::string disk = forge ? forged(input.subspan(1)) : harmed(input.subspan(1));
  std::ofstream(s.path, std::ios::binary) << disk;
  if (const auto strict = ReadableFile::open(s.path)) {
    must_hold((*strict)->lost().empty());
    const std::string content = read_all(**strict);
    const bool was = std::find(s.states.begin(), s.states.end(), content) != s.states.end();
    must_hold(forge || was);
    must_hold(!(*strict)->ended() || forge || content == s.states.back() || content.empty());
  } else {
    must_hold(!strict.error().message.empty());
  }
  const auto rest = ReadableFile::open(s.path, Damaged::kSalvage);
  if (!rest) return must_hold(!rest.error().message.empty());
  const std::string content = read_all(**rest);
  for (size_t i = 0; i < content.size() && !forge; ++i) {
    const bool lost = std::any_of((*rest)->lost().begin(), (*rest)->lost().end(),
                                  [&](const ByteRange& r) { return r.from <= i && i < r.to; });
    must_hold(lost ? content[i] == '\0'
                   : std::any_of(s.states.begin(), s.states.end(), [&](const std::string& state) {
                       return i < state.size() && state[i] == content[i];
                     }));
  }
}

}  // namespace callbot::recordings

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  callbot::recordings::fuzz_sealed({data, size});
  return 0;
}
