// base/alive.h: silences tasks of owners that are gone.
//
// Thread:  loop; owners die on the loop and tasks run on the loop, so the check is no race.
// Owner:   the object whose tasks it guards; make it the LAST member, so that it dies first.
// Fails:   never; a task of a dead owner does nothing.
#pragma once

#include <memory>
#include <utility>

namespace callbot {

class Alive {
 public:
  Alive() = default;
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;

  template <class F>
  auto guard(F f) const {
    return [token = std::weak_ptr<int>(token_), f = std::move(f)](auto&&... args) mutable {
      if (!token.expired()) f(std::forward<decltype(args)>(args)...);
    };
  }
  // Everything guarded so far does nothing from now on; the owner lives on.
  void reset() { token_ = std::make_shared<int>(0); }

 private:
  std::shared_ptr<int> token_ = std::make_shared<int>(0);
};

}  // namespace callbot
