// recordings/speakers.h: who spoke when, as files beside the manifest: speakers.json and
// speakers.vtt (WebVTT), from the spans the manifest has. FORMAT.md specifies both.
//
// Thread:  any; plain values. write_speakers() blocks on the disk.
// Owner:   the caller.
// Fails:   kStorage.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "recordings/manifest.h"

namespace callbot::recordings {

std::string speakers_json(const Manifest& manifest);
std::string speakers_vtt(const Manifest& manifest);
// Both files, each whole or not at all; none where nobody's sender said how loud it is.
Result<> write_speakers(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace callbot::recordings
