// recordings/growing_file.h: the bytes of a file of a recording as they are written, plain or
// sealed to a public key.
//
// Knows up to where the file is whole: after a failed write it can be cut back to there.
//
// Thread:  one at a time; sync() and the counts from any other.
// Owner:   MediaFile, Remux, IncomingFile.
// Fails:   kStorage; a failed write stays until cut_back().
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "recordings/sealed_file.h"

namespace callbot::recordings {

struct GrowingFileConfig {
  std::filesystem::path path;
  std::optional<PublicKey> seal_to = {};  // none: as it is
  bool replace = false;                   // else it must not be there yet
};

class GrowingFile {
 public:
  static Result<std::unique_ptr<GrowingFile>> create(const GrowingFileConfig& config);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  // At the position, which moves on; false from the first failure on.
  bool write(std::span<const uint8_t> bytes);
  // As lseek; AVSEEK_SIZE is the caller's. Below 0: no such place.
  int64_t seek(int64_t offset, int whence);
  // Everything written so far makes a whole file, and is in the kernel's hands. Fails too if the
  // file is not there any more.
  Result<> mark_whole();
  void cut_back();
  // Nothing more comes.
  Result<> end();
  Result<> sync() const;  // fdatasync

  Error failure() const;
  bool failed() const { return error_ != 0; }
  uint64_t size() const { return end_; }  // of what was written
  uint64_t whole() const { return whole_; }
  uint64_t bytes() const { return sealed_ ? sealed_->bytes() : end_.load(); }  // on the disk
  const std::string& path() const { return path_; }

 private:
  GrowingFile(int fd, std::string path, const std::optional<PublicKey>& seal_to);
  int put(std::span<const uint8_t> bytes);

  const int fd_;
  const std::string path_;
  std::unique_ptr<SealedWriter> sealed_;
  int64_t position_ = 0;
  std::atomic<uint64_t> end_ = 0;
  uint64_t whole_ = 0;
  int error_ = 0;
};

}  // namespace callbot::recordings
