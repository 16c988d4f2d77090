#include "recordings/sealed_file.h"

#include <gmock/gmock.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>

#include "base/files.h"
#include "recordings/growing_file.h"
#include "tests/support/key_ring.h"

namespace callbot::recordings {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::span<const uint8_t> span_of(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

uint64_t little_endian(const std::string& bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  return value;
}

// Where the chunks of a log begin, and where the last one ends: from what stands in the clear.
std::vector<size_t> chunks_of(const std::string& disk) {
  std::vector<size_t> at{sealed::kHeaderBytes};
  while (at.back() < disk.size()) {
    const uint64_t length = little_endian(disk, at.back() + 4, 4);
    at.push_back(at.back() + sealed::kHeadBytes + (length > 0 ? length + sealed::kTagBytes : 0));
  }
  return at;
}

// A reader made from FORMAT.md alone. Empty: not authentic.
std::optional<std::string> read_by_the_book(const std::string& disk, const SecretKey& secret) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(disk.data());
  std::array<uint8_t, 32> key{};
  if (disk.compare(0, 16, "callbot-sealed-1") != 0 ||
      crypto_box_seal_open(key.data(), bytes + 48, 80, bytes + 16, secret.bytes.data()) != 0)
    return std::nullopt;
  std::string content;
  size_t at = 128;
  for (uint64_t counter = 0; at < disk.size(); ++counter) {
    std::array<uint8_t, 24> nonce{};
    for (size_t i = 0; i < 8; ++i) nonce[i] = static_cast<uint8_t>(counter >> (8 * i));
    std::memcpy(&nonce[8], bytes + at + 2, 2);
    std::vector<uint8_t> out(65536);
    const auto opens = [&](const uint8_t* text, size_t size) {
      return crypto_aead_xchacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, text, size,
                                                        bytes + at, 16, nonce.data(),
                                                        key.data()) == 0;
    };
    if (!opens(bytes + at + 16, 16)) return std::nullopt;
    const uint64_t length = little_endian(disk, at + 4, 4);
    const uint64_t offset = little_endian(disk, at + 8, 8);
    if (disk[at] == 2) return offset == content.size() ? std::optional(content) : std::nullopt;
    nonce[10] = 1;
    if (!opens(bytes + at + 32, length + 16)) return std::nullopt;
    content.resize(std::max<size_t>(content.size(), offset + length));
    std::memcpy(&content[offset], out.data(), length);
    at += 32 + length + 16;
  }
  return std::nullopt;
}

class SealedFileTest : public ::testing::Test {
 protected:
  SealedFileTest() {
    auto file = GrowingFile::create({.path = path_, .seal_to = keys_.pair.public_key});
    EXPECT_TRUE(file);
    GrowingFile& f = **file;
    std::mt19937 random(11);
    states_.emplace_back();
    // As a muxer does: blocks one behind the other, and at last patches near the beginning.
    for (const size_t size : {40, 300, 5000, 5000, 70'000, 1, 900, 5000}) {
      std::string block = "plaintext marker";
      while (block.size() < size) block += static_cast<char>(random());
      put(f, f.size(), block.substr(0, size));
    }
    put(f, 4, "PATCHED");
    put(f, 310, std::string(6000, 'p'));
    put(f, 4, "AGAIN");
    EXPECT_TRUE(f.end());
    file->reset();
    disk_ = *read_file(path_, 1 << 20);
    keys_.take_secret();
  }

  // One flush; each chunk of at most 64 KiB is a state of its own.
  void put(GrowingFile& f, uint64_t at, const std::string& bytes) {
    EXPECT_EQ(f.seek(static_cast<int64_t>(at), SEEK_SET), static_cast<int64_t>(at));
    EXPECT_TRUE(f.write(span_of(bytes)));
    EXPECT_TRUE(f.mark_whole());
    for (size_t done = 0; done < bytes.size(); done += sealed::kMostChunkBytes) {
      const auto part = bytes.substr(done, sealed::kMostChunkBytes);
      std::string next = states_.back();
      next.resize(std::max(next.size(), at + done + part.size()));
      next.replace(at + done, part.size(), part);
      states_.push_back(next);
    }
  }
  void put_disk(const std::string& disk) { std::ofstream(path_, std::ios::binary) << disk; }

  struct Read {
    std::string content;
    bool ended = false;
    std::vector<ByteRange> lost;
  };
  Result<Read> read(Damaged damaged = Damaged::kRefuse) const {
    auto file = ReadableFile::open(path_, damaged);
    if (!file) return tl::unexpected(file.error());
    Read out{std::string((*file)->size(), '\0'), (*file)->ended(), (*file)->lost()};
    auto got =
        (*file)->read(0, {reinterpret_cast<uint8_t*>(out.content.data()), out.content.size()});
    if (!got) return tl::unexpected(got.error());
    EXPECT_EQ(*got, out.content.size());
    return out;
  }
  // Every byte that is not lost stood there once.
  void expect_authentic(const Read& r) const {
    size_t next = 0;
    for (size_t i = 0; i < r.content.size(); ++i) {
      while (next < r.lost.size() && r.lost[next].to <= i) ++next;
      if (next < r.lost.size() && r.lost[next].from <= i) {
        ASSERT_EQ(r.content[i], '\0');
        continue;
      }
      ASSERT_TRUE(std::any_of(states_.begin(), states_.end(), [&](const std::string& s) {
        return i < s.size() && s[i] == r.content[i];
      })) << i;
    }
  }

  test::TempFolder folder_;
  test::TestKeys keys_;
  const fs::path path_ = folder_.path() / "a.mkv.sealed";
  std::vector<std::string> states_;  // content after each chunk
  std::string disk_;
};

TEST_F(SealedFileTest, HoldsWhatWasWrittenLastAtEachPlace) {
  const auto whole = read();
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->content, states_.back());
  EXPECT_TRUE(whole->ended);
  EXPECT_THAT(whole->lost, SizeIs(0));
  auto file = *ReadableFile::open(path_);
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    const size_t at = random() % (states_.back().size() + 10);
    std::string part(random() % 9000, '\0');
    const auto got = file->read(at, {reinterpret_cast<uint8_t*>(part.data()), part.size()});
    ASSERT_TRUE(got);
    part.resize(*got);
    EXPECT_EQ(part, at < states_.back().size() ? states_.back().substr(at, *got) : "");
  }
  EXPECT_EQ(sealed_to(path_), keys_.pair.public_key);
}

TEST_F(SealedFileTest, IsWhatTheFormatSays) {
  EXPECT_EQ(read_by_the_book(disk_, keys_.secret()), states_.back());
  EXPECT_EQ(chunks_of(disk_).size(), states_.size() + 1);  // and the end
}

TEST_F(SealedFileTest, NothingOfItIsReadableFromOutside) {
  ASSERT_THAT(states_.back(), HasSubstr("plaintext marker"));
  for (const char* text : {"marker", "PATCHED", "AGAIN", "pppppppp"})
    EXPECT_THAT(disk_, Not(HasSubstr(text)));
}

TEST_F(SealedFileTest, CutAnywhereInTheLastChunksItEndsBeforeThat) {
  const auto chunks = chunks_of(disk_);
  for (size_t cut = disk_.size() - 1; cut >= chunks[chunks.size() - 4]; --cut) {
    fs::resize_file(path_, cut);
    const auto r = read();
    ASSERT_TRUE(r) << cut << ": " << r.error().message;
    size_t whole = 0;
    while (chunks[whole + 1] <= cut) ++whole;
    ASSERT_EQ(r->content, states_[whole]) << cut;
    ASSERT_FALSE(r->ended) << cut;  // at a chunk's end too
  }
  for (size_t cut = 0; cut < sealed::kHeaderBytes; ++cut) {
    put_disk(disk_.substr(0, cut));
    const auto r = read();
    ASSERT_TRUE(r) << cut << ": " << r.error().message;
    ASSERT_EQ(r->content, "");
  }
}

TEST_F(SealedFileTest, ABitThatChangedIsNeverReadAsAnythingElse) {
  std::mt19937 random(5);
  const auto chunks = chunks_of(disk_);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    std::string disk = disk_;
    // Half of them in what is not data: the header and the chunks' heads.
    const size_t head = chunks[random() % (chunks.size() - 1)] + random() % sealed::kHeadBytes;
    const size_t at =
        i % 2 == 0 ? random() % disk.size() : (i % 8 == 1 ? random() % sealed::kHeaderBytes : head);
    disk[at] = static_cast<char>(disk[at] ^ (1 << (random() % 8)));
    put_disk(disk);
    // In a chunk of which nothing is left, because others lie over it, it harms nobody.
    const auto strict = read();
    if (strict)
      EXPECT_EQ(strict->content, states_.back()) << at;
    else
      EXPECT_THAT(strict.error().message, HasSubstr("a.mkv.sealed")) << at;
    refused += strict ? 0 : 1;
    const auto salvaged = read(Damaged::kSalvage);
    if (at < sealed::kHeaderBytes) {
      EXPECT_FALSE(salvaged) << at;
      continue;
    }
    ASSERT_TRUE(salvaged) << at << ": " << salvaged.error().message;
    expect_authentic(*salvaged);
    // One chunk is lost at most, wherever it was.
    size_t lost = 0;
    for (const ByteRange& r : salvaged->lost) lost += r.to - r.from;
    EXPECT_LE(lost, sealed::kMostChunkBytes) << at;
    EXPECT_EQ(salvaged->content.size(), states_.back().size()) << at;
  }
  EXPECT_GT(refused, 180);
}

TEST_F(SealedFileTest, ChunksCannotBeMovedDoubledOrTakenAway) {
  const auto at = chunks_of(disk_);
  const auto chunk = [&](size_t n) { return disk_.substr(at[n], at[n + 1] - at[n]); };
  ASSERT_EQ(chunk(2).size(), chunk(3).size());
  const std::string before = disk_.substr(0, at[2]);
  for (const std::string& disk :
       {before + chunk(3) + chunk(2) + disk_.substr(at[4]), before + chunk(2) + disk_.substr(at[2]),
        before + disk_.substr(at[3]), disk_ + chunk(2), disk_ + "x"}) {
    put_disk(disk);
    const auto r = read();
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().message, HasSubstr("it is not what was written"));
  }
}

TEST_F(SealedFileTest, AChunkOfAnotherFileIsNotTaken) {
  const fs::path other = folder_.path() / "b.mkv.sealed";
  auto file = *GrowingFile::create({.path = other, .seal_to = keys_.pair.public_key});
  ASSERT_TRUE(file->write(span_of(states_[1])));
  ASSERT_TRUE(file->end());
  const auto theirs = *read_file(other, 1 << 20);
  const auto at = chunks_of(disk_);
  put_disk(disk_.substr(0, at[0]) + theirs.substr(at[0], at[1] - at[0]) + disk_.substr(at[1]));
  EXPECT_FALSE(read());
}

TEST_F(SealedFileTest, AfterDamageTheRestCanBeSalvaged) {
  const auto at = chunks_of(disk_);
  std::string disk = disk_;
  disk[at[2] + 5] = static_cast<char>(disk[at[2] + 5] ^ 0x40);  // the head's length
  disk[at[3] + 100] = static_cast<char>(disk[at[3] + 100] ^ 1);
  put_disk(disk.replace(at[7] + 10, 500, std::string(500, '\0')));
  EXPECT_FALSE(read());
  const auto r = read(Damaged::kSalvage);
  ASSERT_TRUE(r) << r.error().message;
  expect_authentic(*r);
  EXPECT_EQ(r->content.size(), states_.back().size());
  EXPECT_TRUE(r->ended);
  EXPECT_FALSE(r->lost.empty());
  EXPECT_EQ(r->content.substr(0, 300), states_.back().substr(0, 300));
  EXPECT_EQ(r->content.substr(12'000, 60'000), states_.back().substr(12'000, 60'000));
}

TEST_F(SealedFileTest, WithoutTheKeyItSaysWhichOneItIs) {
  const test::TestKeys others;
  for (const bool another : {false, true}) {
    if (another) others.take_secret();
    const auto r = read();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, Code::kDenied);
    EXPECT_THAT(r.error().message, HasSubstr(to_text(keys_.pair.public_key)));
    EXPECT_THAT(r.error().message, HasSubstr("--key"));
    EXPECT_EQ(check_key(path_).error().code, Code::kDenied);
  }
  keys_.take_secret();
  EXPECT_TRUE(check_key(path_));
  EXPECT_TRUE(check_key(folder_.path() / "none.sealed"));
}

TEST_F(SealedFileTest, WhatIsNoSealedFileIsRefused) {
  put_disk("no sealed file, but long enough to be one" + std::string(200, 'x'));
  EXPECT_EQ(read().error().code, Code::kBadInput);
  std::string later = disk_;
  later[15] = '2';
  put_disk(later);
  EXPECT_THAT(read().error().message, HasSubstr("later version"));
}

}  // namespace
}  // namespace callbot::recordings
