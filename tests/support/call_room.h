// tests/support/call_room.h: a room with the program's own verbs in it: senders and a recorder, all
// in this process, over real sockets.
//
// Thread:  loop.
// Owner:   the test.
// Fails:   the test, through EXPECT; every wait has a deadline.
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bot/record.h"
#include "bot/send.h"
#include "tests/support/room_host.h"
#include "tests/support/temp_folder.h"

namespace callbot::test {

using namespace std::chrono_literals;

class CallRoom : public testing::Test {
 protected:
  // Generous: sanitizers and a busy machine make a call several times slower.
  static constexpr std::chrono::milliseconds kPatience{60000};

  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  struct Sender {
    std::unique_ptr<bot::Send> send;
    std::optional<bot::Send::Done> done;
  };
  struct Recorder {
    std::unique_ptr<bot::Record> record;
    std::optional<bot::Record::Done> done;
  };

  bot::SendOptions small(const std::string& name) {
    bot::SendOptions o;
    o.join.url = host_.url();
    o.join.name = name;
    o.width = 320;
    o.height = 180;
    o.fps = 15;
    o.bitrate = 300'000;
    o.seed = ++seeds_;
    return o;
  }
  bot::RecordOptions into_folder() {
    bot::RecordOptions o;
    o.join.url = host_.url();
    o.out = folder_.path();
    return o;
  }
  Sender& start(bot::SendOptions options) {
    auto& sender = *senders_.emplace_back(std::make_unique<Sender>());
    sender.send = std::make_unique<bot::Send>(loop_, console_, std::move(options),
                                              [&](auto done) { sender.done = std::move(done); });
    sender.send->start();
    EXPECT_TRUE(
        loop_.run_until([&] { return sender.send->joined() > 0 || sender.done; }, kPatience));
    return sender;
  }
  Recorder& start(bot::RecordOptions options) {
    auto& recorder = *recorders_.emplace_back(std::make_unique<Recorder>());
    recorder.record = std::make_unique<bot::Record>(
        loop_, console_, std::move(options), [&](auto done) { recorder.done = std::move(done); });
    recorder.record->start();
    return recorder;
  }
  // Until at least so many frames of the recording are in its tracks, all together.
  bool recorded_frames(Recorder& recorder, uint64_t frames) {
    return loop_.run_until(
        [&] {
          uint64_t n = 0;
          for (const auto& track : recorder.record->stats().tracks) n += track.frames;
          return n >= frames || recorder.done;
        },
        kPatience);
  }
  bool tracks(Recorder& recorder, size_t live) {
    return loop_.run_until(
        [&] {
          size_t n = 0;
          for (const auto& track : recorder.record->stats().tracks)
            n += track.live && track.frames > 10 ? 1 : 0;
          return n == live || recorder.done;
        },
        kPatience);
  }
  const bot::Record::Done& finished(Recorder& recorder) {
    EXPECT_TRUE(loop_.run_until([&] { return recorder.done.has_value(); }, kPatience));
    if (!recorder.done) recorder.done.emplace();
    return *recorder.done;
  }
  const bot::Record::Done& stopped(Recorder& recorder) {
    recorder.record->interrupt();
    return finished(recorder);
  }
  bool left(Sender& sender) {
    sender.send->interrupt();
    return loop_.run_until([&] { return sender.done.has_value(); }, kPatience);
  }
  static std::string text(const bot::Record::Done& done) {
    std::string all = done.error ? done.error->message + "\n" : "";
    return done.verdict ? all + recordings::to_text(*done.verdict) : all;
  }

  Loop loop_;
  bot::Console console_{false};
  TempFolder folder_;
  RoomHost host_{loop_};
  int seeds_ = 0;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::vector<std::unique_ptr<Recorder>> recorders_;
};

}  // namespace callbot::test
