// feeds/input_file.h: a media file, or a stream on a descriptor, demuxed by FFmpeg.
//
// What it is is told by its bytes alone, never by its name: a text file is no media, and a "%d" in
// a name is just that. The file is held open: it may be renamed or deleted meanwhile.
//
// Thread:  one; interrupt() any.
// Owner:   whoever reads.
// Fails:   open: kStorage (cannot be opened), kBadInput (no media: says what was expected);
//          read: kBadInput with FFmpeg's words, kInterrupted.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/files.h"
#include "feeds/av.h"

namespace callbot::feeds {

class InputFile {
 public:
  static Result<std::unique_ptr<InputFile>> open(const fs::path& path);
  // What comes through a pipe or socket, such as standard input; a file is read from its beginning.
  // `name` is for errors. Once `stop` is true, whatever waits for more gives up within 100 ms.
  using Stop = std::shared_ptr<std::atomic<bool>>;
  static Result<std::unique_ptr<InputFile>> from(Descriptor file, std::string name,
                                                 Stop stop = nullptr);
  ~InputFile();

  const std::string& name() const { return name_; }
  const AVFormatContext& format() const { return *format_; }
  // The best of its kind, with a codec FFmpeg knows; nullptr: there is none.
  const AVStream* best(AVMediaType type) const;
  // The next packet of any stream; false: the end.
  Result<bool> read(AVPacket& packet);
  // From the beginning again.
  Result<> rewind();
  // SHA-256 of its bytes; kInterrupted when `progress` says no.
  Result<std::string> sha256(const std::function<bool(double)>& progress) const;
  // Share of the bytes that are read; 0 where nobody knows.
  double done() const;
  void interrupt();

 private:
  struct Io;
  InputFile(Descriptor file, std::string name, Stop stop);
  Result<> demux(bool look_into);
  void close();

  std::string name_;
  std::unique_ptr<Io> io_;
  AVFormatContext* format_ = nullptr;
};

}  // namespace callbot::feeds
