// feeds/prompts.h: clips that are made of nothing but an idea: black, silence, the keys of a
// telephone, spoken words.
//
// Keys sound as tones in the sound itself (ITU-T Q.23): webrtcbin of Debian 12 negotiates one codec
// a media line, so that RFC 4733's telephone-event has no place beside Opus.
//
// Thread:  any; blocks while it writes, and while a speech program runs.
// Owner:   the caller's file.
// Fails:   kUsage (a key there is none), kUnsupported (no speech program is installed), as
//          ClipWriter.
#pragma once

#include <string>
#include <vector>

#include "feeds/clip_writer.h"

namespace callbot::feeds {

// Two seconds of it.
Result<> write_black(const fs::path& out, const VideoSettings& settings);
Result<> write_silence(const fs::path& out);
// 0-9, *, #, A-D; a comma is a second's pause. Each key 160 ms, 100 ms apart; a second of silence
// at the end.
Result<> write_dtmf(const fs::path& out, const std::string& keys);
// 48 kHz, mono.
Result<std::vector<int16_t>> dtmf_samples(const std::string& keys);
// A WAV file, by espeak-ng or flite, whichever is installed.
Result<> speak(const fs::path& out, const std::string& words);

}  // namespace callbot::feeds
