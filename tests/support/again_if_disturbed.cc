// again_if_disturbed SECONDS NOTES PROGRAM [ARGUMENT...]: runs a test for CTest. If it fails while
// the machine stood still, which is no verdict, it is run again, at most twice and only within the
// SECONDS that CTest gives it; what was run again is noted in the file NOTES, a line each.
//
// Exits like the test. 125: the test cannot be run.
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "tests/support/stood_still.h"

namespace callbot {
namespace {

constexpr int kAttempts = 3;
constexpr int kCannotRun = 125;
// A tenth of a second is more than other tests beside it do.
constexpr int64_t kStill_ns = 100'000'000;

// Of waitpid(2); -1: cannot be run.
int run(char** words) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // CTest ends this program where a test takes too long
    if (getppid() != parent) _exit(kCannotRun);
    execv(words[0], words);
    fprintf(stderr, "again_if_disturbed: %s: %s\n", words[0], strerror(errno));
    _exit(kCannotRun);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
  return status;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int run_undisturbed(double most_s, const char* notes, char** words) {
  const int64_t from_ns = monotonic_ns();
  for (int attempt = 1;; ++attempt) {
    const int64_t began_ns = monotonic_ns();
    int64_t still_ns = 0;
    int status = 0;
    {
      const StoodStill still;
      status = run(words);
      still_ns = still.longest_ns();
    }
    if (status < 0) return kCannotRun;
    const int code = code_of(status);
    if (code == 0 || code == kCannotRun || still_ns <= kStill_ns) return code;
    const int64_t now_ns = monotonic_ns();
    const auto would_end_s = static_cast<double>(now_ns - from_ns + now_ns - began_ns) / 1e9;
    if (attempt == kAttempts || would_end_s > most_s) return code;
    printf("failed while the machine stood still for %.0f ms: run again\n",
           static_cast<double>(still_ns) / 1e6);
    fflush(stdout);
    std::ofstream note(notes, std::ios::app);
    for (char** word = words; *word != nullptr; ++word) note << (word == words ? "" : " ") << *word;
    note << ": stood still for " << still_ns / 1'000'000 << " ms\n";
  }
}

}  // namespace
}  // namespace callbot

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: again_if_disturbed SECONDS NOTES PROGRAM [ARGUMENT...]\n");
    return callbot::kCannotRun;
  }
  return callbot::run_undisturbed(atof(argv[1]), argv[2], argv + 3);
}
