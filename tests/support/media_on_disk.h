// tests/support/media_on_disk.h: how much of a member's media is in a recording's folder by now.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   never; what is not there yet is 0 bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace callbot::test {

// Of all its files together: a track that comes late begins another one.
inline uintmax_t media_on_disk(const std::filesystem::path& recording, const std::string& name) {
  uintmax_t bytes = 0;
  std::error_code none_yet;
  for (const auto& file : std::filesystem::directory_iterator(recording / "media", none_yet)) {
    const uintmax_t size = file.file_size(none_yet);
    if (!none_yet && file.path().filename().string().starts_with(name + "-")) bytes += size;
  }
  return bytes;
}

}  // namespace callbot::test
