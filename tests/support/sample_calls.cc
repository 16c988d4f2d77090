#include "tests/support/sample_calls.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace callbot::test {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

VideoRecipe small(const std::string& codec, double seconds) {
  return {.codec = codec,
          .width = 192,
          .height = 108,
          .frames = static_cast<int>(seconds * 30),
          .key_every = 30};
}

void plain(Feed& feed, const SampleCall& call) {
  if (*call.video != 0)
    feed.add({video_track(1, "alice", call.video), make_video(small(call.video, call.seconds))});
  if (*call.audio != 0)
    feed.add({audio_track(2, "alice", call.audio),
              make_audio({.codec = call.audio, .seconds = call.seconds})});
}

// The microphone is off from 5 s to 35 s.
void muted(Feed& feed, const SampleCall& call) {
  auto video = small(call.video, call.seconds);
  video.width = 96;
  video.height = 64;
  feed.add({video_track(1, "alice", call.video), make_video(video)});
  auto sound = make_audio({.codec = call.audio, .seconds = call.seconds});
  sound = without(std::move(sound), 5 * kSecond, 35 * kSecond);
  feed.says("alice", 5, MediaKind::kAudio, false);
  feed.says("alice", 35, MediaKind::kAudio, true);
  feed.add({audio_track(2, "alice", call.audio), sound});
}

// Every 20th packet of sound, and as many pictures: with those that need them.
void lossy(Feed& feed, const SampleCall& call) {
  auto recipe = small(call.video, call.seconds);
  recipe.key_every = 5;
  auto video = make_video(recipe);
  for (size_t i = 103; i < video.size(); i += 100) {
    const auto from = video.begin() + static_cast<std::ptrdiff_t>(i);
    const auto key = std::find_if(from, video.end(), [](const auto& f) { return f.key; });
    if (key != video.end()) key->after_gap = true;
    video.erase(from, key);
  }
  auto sound = make_audio({.codec = call.audio, .seconds = call.seconds});
  for (size_t i = 17; i < sound.size(); i += 19) {  // 19: one of 20 is gone
    sound.erase(sound.begin() + static_cast<std::ptrdiff_t>(i));
    if (i < sound.size()) sound[i].after_gap = true;
  }
  feed.add({video_track(1, "alice", call.video), video});
  feed.add({audio_track(2, "alice", call.audio), sound});
}

// Twice the size from 2 s on, in the same track.
void resized(Feed& feed, const SampleCall& call) {
  auto first = make_video(small(call.video, 2));
  auto recipe = small(call.video, call.seconds - 2);
  recipe.width *= 2;
  recipe.height *= 2;
  recipe.first_counter = 60;
  for (EncodedFrame& f : make_video(recipe)) {
    f.time_ns += 2 * kSecond;
    f.rtp_time += 2 * 90000;
    first.push_back(std::move(f));
  }
  feed.add({video_track(1, "alice", call.video), first});
  feed.add({audio_track(2, "alice", call.audio),
            make_audio({.codec = call.audio, .seconds = call.seconds})});
}

// VP8, and from 2 s on another codec on the same line.
void changed_codec(Feed& feed, const SampleCall& call) {
  feed.add(
      {.info = video_track(1, "alice", "vp8"), .frames = make_video(small("vp8", 2)), .end = 2});
  auto recipe = small(call.video, call.seconds - 2);
  recipe.first_counter = 60;
  feed.add({.info = video_track(3, "alice", call.video), .frames = make_video(recipe), .start = 2});
  feed.add({audio_track(2, "alice", call.audio),
            make_audio({.codec = call.audio, .seconds = call.seconds})});
}

void screen_beside(Feed& feed, const SampleCall& call) {
  plain(feed, call);
  auto screen = video_track(3, "alice", call.video);
  screen.source = "screen";
  screen.mid = "2";
  auto recipe = small(call.video, call.seconds - 1);
  recipe.source = 2;
  feed.add({.info = screen, .frames = make_video(recipe), .start = 1});
}

void late_camera(Feed& feed, const SampleCall& call) {
  auto recipe = small(call.video, call.seconds - 2);
  recipe.first_counter = 60;
  feed.add({.info = video_track(1, "alice", call.video), .frames = make_video(recipe), .start = 2});
  feed.add({audio_track(2, "alice", call.audio),
            make_audio({.codec = call.audio, .seconds = call.seconds})});
}

}  // namespace

const std::vector<SampleCall>& sample_calls() {
  static const std::vector<SampleCall> calls = {
      {"vp8-opus", "vp8", "opus", 3, plain},
      {"vp9-opus", "vp9", "opus", 3, plain},
      {"h264-opus", "h264", "opus", 3, plain},
      {"h265-opus", "h265", "opus", 3, plain},
      {"vp8-pcmu", "vp8", "pcmu", 3, plain},
      {"vp8-pcma", "vp8", "pcma", 3, plain},
      {"vp8-g722", "vp8", "g722", 3, plain},
      {"muted", "vp8", "opus", 40, muted},
      {"muted-pcmu", "vp8", "pcmu", 40, muted},
      {"muted-g722", "vp8", "g722", 40, muted},
      {"lossy", "vp8", "opus", 10, lossy},
      {"resized-vp8", "vp8", "opus", 4, resized},
      {"resized-h264", "h264", "opus", 4, resized},
      {"changed-codec", "h264", "opus", 4, changed_codec},
      {"screen-beside", "vp8", "opus", 4, screen_beside},
      {"late-camera", "vp8", "opus", 4, late_camera},
      {"sound-only", "", "opus", 3, plain},
  };
  return calls;
}

const SampleCall& sample_call(const std::string& name) {
  for (const SampleCall& call : sample_calls()) {
    if (name == call.name) return call;
  }
  ADD_FAILURE() << "no sample call " << name;
  std::abort();
}

void record_sample(Feed& feed, const SampleCall& call) {
  feed.member("alice", 0, call.seconds);
  if (*call.video != 0) feed.says("alice", 0, MediaKind::kVideo, true, "camera");
  if (*call.audio != 0) feed.says("alice", 0, MediaKind::kAudio, true);
  call.fill(feed, call);
  const auto ran = feed.run(call.seconds + 0.2);
  EXPECT_TRUE(ran) << (ran ? "" : ran.error().message);
}

}  // namespace callbot::test
