// What a long day costs: members that come and go leave nothing behind in the process.
#include <gmock/gmock.h>
#include <gst/gst.h>
#include <gst/gsttracer.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "tests/support/call_room.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

#ifdef __SANITIZE_ADDRESS__
constexpr int kRounds = 10;  // several times slower
#else
constexpr int kRounds = 50;
#endif
constexpr int kAtOnce = 4;  // members that join and leave in a round
constexpr int kWarmUp = 3;
// Of a type, over all rounds: classes make theirs when they are first used.
constexpr int kFewObjects = 10;

// Counts GStreamer's living objects by type, through the hooks that its tracers use.
class LiveObjects {
 public:
  static LiveObjects& instance() {
    static LiveObjects live;
    return live;
  }
  std::map<std::string, int> now() {
    std::lock_guard lock(mutex_);
    return counts_;
  }
  int elements() {
    std::lock_guard lock(mutex_);
    return elements_;
  }

 private:
  LiveObjects() {
    const GType type = g_type_register_static_simple(
        GST_TYPE_TRACER, "CallbotLiveObjects", sizeof(GstTracerClass), nullptr, sizeof(GstTracer),
        nullptr, static_cast<GTypeFlags>(0));
    auto* tracer = GST_TRACER(g_object_new(type, nullptr));
    gst_tracing_register_hook(tracer, "object-created", G_CALLBACK(created));
    gst_tracing_register_hook(tracer, "object-destroyed", G_CALLBACK(destroyed));
  }
  static void created(GObject*, GstClockTime, GstObject* object) { instance().count(object, 1); }
  static void destroyed(GObject*, GstClockTime, GstObject* object) { instance().count(object, -1); }
  void count(GstObject* object, int by) {
    std::lock_guard lock(mutex_);
    counts_[G_OBJECT_TYPE_NAME(object)] += by;
    if (GST_IS_ELEMENT(object)) elements_ += by;
  }

  std::mutex mutex_;
  std::map<std::string, int> counts_;
  int elements_ = 0;
};

size_t entries_of(const char* folder) {
  const fs::directory_iterator entries(folder);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}
size_t descriptors() { return entries_of("/proc/self/fd"); }
size_t threads() { return entries_of("/proc/self/task"); }

// What there is more of than before.
std::string growth(const std::map<std::string, int>& before,
                   const std::map<std::string, int>& now) {
  std::string text;
  for (const auto& [type, count] : now) {
    const auto found = before.find(type);
    const int was = found == before.end() ? 0 : found->second;
    if (count > was + kFewObjects) text += fmt::format("{}: {} -> {}\n", type, was, count);
  }
  return text;
}

class RoundsTest : public test::CallRoom {
 protected:
  // Members join and leave as soon as they are connected; in every fifth round, once they are
  // recorded.
  void round(Recorder& recorder, int n) {
    for (int i = 0; i < kAtOnce; ++i) {
      auto options = small(fmt::format("member-{}", i));
      options.video = false;
      start(options);
    }
    const auto all = [this](auto condition) {
      return loop_.run_until(
          [&] {
            return std::all_of(senders_.begin(), senders_.end(),
                               [&](const auto& sender) { return condition(*sender); });
          },
          kPatience);
    };
    ASSERT_TRUE(all([](const Sender& s) { return s.send->connected_legs() == 1; })) << n;
    if (n % 5 == 0) {
      ASSERT_TRUE(tracks(recorder, kAtOnce)) << n;
    }
    for (const auto& sender : senders_) sender->send->interrupt();
    ASSERT_TRUE(all([](const Sender& s) { return s.done.has_value(); })) << n;
    ASSERT_TRUE(
        loop_.run_until([&] { return host_.rooms().members("demo").size() == 1; }, kPatience));
    ASSERT_FALSE(recorder.done) << text(*recorder.done);
    senders_.clear();
  }
  // Peers are taken down off the loop.
  bool until_elements(int n) {
    return loop_.run_until([&] { return LiveObjects::instance().elements() <= n; }, kPatience);
  }
};

TEST_F(RoundsTest, MembersThatComeAndGoLeaveNothingBehind) {
  LiveObjects& live = LiveObjects::instance();
  auto options = into_folder();
  options.audio_only = true;
  auto& recorder = start(options);
  ASSERT_TRUE(loop_.run_until([&] { return recorder.record->joined(); }, kPatience));
  const int no_elements = live.elements();
  for (int n = 0; n < kWarmUp; ++n) ASSERT_NO_FATAL_FAILURE(round(recorder, n));
  ASSERT_TRUE(until_elements(no_elements)) << growth({}, live.now());
  const auto objects_before = live.now();
  const size_t descriptors_before = descriptors(), threads_before = threads();

  for (int n = kWarmUp; n < kRounds; ++n) ASSERT_NO_FATAL_FAILURE(round(recorder, n));
  EXPECT_TRUE(until_elements(no_elements));
  EXPECT_TRUE(loop_.run_until(
      [&] {
        return descriptors() <= descriptors_before && threads() <= threads_before &&
               growth(objects_before, live.now()).empty();
      },
      kPatience))
      << "descriptors " << descriptors_before << " -> " << descriptors() << ", threads "
      << threads_before << " -> " << threads() << "\n"
      << growth(objects_before, live.now());
  stopped(recorder);
}

}  // namespace
}  // namespace callbot::bot
