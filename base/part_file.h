// base/part_file.h: a file that is being made beside the one whose place it takes.
//
// It is called "<name>.<16 hex digits>.part": any number of processes may make the same file at
// once, each has its own, the last one stays. One that a killed process left behind is removed by
// the next who makes that file; its lock (flock) says that nobody makes it any more.
//
// Thread:  any; one owner. Blocks on the file system.
// Owner:   the caller. Destroying it before put_in_place() removes it.
// Fails:   kStorage with the path that was asked for (not the part's) and the system's words.
#pragma once

#include "base/files.h"

namespace callbot {

class PartFile {
 public:
  static Result<PartFile> create(const fs::path& target);
  PartFile(PartFile&& other) noexcept = default;
  PartFile& operator=(PartFile&& other) = delete;
  ~PartFile();

  int fd() const { return file_.get(); }
  const fs::path& path() const { return path_; }
  // Fdatasyncs, renames, fsyncs the folder.
  Result<> put_in_place();

 private:
  PartFile(fs::path target, fs::path path, Descriptor file)
      : target_(std::move(target)), path_(std::move(path)), file_(std::move(file)) {}

  fs::path target_, path_;
  Descriptor file_;  // none: moved away, or in place
};

}  // namespace callbot
