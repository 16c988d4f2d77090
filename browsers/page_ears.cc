#include "browsers/page_ears.h"

namespace callbot::browsers {
namespace {

constexpr double kHeard = 1e-6;  // of full power: -60 dBFS, as the bot's own ears have it

}  // namespace

Result<std::vector<ReceivedStream>> PageEars::listen(const Json& received,
                                                     const RemoteClock& clock) {
  const Json streams = received.at("streams");
  const auto now = received.at("now").number();
  const double origin = received.at("origin").number().value_or(0);
  const int64_t now_ns = clock.monotonic_ns_of(now.value_or(0)).value_or(0);
  if (!streams.is_array() || !now || now_ns == 0)
    return fail(Code::kBadInput,
                "the page gave no streams: expected what callbotObserver.received() says");
  if (origin != origin_) sums_.clear();
  origin_ = origin;
  std::map<StreamKey, Sum> sums;
  std::vector<ReceivedStream> all;
  for (size_t i = 0; i < streams.size(); ++i) {
    const Json row = streams.at(i);
    const auto text = [&](const char* key) { return row.at(key).text().value_or(""); };
    const auto number = [&](const char* key) { return row.at(key).number().value_or(0); };
    ReceivedStream one{{text("name"), text("source")}, text("kind") == "video", text("codec")};
    one.width = static_cast<int>(number("width"));
    one.height = static_cast<int>(number("height"));
    one.decoded = number("decoded") > 0;
    const Sum sum{number("energy"), number("duration")};
    const auto before = sums_.find(one.key);
    if (!one.video && before != sums_.end()) {
      const double seconds = sum.duration - before->second.duration;
      one.heard = seconds > 0 && (sum.energy - before->second.energy) / seconds > kHeard;
      one.decoded = one.heard;
      one.from_ns = listened_ns_;
      one.to_ns = now_ns;
    }
    if (!one.video) sums[one.key] = sum;
    all.push_back(std::move(one));
  }
  sums_ = std::move(sums);
  listened_ns_ = now_ns;
  return all;
}

}  // namespace callbot::browsers
