#include "recordings/picture_lane.h"

namespace callbot::recordings {
namespace {

constexpr size_t kMostAhead = 2;  // pictures; a third one is in the decoding thread's hands

}  // namespace

PictureLane::PictureLane(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces,
                         int threads)
    : ahead_(kMostAhead), thread_([this, folder, pieces = std::move(pieces), threads] {
        decode(folder, pieces, threads);
      }) {}

PictureLane::~PictureLane() {
  ahead_.abort();
  thread_.join();
}

void PictureLane::decode(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces,
                         int threads) {
  LanePictures pictures(folder, std::move(pieces), threads);
  for (bool more = true; more;) {
    auto picture = pictures.next();
    more = picture && *picture;
    if (!more) {
      notes_ = pictures.notes();  // read by the other thread after the end only
      if (!picture && picture.error().code == Code::kUnsupported) {
        notes_.push_back(picture.error().message);
        picture = std::optional<LanePicture>();
      }
    }
    if (!ahead_.push(std::move(picture))) return;
  }
}

Result<> PictureLane::advance(int64_t time_ns) {
  for (;;) {
    if (!next_ && !ended_) {
      auto got = ahead_.pop();
      if (got && !*got) return tl::unexpected(got->error());
      if (got) next_ = std::move(**got);
      ended_ = !next_;
    }
    if (!next_ || next_->time_ns > time_ns) return {};
    current_ = std::exchange(next_, std::nullopt);
    ++number_;
  }
}

}  // namespace callbot::recordings
