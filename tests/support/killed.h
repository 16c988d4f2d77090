// tests/support/killed.h: work that is killed at an exact place: at its n-th system call that
// changes a name on the disk, cuts a file or syncs.
//
// Thread:  one; the work runs in a child process, which is traced (ptrace(2)).
// Owner:   the test.
// Fails:   the test, through ADD_FAILURE.
#pragma once

#include <functional>

namespace callbot::test {

// Kills it before its n-th such call (from 1) is done. False if it ended by itself before.
bool killed_at_call(int n, const std::function<void()>& work);

}  // namespace callbot::test
