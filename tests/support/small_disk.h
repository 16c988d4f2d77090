// tests/support/small_disk.h: a tmpfs of its own; gone with the test.
//
// Thread:  any.
// Owner:   the test.
// Fails:   mounted() is false where the test may not mount; needs() says what is missing.
#pragma once

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace callbot::test {

// What `unshare` needs to be told for mounts of its own. Root needs no user namespace, and cannot
// have one in a container that is a chroot.
inline const char* own_mounts() { return geteuid() == 0 ? "-m" : "-rm"; }

class SmallDisk {
 public:
  explicit SmallDisk(const char* options) {
    if (mount("callbot-test", folder_.path().c_str(), "tmpfs", 0, options) != 0)
      error_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted()) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return error_.empty(); }
  // A test that is left out for want of it tells nobody anything: it fails with these words.
  std::string needs() const {
    return "no tmpfs can be mounted (" + error_ +
           "): run the tests as root with CAP_SYS_ADMIN, or under unshare -rm";
  }
  // Not a byte more, until make_room().
  void fill() const {
    std::ofstream filler(filler_path(), std::ios::binary);
    for (const std::string page(4096, 'x'); filler << page << std::flush;) {
    }
  }
  void make_room() const { std::filesystem::remove(filler_path()); }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  std::filesystem::path filler_path() const { return folder_.path() / "filler"; }
  TempFolder folder_;
  std::string error_;
};

}  // namespace callbot::test
