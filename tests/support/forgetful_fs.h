// tests/support/forgetful_fs.h: a file system that forgets what was not synced when its power is
// cut. As strict as POSIX allows: bytes are safe after fsync or fdatasync of the file, a name only
// after fsync of its folder.
//
// In memory, through FUSE; a process of its own.
//
// Thread:  one.
// Owner:   the test.
// Fails:   mounted() is false where this machine has no /dev/fuse or does not let us mount.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/support/temp_folder.h"

namespace callbot::test {

class ForgetfulFs {
 public:
  ForgetfulFs();
  ~ForgetfulFs();
  bool mounted() const { return mounted_; }
  // A test that is left out for want of it tells nobody anything: it fails with these words.
  static const char* needs() {
    return "no file system can be mounted through FUSE: needs /dev/fuse (modprobe fuse; in a "
           "container --device /dev/fuse --cap-add SYS_ADMIN) and root";
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  // Everything that was not synced is gone.
  void cut_power();
  // How often files whose name ends so were synced.
  uint64_t syncs(const std::string& name_end) const;

 private:
  TempFolder folder_;
  pid_t server_ = -1;
  bool mounted_ = false;
};

}  // namespace callbot::test
