// base/line_reader.h: lines that come through a pipe, as far as they are there.
//
// Thread:  one.
// Owner:   who listens.
// Fails:   never; a pipe that cannot be read has ended.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"

namespace callbot {

class LineReader {
 public:
  LineReader() = default;  // has ended
  // O_NONBLOCK.
  explicit LineReader(Descriptor pipe) : pipe_(std::move(pipe)) {}

  // Whole lines, without their ends; what is no line yet waits for its end.
  std::vector<std::string> read();
  // Nothing comes any more: nobody can write.
  bool ended() const { return !pipe_; }
  int fd() const { return pipe_.get(); }

 private:
  Descriptor pipe_;
  std::string begun_;
};

}  // namespace callbot
