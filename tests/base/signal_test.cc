#include "base/signal.h"

#include <gio/gio.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/alive.h"

namespace callbot {
namespace {

using namespace std::chrono_literals;

TEST(Signal, EmittedOnAnotherThreadIsHandledOnTheLoop) {
  Loop loop;
  auto cancel = GRef<GCancellable>::adopt(g_cancellable_new());
  bool handled = false;
  on_signal(cancel.get(), "cancelled", loop, [&](const SignalArgs& args) {
    EXPECT_TRUE(loop.on_loop());
    EXPECT_EQ(args.object_at<GCancellable>(0).get(), cancel.get());
    handled = true;
  });
  std::thread([&] { g_cancellable_cancel(cancel.get()); }).join();
  EXPECT_FALSE(handled);
  EXPECT_TRUE(loop.run_until([&] { return handled; }, 5s));
}

TEST(Signal, KeepsItsEmitterAliveUntilHandledAndNoLonger) {
  Loop loop;
  GObject* watched = G_OBJECT(g_cancellable_new());
  bool gone = false;
  g_object_weak_ref(
      watched, [](gpointer flag, GObject*) { *static_cast<bool*>(flag) = true; }, &gone);
  bool handled = false;
  {
    auto cancel = GRef<GObject>::adopt(watched);
    on_signal(watched, "cancelled", loop, [&](const SignalArgs&) { handled = !gone; });
    g_cancellable_cancel(G_CANCELLABLE(watched));
  }
  EXPECT_FALSE(gone);
  EXPECT_TRUE(loop.run_until([&] { return gone; }, 5s));
  EXPECT_TRUE(handled);
}

TEST(Signal, OfADeadHandlerDoesNothing) {
  Loop loop;
  auto cancel = GRef<GCancellable>::adopt(g_cancellable_new());
  int hits = 0;
  auto alive = std::make_unique<Alive>();
  on_signal(cancel.get(), "cancelled", loop, alive->guard([&](const SignalArgs&) { ++hits; }));
  g_cancellable_cancel(cancel.get());
  alive.reset();
  bool done = false;
  loop.post([&] { done = true; });
  EXPECT_TRUE(loop.run_until([&] { return done; }, 5s));
  EXPECT_EQ(hits, 0);
}

}  // namespace
}  // namespace callbot
