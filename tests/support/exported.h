// tests/support/exported.h: what is in an exported file, by this program's own measures and by what
// others say of it.
//
// Thread:  one.
// Owner:   plain values.
// Fails:   as a test failure of what could not be read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "recordings/probe.h"

namespace callbot::test {

// Any container: every packet decoded and measured, times from the file's own 0.
struct Exported {
  explicit Exported(const std::filesystem::path& path);
  recordings::ProbedStream video, audio;
  double duration = 0;  // as the container says

  // The mark counters of all pictures; -1 where there is none.
  std::vector<int64_t> counters() const;
  // Chirp against the picture that says it begins: seconds, of each second where both are there.
  struct Skew {
    double time, skew;
  };
  std::vector<Skew> skews() const;
};

// Largest skew near the beginning, the middle and the end (all of them, if they are few).
double worst_skew(const Exported& file);

// A program's output (both streams) and exit status. Arguments go through no shell.
struct Said {
  int status = -1;
  std::string text;
};
Said ask(const std::vector<std::string>& command);

// What ffprobe, ffmpeg and (for Matroska) mkvtoolnix complain of; empty: nothing.
std::string faults(const std::filesystem::path& path);

}  // namespace callbot::test
