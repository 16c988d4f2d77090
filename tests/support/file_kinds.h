// tests/support/file_kinds.h: what may stand where a file is expected.
//
// Thread:  any.
// Owner:   plain values.
// Fails:   aborts the test program.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace callbot::test {

constexpr const char* kNoFiles[] = {"FIFO", "socket", "device", "folder", "symbolic link"};

// Puts it in the place of `path`. The link leads to what was there.
inline void put_no_file(const std::string& kind, const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  const fs::path aside = path.string() + ".aside";
  fs::remove_all(aside);
  if (fs::exists(path)) fs::rename(path, aside);
  if (kind == "FIFO") {
    if (mkfifo(path.c_str(), 0644) != 0) abort();
  } else if (kind == "socket") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) abort();
    close(fd);
  } else if (kind == "device") {
    fs::create_symlink("/dev/zero", path);  // making one takes a privilege
  } else if (kind == "folder") {
    fs::create_directory(path);
  } else {
    fs::create_symlink(aside, path);
  }
}

// What was there before, again.
inline void put_back(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  fs::remove_all(path);
  fs::rename(path.string() + ".aside", path);
}

}  // namespace callbot::test
