#include "quality/rotation.h"

namespace callbot::quality {

Rotation::Member Rotation::enroll() {
  const std::lock_guard lock(mutex_);
  members_.push_back(++newest_);
  return newest_;
}

void Rotation::leave(Member member) {
  const std::lock_guard lock(mutex_);
  if (!members_.empty() && members_.front() == member) {
    begun_ = false;
    since_ns_ = 0;
  }
  members_.remove(member);
}

bool Rotation::is_turn(Member member, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (members_.empty()) return false;
  if (since_ns_ == 0) since_ns_ = now_ns;
  if (now_ns - since_ns_ >= (begun_ ? 1 : 2) * window_ns_) next(now_ns);
  return members_.front() == member;
}

void Rotation::begun(Member member, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (begun_ || members_.empty() || members_.front() != member) return;
  begun_ = true;
  since_ns_ = now_ns;
}

void Rotation::next(int64_t now_ns) {
  members_.splice(members_.end(), members_, members_.begin());
  begun_ = false;
  since_ns_ = now_ns;
}

}  // namespace callbot::quality
