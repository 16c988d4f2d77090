// feeds/media_facts.h: what is in a media file, as far as sending it goes: which streams, how long,
// where its key frames are, and whether a stream can be sent as it is.
//
// As it is means: no bit of it changes. That needs a codec that calls have, and pictures that every
// receiver decodes (VP8; VP9 profile 0; H.264 constrained baseline), none of which waits for a
// later one (B-frames), with key frames at most kMostKeyDistance_ns apart, so that a receiver that
// lost the picture has it back within that time.
//
// Thread:  any; reads the whole file once.
// Owner:   plain values.
// Fails:   as InputFile; kBadInput where the file ends before it says it does, or its times go
//          back; kInterrupted when `progress` says no.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "feeds/input_file.h"

namespace callbot::feeds {

constexpr int64_t kMostKeyDistance_ns = 2'000'000'000;

struct TrackFacts {
  int index = -1;       // of the stream in the file
  std::string codec;    // ours where we have one ("vp8"), else FFmpeg's name ("hevc")
  std::string why_not;  // why it cannot be sent as it is; empty: it can
  int width = 0, height = 0, channels = 0;
  double fps = 0;
  bool still = false;                // one picture alone
  int64_t first_ns = 0, end_ns = 0;  // in the file's own time
  int64_t packet_ns = 0;             // sound: how long a packet is, if all are alike
  uint64_t packets = 0;
  std::vector<int64_t> key_ns;  // pictures: in the file's own time
  int64_t key_distance_ns = 0;  // the largest
};

struct MediaFacts {
  std::string name;
  std::optional<TrackFacts> video, audio;
  int64_t begin_ns = 0;   // of the picture, else of the sound
  int64_t length_ns = 0;  // of one round; see media_facts.cc
};

// 0..1; false: stop.
using Progress = std::function<bool(double)>;

// Reads to the end; rewind the file to read it.
Result<MediaFacts> examine(InputFile& file, const Progress& progress = {});
// What is known from its beginning: for what cannot be read twice. Nothing is sent as it is.
MediaFacts glance(const InputFile& file);

int64_t in_ns(int64_t time, AVRational base);
// Presentation time, or decoding time where there is none.
int64_t time_of(const AVPacket& packet);

}  // namespace callbot::feeds
