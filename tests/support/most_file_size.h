// tests/support/most_file_size.h: no file of this process grows beyond a size, as on a full disk.
//
// Thread:  any; the whole process obeys it as long as this lives.
// Owner:   the test.
// Fails:   never where a test can run.
#pragma once

#include <sys/resource.h>

#include <csignal>

namespace callbot::test {

class MostFileSize {
 public:
  explicit MostFileSize(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = signal(SIGXFSZ, SIG_IGN);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~MostFileSize() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  MostFileSize(const MostFileSize&) = delete;
  MostFileSize& operator=(const MostFileSize&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_ = SIG_DFL;
};

}  // namespace callbot::test
