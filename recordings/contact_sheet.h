// recordings/contact_sheet.h: small pictures of one participant at even times, and how much was
// received when.
//
// Pictures at the very times where a key frame is not far before, else key frames near them; only
// where there are none for long everything is decoded.
//
// Thread:  worker; reads all packets of the lane twice and decodes some.
// Owner:   the caller.
// Fails:   kInterrupted if progress said so; of a damaged lane there are fewer pictures.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

struct SmallPicture {
  int64_t time_ns = 0;  // of the recording
  int width = 0, height = 0;
  std::string jpeg;
};

struct ContactSheet {
  std::vector<SmallPicture> pictures;
  std::vector<uint64_t> bytes;  // received in each of `columns` equal parts of the recording
};

struct ContactSheetConfig {
  size_t pictures = 12;
  size_t columns = 240;
  int64_t duration_ns = 0;        // of the recording
  int width = 224, height = 168;  // pictures fit into it
};

Result<ContactSheet> make_contact_sheet(const std::filesystem::path& folder,
                                        const std::vector<TimelinePiece>& pieces,
                                        const ContactSheetConfig& config,
                                        const std::function<bool(double)>& progress);

}  // namespace callbot::recordings
