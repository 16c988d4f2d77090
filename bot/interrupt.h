// bot/interrupt.h: Ctrl-C for verbs that work without a loop: asked for, not thrown in.
//
// While it lives, SIGINT and SIGTERM set a flag that the work looks at; a second one ends the
// process as usual.
//
// Thread:  main's makes it; asked() on any.
// Owner:   the verb, one at a time.
// Fails:   never.
#pragma once

#include <signal.h>

namespace callbot::bot {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  static bool asked();

 private:
  struct sigaction before_[2];
};

}  // namespace callbot::bot
