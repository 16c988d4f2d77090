#include "bot/call_pair.h"

#include <utility>

#include "bot/call.h"

namespace callbot::bot {

CallPair::CallPair(Loop& loop, Done done) : loop_(loop), done_(std::move(done)) {}

void CallPair::start(const std::array<Call*, 2>& calls) {
  calls_ = calls;
  open_ = 2;
  for (Call* call : calls_) call->start();
}

void CallPair::end(Result<> how) {
  if (outcome_) return;
  outcome_ = std::move(how);
  if (open_ == 0) return finish();
  for (Call* call : calls_) call->stop();
}

void CallPair::call_done(Result<> how) {
  if (!outcome_) end(how ? fail(Code::kConnect, "the call ended") : std::move(how));
  if (--open_ == 0) finish();
}

void CallPair::finish() {
  loop_.post(alive_.guard([this] {
    const auto done = std::exchange(done_, nullptr);
    if (done) done(*outcome_);
  }));
}

}  // namespace callbot::bot
