// recordings/readable_file.h: a file of a recording that can be read at any offset: a plain one, or
// one that was sealed (its name ends in ".sealed") and is opened with a key of the ring.
//
// Thread:  one at a time.
// Owner:   the caller.
// Fails:   kStorage if it cannot be read, kDenied if it is sealed and no key fits, kBadInput if a
//          sealed one is damaged where it is read: nothing that was not written is ever returned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"

namespace callbot::recordings {

struct ByteRange {
  uint64_t from = 0, to = 0;
};

// What becomes of damage in a sealed file.
enum class Damaged {
  kRefuse,   // an error
  kSalvage,  // the rest is read; what is lost reads as zeros and stands in lost()
};

bool is_sealed(const std::filesystem::path& file);

class ReadableFile {
 public:
  static Result<std::unique_ptr<ReadableFile>> open(const std::filesystem::path& path,
                                                    Damaged damaged = Damaged::kRefuse);
  // The bytes on the disk, sealed or not.
  static Result<std::unique_ptr<ReadableFile>> open_as_it_is(const std::filesystem::path& path);
  virtual ~ReadableFile() = default;

  // Fewer bytes than asked for only at the end.
  Result<size_t> read(uint64_t offset, std::span<uint8_t> to);
  virtual uint64_t size() const = 0;
  // A sealed file that was closed in order; a plain one cannot tell.
  virtual bool ended() const = 0;
  // Of a damaged one that was opened to salvage it; sorted.
  virtual const std::vector<ByteRange>& lost() const = 0;
  // A sealed file of which more is damaged than that it was cut off in its last chunk.
  virtual bool harmed() const { return false; }
  // These read as zeros from now on: frames that are harmed in part.
  void blank(std::vector<ByteRange> ranges) { blank_ = std::move(ranges); }

 protected:
  virtual Result<size_t> read_some(uint64_t offset, std::span<uint8_t> to) = 0;

 private:
  std::vector<ByteRange> blank_;
};

}  // namespace callbot::recordings
