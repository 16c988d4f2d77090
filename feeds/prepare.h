// feeds/prepare.h: what the user named (files, pictures, silence, keys of a telephone, words) ->
// clips that can be sent as they are: the files themselves where all of them fits, else clips of
// the cache, in which what does not fit is encoded.
//
// Encoded: a key frame each second, pictures at most kLargest pixels wide and high, sound as Opus.
//
// Thread:  any; takes as long as encoding takes.
// Owner:   plain values and open files.
// Fails:   as InputFile, examine, ClipWriter and ClipCache; kUsage for what cannot be made;
//          kInterrupted when `progress` says no.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "feeds/clip_cache.h"
#include "feeds/media_facts.h"

namespace callbot::feeds {

constexpr int kLargest = 1920;
constexpr int64_t kStill_ns = 5'000'000'000;  // how long a still picture is shown
constexpr int kStillFps = 10;

struct FeedItem {
  enum class Kind { kFile, kBlack, kSilence, kDtmf, kSpeech };
  Kind kind = Kind::kFile;
  std::string text;  // path, digits or words
};

// None: as the file is.
struct FeedWish {
  bool video = true, audio = true;
  std::optional<std::string> codec;  // of the picture
  std::optional<int> width, height, fps, bitrate;
};

struct PreparedClip {
  std::unique_ptr<InputFile> file;
  MediaFacts facts;
  // What became of each: empty where it is sent as it is, else why it was encoded.
  std::string video_encoded, audio_encoded;
};

// `what`: for people; 0..1 of it.
using FeedProgress = std::function<bool(const std::string& what, double share)>;

Result<std::vector<PreparedClip>> prepare(const std::vector<FeedItem>& items, const FeedWish& wish,
                                          const ClipCache& cache, const FeedProgress& progress);

}  // namespace callbot::feeds
