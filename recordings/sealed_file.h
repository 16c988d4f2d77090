// recordings/sealed_file.h: a file encrypted while it grows: a log of authenticated chunks.
//
// Chunks say where their bytes belong, so that a muxer can go back and change what it wrote; later
// ones win. Whatever was flushed can be read after a kill, and a file that was closed says so in
// its last chunk. FORMAT.md specifies it byte by byte, and why it is no running stream.
//
// Thread:  one at a time; bytes() from any.
// Owner:   GrowingFile, ReadableFile.
// Fails:   the writer with an errno, which stays until cut_back(); the reader as ReadableFile says.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "recordings/keys.h"
#include "recordings/readable_file.h"

namespace callbot::recordings {

constexpr const char* kSealedExtension = ".sealed";

namespace sealed {

constexpr std::string_view kMagic = "callbot-sealed-1";
// 128.
constexpr size_t kHeaderBytes = 16 + sizeof(PublicKey::bytes) + sizeof(SealedFileKey);
constexpr size_t kTagBytes = 16;  // Poly1305
constexpr size_t kFieldBytes = 16;
constexpr size_t kHeadBytes = kFieldBytes + kTagBytes;
constexpr uint32_t kMostChunkBytes = 64 * 1024;

enum class Kind : uint8_t { kData = 1, kEnd = 2 };

struct Head {
  Kind kind = Kind::kData;
  uint16_t cuts = 0;    // how often the writer had cut the file back by then
  uint32_t length = 0;  // of the data, 0 at the end
  uint64_t offset = 0;  // where it belongs; at the end: how long the file is
};

}  // namespace sealed

class SealedWriter {
 public:
  // Into an empty file, whose descriptor stays the caller's.
  SealedWriter(int fd, const PublicKey& to);
  // On behind these chunks; what the file has there is the caller's to cut off.
  struct LogEnd {
    uint64_t at = 0;       // in the file
    uint64_t counter = 0;  // of the next chunk
    uint16_t cuts = 0;     // of none before it
  };
  SealedWriter(int fd, const FileKey& key, const LogEnd& end);
  ~SealedWriter();
  SealedWriter(const SealedWriter&) = delete;
  SealedWriter& operator=(const SealedWriter&) = delete;

  // 0 or an errno. Kept back until flush(), or until it is a chunk's worth.
  int write(uint64_t offset, std::span<const uint8_t> bytes);
  int flush();
  // What was flushed so far is what cut_back() goes back to.
  void mark();
  void cut_back();
  // The file is whole and so long.
  int end(uint64_t length);
  // On the disk.
  uint64_t bytes() const { return disk_; }

 private:
  int emit(sealed::Kind kind, uint64_t offset, std::span<const uint8_t> bytes);
  int put(std::span<const uint8_t> bytes);

  const int fd_;
  FileKey key_{};
  std::atomic<uint64_t> disk_ = 0;
  uint64_t counter_ = 0;
  uint16_t cuts_ = 0;
  uint64_t marked_disk_ = 0, marked_counter_ = 0;
  uint64_t offset_ = 0;           // of what is kept back
  std::vector<uint8_t> waiting_;  // kept back
  std::vector<uint8_t> out_;
  int error_ = 0;
};

// Finishes a log that was cut off, where it is: these bytes take the place of what was written
// there, or follow it, and then it is ended. A last chunk that is not whole goes. Killed in the
// middle it can be done again. kStorage, kDenied without a key, kBadInput where it is harmed().
struct SealedPatch {
  uint64_t offset = 0;
  std::vector<uint8_t> bytes = {};
};
Result<> finish_sealed(const std::filesystem::path& path, const std::vector<SealedPatch>& patches);

// `disk`: the sealed bytes.
Result<std::unique_ptr<ReadableFile>> open_sealed(std::unique_ptr<ReadableFile> disk,
                                                  std::string name, Damaged damaged);

// Whom a sealed file is for, without opening it; none where its head is missing.
std::optional<PublicKey> sealed_to(const std::filesystem::path& path);
// kDenied if the file is sealed and no key of the ring is for it. Whatever else may be wrong with
// it is not looked for.
Result<> check_key(const std::filesystem::path& path);

}  // namespace callbot::recordings
