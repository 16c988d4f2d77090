// tests/support/killed.h: work that is killed at an exact place: at its n-th system call that
// makes, renames or removes a file or folder, gives a file another size, or syncs.
//
// Not at writes: there are thousands, and what a file holds that was cut between two of them is
// what the tests with cut files and with kills at random instants (kill_test) are about.
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
