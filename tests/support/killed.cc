#include "tests/support/killed.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace callbot::test {
namespace {

constexpr uint64_t kCalls[] = {
#ifdef SYS_rename  // newer machines have the ones with "at" only
    SYS_rename,    SYS_link,     SYS_unlink,    SYS_mkdir,   SYS_rmdir,     SYS_symlink,
    SYS_creat,
#endif
    SYS_renameat,  SYS_linkat,   SYS_unlinkat,  SYS_mkdirat, SYS_symlinkat, SYS_renameat2,
    SYS_ftruncate, SYS_truncate, SYS_fallocate, SYS_fsync,   SYS_fdatasync,
};

// open(2) that may make a file.
bool creates(const __ptrace_syscall_info& info) {
#ifdef SYS_open
  if (info.entry.nr == SYS_open) return (info.entry.args[1] & O_CREAT) != 0;
#endif
  return info.entry.nr == SYS_openat && (info.entry.args[2] & O_CREAT) != 0;
}

bool enters_one(pid_t child) {
  __ptrace_syscall_info info{};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) {
    ADD_FAILURE() << "the child cannot be looked at";
    return false;
  }
  return info.op == PTRACE_SYSCALL_INFO_ENTRY &&
         (creates(info) ||
          std::find(std::begin(kCalls), std::end(kCalls), info.entry.nr) != std::end(kCalls));
}

}  // namespace

bool killed_at_call(int n, const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(125);
    raise(SIGSTOP);
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSTOPPED(status))
    ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  int calls = 0;
  int passed_on = 0;
  while (WIFSTOPPED(status)) {
    const int stop = WSTOPSIG(status);
    passed_on = stop == SIGSTOP || stop == (SIGTRAP | 0x80) ? 0 : stop;
    if (stop == (SIGTRAP | 0x80) && enters_one(child) && ++calls == n) kill(child, SIGKILL);
    ptrace(PTRACE_SYSCALL, child, nullptr, passed_on);
    if (waitpid(child, &status, 0) != child) break;
  }
  if (WIFEXITED(status)) {
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace callbot::test
