#include "recordings/sealed_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include "base/files.h"

namespace callbot::recordings {
namespace {

using namespace sealed;

constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
static_assert(kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(sizeof(FileKey) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

constexpr uint64_t kMostOffset = 1ULL << 60;
// A chunk behind damage may be so many chunks further on than the one that was expected.
constexpr uint64_t kMostLostChunks = 4096;
// Of heads that may be some, behind damage: a second's work at most.
constexpr uint64_t kMostTries = 1'000'000;

using Fields = std::array<uint8_t, kFieldBytes>;
using Nonce = std::array<uint8_t, kNonceBytes>;

template <class T>
void put_le(uint8_t* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<uint8_t>(value >> (8 * i));
}

template <class T>
T get_le(const uint8_t* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<T>(static_cast<T>(from[i]) << (8 * i));
  return value;
}

Fields fields_of(const Head& head) {
  Fields f{};
  f[0] = static_cast<uint8_t>(head.kind);
  put_le(&f[2], head.cuts);
  put_le(&f[4], head.length);
  put_le(&f[8], head.offset);
  return f;
}

// None: not even what it says of itself makes sense.
std::optional<Head> parse_fields(const uint8_t* f) {
  if ((f[0] != 1 && f[0] != 2) || f[1] != 0) return std::nullopt;
  const Head head{static_cast<Kind>(f[0]), get_le<uint16_t>(&f[2]), get_le<uint32_t>(&f[4]),
                  get_le<uint64_t>(&f[8])};
  const bool end = head.kind == Kind::kEnd;
  if (head.length > kMostChunkBytes || end != (head.length == 0) || head.offset > kMostOffset)
    return std::nullopt;
  return head;
}

enum class Part : uint8_t { kHead = 0, kData = 1 };

Nonce nonce_of(uint64_t counter, uint16_t cuts, Part part) {
  Nonce n{};
  put_le(n.data(), counter);
  put_le(&n[8], cuts);
  n[10] = static_cast<uint8_t>(part);
  return n;
}

// `out`: the tag behind the encrypted text.
void encrypt(const FileKey& key, const Nonce& nonce, const Fields& fields,
             std::span<const uint8_t> text, uint8_t* out) {
  crypto_aead_xchacha20poly1305_ietf_encrypt(out, nullptr, text.data(), text.size(), fields.data(),
                                             fields.size(), nullptr, nonce.data(), key.data());
}

bool decrypt(const FileKey& key, const Nonce& nonce, const uint8_t* fields,
             std::span<const uint8_t> sealed_text, uint8_t* out) {
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out, nullptr, nullptr, sealed_text.data(),
                                                    sealed_text.size(), fields, kFieldBytes,
                                                    nonce.data(), key.data()) == 0;
}

std::optional<Head> open_head(const FileKey& key, uint64_t counter,
                              std::span<const uint8_t, kHeadBytes> bytes) {
  const auto head = parse_fields(bytes.data());
  std::array<uint8_t, 1> nothing{};
  if (!head || !decrypt(key, nonce_of(counter, head->cuts, Part::kHead), bytes.data(),
                        bytes.subspan(kFieldBytes), nothing.data()))
    return std::nullopt;
  return head;
}

struct Header {
  PublicKey to;
  SealedFileKey box{};
};

Header parse_header(std::span<const uint8_t, kHeaderBytes> bytes) {
  Header h;
  std::memcpy(h.to.bytes.data(), &bytes[kMagic.size()], h.to.bytes.size());
  std::memcpy(h.box.data(), &bytes[kMagic.size() + h.to.bytes.size()], h.box.size());
  return h;
}

std::optional<Header> read_header(const std::filesystem::path& path) {
  const auto file = ReadableFile::open_as_it_is(path);
  std::array<uint8_t, kHeaderBytes> bytes{};
  if (!file || (*file)->read(0, bytes).value_or(0) < bytes.size() ||
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return std::nullopt;
  return parse_header(bytes);
}

// What a sealed file is: where its chunks lie, and which of them holds which bytes.
class SealedFile final : public ReadableFile {
 public:
  SealedFile(std::unique_ptr<ReadableFile> disk, std::string name, Damaged damaged)
      : disk_(std::move(disk)), name_(std::move(name)), salvage_(damaged == Damaged::kSalvage) {}
  ~SealedFile() override { sodium_memzero(key_.data(), key_.size()); }

  Result<> open() {
    std::array<uint8_t, kHeaderBytes> header{};
    const auto got = disk_->read(0, header);
    if (!got) return tl::unexpected(got.error());
    if (std::memcmp(header.data(), kMagic.data(), std::min(*got, kMagic.size())) != 0)
      return fail(Code::kBadInput, name_ + ": not a sealed file (or of a later version)");
    if (*got < header.size()) return {};  // cut off before anything was in it
    const Header h = parse_header(header);
    auto key = KeyRing::ours().open(h.to, h.box);
    if (!key) return tl::unexpected(Error{key.error().code, name_ + " " + key.error().message});
    key_ = *key;
    return walk();
  }

  uint64_t size() const override { return size_; }
  bool ended() const override { return ended_; }
  const std::vector<ByteRange>& lost() const override { return lost_; }
  bool harmed() const override {
    return passed_over_ || !lost_.empty() ||
           (!ended_ && disk_->size() > end_.at + kHeadBytes + kMostChunkBytes + kTagBytes);
  }
  const FileKey& key() const { return key_; }
  SealedWriter::LogEnd log_end() const { return end_; }

 private:
  static constexpr size_t kNoChunk = SIZE_MAX;
  struct Chunk {
    uint64_t at, counter, offset;
    uint32_t length;
    uint16_t cuts;
  };
  struct Extent {  // by where it begins
    uint64_t to;
    size_t chunk;
  };

  Result<> walk() {
    uint64_t at = kHeaderBytes;
    uint64_t counter = 0;
    uint16_t cuts = 0;
    uint64_t missing = 0;  // bytes of the log that were passed over: as much may be missing
    while (at < disk_->size() && !ended_) {
      end_ = {at, counter, cuts};
      const uint64_t left = disk_->size() - at;
      std::array<uint8_t, kHeadBytes> bytes{};
      const auto got = disk_->read(at, bytes);
      if (!got) return tl::unexpected(got.error());
      if (*got < bytes.size()) return done();  // cut off
      const auto head = open_head(key_, counter, bytes);
      const bool sound = head && head->cuts >= cuts && fits(*head, missing);
      if (!sound && !salvage_) return damaged(at);
      if (!sound) {
        const auto next = find_chunk(at + 1, counter + 1);
        if (!next) return done();
        passed_over_ = true;
        missing += next->first - at;
        at = next->first;
        counter = next->second;
        continue;
      }
      const uint64_t whole =
          kHeadBytes + (head->kind == Kind::kData ? head->length + kTagBytes : 0);
      if (whole > left) return done();  // cut off
      missing -= std::min(missing, head->offset - std::min(head->offset, size_));
      if (auto taken = take(*head, at, counter); !taken) return taken;
      cuts = head->cuts;
      at += whole;
      ++counter;
      if (!ended_) end_ = {at, counter, cuts};
    }
    if (ended_ && at != disk_->size() && !salvage_) return damaged(at);
    return done();
  }

  // Without a hole before it, but for what was lost.
  bool fits(const Head& head, uint64_t missing) const {
    if (head.kind == Kind::kEnd && head.offset < size_) return false;
    return head.offset <= size_ + missing;
  }

  Result<> take(const Head& head, uint64_t at, uint64_t counter) {
    if (head.kind == Kind::kEnd) {
      if (head.offset > size_) cover(size_, head.offset, kNoChunk);
      ended_ = true;
      return {};
    }
    const Chunk chunk{at, counter, head.offset, head.length, head.cuts};
    if (head.offset > size_) cover(size_, head.offset, kNoChunk);
    bool sound = true;
    if (salvage_) {
      auto opened = load(chunk);
      if (!opened && opened.error().code != Code::kBadInput) return opened;
      sound = opened.has_value();
    }
    cover(head.offset, head.offset + head.length, sound ? chunks_.size() : kNoChunk);
    chunks_.push_back(chunk);
    if (salvage_) loaded_ = kNoChunk;
    return {};
  }

  // The log ends here: whole, or cut off in a chunk.
  Result<> done() {
    for (const auto& [from, extent] : extents_) {
      if (extent.chunk != kNoChunk) continue;
      if (!lost_.empty() && lost_.back().to == from)
        lost_.back().to = extent.to;
      else
        lost_.push_back({from, extent.to});
    }
    return {};
  }

  Result<> damaged(uint64_t at) const {
    return fail(Code::kBadInput,
                fmt::format("{}: damaged at byte {}: it is not what was written", name_, at));
  }

  // The first authentic head at or behind `at`, of this chunk or one of the next.
  std::optional<std::pair<uint64_t, uint64_t>> find_chunk(uint64_t at, uint64_t counter) {
    std::vector<uint8_t> window(size_t{256} * 1024);
    for (const uint64_t begin = at; at + kHeadBytes <= disk_->size();) {
      const auto got = disk_->read(at, window);
      if (!got || *got < kHeadBytes) return std::nullopt;
      for (size_t i = 0; i + kHeadBytes <= *got; ++i) {
        if (!parse_fields(&window[i])) continue;
        const std::span<const uint8_t, kHeadBytes> bytes(&window[i], kHeadBytes);
        const uint64_t most = std::min((at + i - begin) / kHeadBytes + 1, kMostLostChunks);
        for (uint64_t n = 0; n < most && tries_ < kMostTries; ++n, ++tries_) {
          if (open_head(key_, counter + n, bytes)) return std::pair(at + i, counter + n);
        }
      }
      at += *got - kHeadBytes + 1;
    }
    return std::nullopt;
  }

  // These bytes come from this chunk now, whatever was there before.
  void cover(uint64_t from, uint64_t to, size_t chunk) {
    auto at = extents_.lower_bound(from);
    if (at != extents_.begin()) {
      const auto before = std::prev(at);
      if (before->second.to > to) extents_[to] = before->second;
      before->second.to = std::min(before->second.to, from);
    }
    for (at = extents_.lower_bound(from); at != extents_.end() && at->first < to;) {
      const Extent old = at->second;
      at = extents_.erase(at);
      if (old.to > to) {
        extents_[to] = old;
        break;
      }
    }
    extents_[from] = {to, chunk};
    size_ = std::max(size_, to);
  }

  // Into data_.
  Result<> load(const Chunk& c) {
    sealed_.resize(kFieldBytes + c.length + kTagBytes);
    data_.resize(c.length);
    const std::span<uint8_t> all(sealed_);
    const auto fields = disk_->read(c.at, all.first(kFieldBytes));
    if (!fields) return tl::unexpected(fields.error());
    const auto text = disk_->read(c.at + kHeadBytes, all.subspan(kFieldBytes));
    if (!text) return tl::unexpected(text.error());
    if (*fields != kFieldBytes || *text != c.length + kTagBytes ||
        !decrypt(key_, nonce_of(c.counter, c.cuts, Part::kData), sealed_.data(),
                 all.subspan(kFieldBytes), data_.data()))
      return damaged(c.at);
    return {};
  }

  Result<size_t> read_some(uint64_t offset, std::span<uint8_t> to) override {
    if (offset >= size_ || to.empty()) return 0;
    const auto [from, extent] = *std::prev(extents_.upper_bound(offset));
    const size_t n = std::min<uint64_t>(to.size(), extent.to - offset);
    if (extent.chunk == kNoChunk) {
      std::memset(to.data(), 0, n);
      return n;
    }
    const Chunk& chunk = chunks_[extent.chunk];
    if (loaded_ != extent.chunk) {
      loaded_ = kNoChunk;
      if (auto loaded = load(chunk); !loaded) return tl::unexpected(loaded.error());
      loaded_ = extent.chunk;
    }
    std::memcpy(to.data(), &data_[offset - chunk.offset], n);
    return n;
  }

  const std::unique_ptr<ReadableFile> disk_;
  const std::string name_;
  const bool salvage_;
  FileKey key_{};
  std::vector<Chunk> chunks_;
  std::map<uint64_t, Extent> extents_;  // without a hole from 0 to size_
  uint64_t size_ = 0;
  bool ended_ = false;
  bool passed_over_ = false;                         // a chunk, or more
  SealedWriter::LogEnd end_ = {kHeaderBytes, 0, 0};  // its end chunk is not behind it
  uint64_t tries_ = 0;
  std::vector<ByteRange> lost_;
  std::vector<uint8_t> sealed_, data_;
  size_t loaded_ = kNoChunk;
};

}  // namespace

SealedWriter::SealedWriter(int fd, const PublicKey& to) : fd_(fd) {
  randombytes_buf(key_.data(), key_.size());
  const SealedFileKey box = seal(to, key_);
  KeyRing::ours().add(box, key_);
  out_.assign(kMagic.begin(), kMagic.end());
  out_.insert(out_.end(), to.bytes.begin(), to.bytes.end());
  out_.insert(out_.end(), box.begin(), box.end());
  error_ = put(out_);
  mark();
}

SealedWriter::SealedWriter(int fd, const FileKey& key, const LogEnd& end)
    : fd_(fd), key_(key), disk_(end.at), counter_(end.counter), cuts_(end.cuts) {
  mark();
}

SealedWriter::~SealedWriter() {
  sodium_memzero(key_.data(), key_.size());
  sodium_memzero(waiting_.data(), waiting_.size());
}

int SealedWriter::write(uint64_t offset, std::span<const uint8_t> bytes) {
  if (!waiting_.empty() && offset != offset_ + waiting_.size()) {
    if (const int error = flush(); error != 0) return error;
  }
  while (!bytes.empty() && error_ == 0) {
    if (waiting_.empty()) offset_ = offset;
    const size_t n = std::min(bytes.size(), kMostChunkBytes - waiting_.size());
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    offset += n;
    if (waiting_.size() == kMostChunkBytes) flush();
  }
  return error_;
}

int SealedWriter::flush() {
  if (error_ != 0 || waiting_.empty()) return error_;
  error_ = emit(Kind::kData, offset_, waiting_);
  waiting_.clear();
  return error_;
}

void SealedWriter::mark() {
  marked_disk_ = disk_;
  marked_counter_ = counter_;
}

void SealedWriter::cut_back() {
  waiting_.clear();
  if (ftruncate(fd_, static_cast<off_t>(marked_disk_)) != 0 || cuts_ == UINT16_MAX) return;
  disk_ = marked_disk_;
  counter_ = marked_counter_;
  ++cuts_;  // no nonce is ever used again
  error_ = 0;
}

int SealedWriter::end(uint64_t length) {
  if (const int error = flush(); error != 0) return error;
  return error_ = emit(Kind::kEnd, length, {});
}

int SealedWriter::emit(Kind kind, uint64_t offset, std::span<const uint8_t> bytes) {
  const Fields fields = fields_of({kind, cuts_, static_cast<uint32_t>(bytes.size()), offset});
  out_.resize(kHeadBytes + (bytes.empty() ? 0 : bytes.size() + kTagBytes));
  std::memcpy(out_.data(), fields.data(), fields.size());
  encrypt(key_, nonce_of(counter_, cuts_, Part::kHead), fields, {}, &out_[kFieldBytes]);
  if (!bytes.empty())
    encrypt(key_, nonce_of(counter_, cuts_, Part::kData), fields, bytes, &out_[kHeadBytes]);
  ++counter_;
  return put(out_);
}

int SealedWriter::put(std::span<const uint8_t> bytes) {
  if (!write_all_at(fd_, bytes, disk_)) return errno;
  disk_ += bytes.size();
  return 0;
}

Result<std::unique_ptr<ReadableFile>> open_sealed(std::unique_ptr<ReadableFile> disk,
                                                  std::string name, Damaged damaged) {
  auto file = std::make_unique<SealedFile>(std::move(disk), std::move(name), damaged);
  if (auto opened = file->open(); !opened) return tl::unexpected(opened.error());
  return file;
}

namespace {

// No nonce is ever used again: neither one of the chunk that was cut off, nor one of chunks that a
// power cut took back, before which its writer may have cut back the file a few times.
std::optional<uint16_t> fresh_cuts(ReadableFile& disk, const SealedWriter::LogEnd& end) {
  constexpr int kBeyond = 256;
  Fields tail{};
  const size_t got = disk.read(end.at, tail).value_or(0);
  const auto cut_off = got == tail.size() ? get_le<uint16_t>(&tail[2]) : uint16_t{0};
  // What stands there need not be a chunk at all.
  const int used = std::max<int>(end.cuts, cut_off <= end.cuts + kBeyond ? cut_off : 0);
  if (used + kBeyond > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(used + kBeyond);
}

}  // namespace

Result<> finish_sealed(const std::filesystem::path& path, const std::vector<SealedPatch>& patches) {
  auto disk = ReadableFile::open_as_it_is(path);
  if (!disk) return tl::unexpected(disk.error());
  SealedFile file(std::move(*disk), path.string(), Damaged::kSalvage);
  if (auto opened = file.open(); !opened) return opened;
  auto again = ReadableFile::open_as_it_is(path);
  if (!again) return tl::unexpected(again.error());
  SealedWriter::LogEnd end = file.log_end();
  const auto cuts = fresh_cuts(**again, end);
  if (file.harmed() || !cuts)
    return fail(Code::kBadInput, path.string() + ": too much of it is damaged to go on in it");
  end.cuts = *cuts;
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(end.at)) != 0)
    return storage_failure(path, "cannot cut it");
  SealedWriter writer(fd.get(), file.key(), end);
  uint64_t size = file.size();
  int error = 0;
  for (const SealedPatch& patch : patches) {
    if (error == 0) error = writer.write(patch.offset, patch.bytes);
    size = std::max(size, patch.offset + patch.bytes.size());
  }
  if (error == 0) error = writer.end(size);
  if (error == 0 && fsync(fd.get()) != 0) error = errno;
  if (error == 0) return {};
  errno = error;
  return storage_failure(path, "cannot finish it");
}

std::optional<PublicKey> sealed_to(const std::filesystem::path& path) {
  const auto header = read_header(path);
  if (!header) return std::nullopt;
  return header->to;
}

Result<> check_key(const std::filesystem::path& path) {
  if (!is_sealed(path)) return {};
  const auto header = read_header(path);
  if (!header) return {};
  const auto key = KeyRing::ours().open(header->to, header->box);
  if (key || key.error().code != Code::kDenied) return {};
  return fail(Code::kDenied, path.string() + " " + key.error().message);
}

}  // namespace callbot::recordings
