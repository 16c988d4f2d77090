// quality/marked_file.h: what marks there are in a media file, whoever made it: our recordings, a
// browser's, some other recorder's composed or letterboxed picture.
//
// Every picture is decoded and read (base/mark_finder.h), every sound searched for chirps. A sender
// that shows in several tiles of a picture counts once.
//
// Thread:  worker; blocks for as long as decoding takes.
// Owner:   the caller; the opened file too.
// Fails:   kBadInput if FFmpeg finds no stream, kInterrupted if progress said so. What does not
//          decode is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mark_finder.h"
#include "quality/av.h"

namespace callbot::quality {

// Times are seconds, as the file says.
struct Stretch {
  double from = 0, to = 0;
};

struct SkewStatistics {
  int stream = 0;  // of the sound
  size_t pairs = 0;
  double median = 0, least = 0, most = 0, p95 = 0;  // p95: of the absolute values
  std::optional<double> drift = {};                 // s/min, from 10 pairs over 10 s on
};

struct FileChirp {
  double time = 0;
  bool up = false;
};
struct NumberedChirp {
  double time = 0;
  uint32_t number = 0;  // its sender's
};

// A sound in which there are chirps of a sender, maybe few.
struct HeardSound {
  SkewStatistics skew;
  std::vector<NumberedChirp> chirps;
  std::vector<NumberedChirp> unsure;  // they may as well be another's
};

// One sender in one stream of pictures.
struct MarkedSource {
  int stream = 0;
  uint16_t source = 0;
  uint32_t first_counter = 0, last_counter = 0;
  Stretch span;                  // from its first mark to its last
  std::vector<Stretch> present;  // less than a second apart
  uint64_t read = 0, unread = 0;
  uint64_t expected = 0, missing = 0, duplicate = 0, reordered = 0, restarts = 0;
  std::vector<Stretch> freezes;  // as video.freeze_true
  double rate = 0;               // numbers a second
  MarkPlace place;               // the newest
  int picture_width = 0, picture_height = 0;
  std::vector<double> flashes;       // pictures that have to have a chirp
  std::vector<HeardSound> heard;     // each sound that has chirps of it
  std::vector<SkewStatistics> skew;  // against those that have most of them
};

struct MarkedSound {
  int stream = 0;
  std::string codec;
  std::vector<FileChirp> chirps;
  Stretch span;
  std::vector<double> strays;  // times of chirps that go with nobody's pictures
};

// One decoded picture, and whose marks were read in it.
struct ReadPicture {
  int stream = 0;
  double time = 0;
  std::vector<VideoMark> marks;
};

struct MarkedFile {
  double seconds = 0;
  uint64_t pictures = 0, undecodable = 0;
  uint64_t bare = 0;  // pictures in which no mark was read
  std::vector<MarkedSource> sources;
  std::vector<MarkedSound> sounds;
  std::optional<std::string> damage = {};  // reading stopped before the end
  std::vector<ReadPicture> each = {};      // picture by picture, where it was asked for
};

// Called with 0..1 of the file read; false stops.
using FileProgress = std::function<bool(double)>;
enum class Pictures { kSummed, kEach };  // kEach: MarkedFile::each as well
Result<MarkedFile> read_marks(AVFormatContext& file, const FileProgress& progress = {},
                              Pictures pictures = Pictures::kSummed);

}  // namespace callbot::quality
